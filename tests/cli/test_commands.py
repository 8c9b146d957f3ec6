"""The commands beside ingest, and what all of them share: help, version, errors, terminals."""

import json
import os
import signal
import subprocess
import sys

import pytest

import fastcore as package
from fastcore import cli

from .conftest import COMMAND, dumps, make_records, ndjson, payloads

RECORDS = make_records(300)
COMMANDS = list(cli.COMMANDS)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.ndjson"
    path.write_bytes(ndjson(RECORDS))
    return path


@pytest.fixture
def log(tmp_path):
    from fastcore import wal

    path = tmp_path / "log"
    with wal.open(path) as opened:
        opened.append_many(
            [b'{"a": 1}', "tëxt\n".encode(), b"\xff\x00", b'{"a":\n2}', b""], [0, 1, 2, 3, 4]
        )
    return path


# -- shared ---------------------------------------------------------------------------------


def test_version(fastcore):
    for option in ("--version", "-V"):
        done = fastcore(option)
        assert (done.code, done.out, done.err) == (0, f"fastcore {package.__version__}\n", "")


def test_help_names_every_command(fastcore):
    done = fastcore("--help")
    assert done.code == 0
    for name in COMMANDS:
        assert f"  {name} " in done.out
    assert fastcore().code == 2
    assert fastcore("help").out == fastcore("-h").out == done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_commands_has_examples(fastcore, command):
    done = fastcore(command, "--help")
    assert done.code == 0
    assert done.out.startswith(f"usage: fastcore {command}")
    assert "%(" not in done.out
    assert f"fastcore {command}" in done.out.partition("examples:")[2]


def test_unknown_command(fastcore):
    done = fastcore("injest")
    assert done.code == 2
    assert done.err == (
        f"fastcore: there is no command 'injest'; the commands are: {', '.join(COMMANDS)}\n"
    )


def test_starting_is_light():
    code = (
        "import sys\nfrom fastcore import cli\ncli.main(['--version'])\n"
        "print(sorted({'numpy', 'orjson', 'lmdb', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_bug_keeps_its_traceback():
    code = (
        "import fastcore.cli, fastcore.cpu\n"
        "fastcore.cpu.info = lambda: 1 / 0\n"
        "fastcore.cli.main(['cpu'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ZeroDivisionError" in done.stderr


def on_terminal(arguments, *, stdin=b"", columns=100, env=None):
    """Run a command whose standard output and error are a terminal; return (code, screen)."""
    import fcntl
    import pty
    import struct
    import termios

    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {**os.environ, "TERM": "xterm", **(env or {})}
    environment = {name: value for name, value in environment.items() if value is not None}
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=terminal,
        stderr=terminal,
        env=environment,
    )
    os.close(terminal)
    if callable(stdin):
        stdin(process.stdin)
    else:
        process.stdin.write(stdin)
    process.stdin.close()
    screen = b""
    while True:
        try:
            part = os.read(controller, 65536)
        except OSError:  # Linux's end of file
            break
        if not part:
            break
        screen += part
    os.close(controller)
    return process.wait(60), screen.decode()


def test_progress_on_a_terminal(source, tmp_path):
    arguments = ["ingest", source, "--wal", tmp_path / "log", "--chunk-bytes", "1000"]
    code, screen = on_terminal(arguments, env={"NO_COLOR": None})
    assert code == 0
    first = screen.split("\r")[1]
    assert first.endswith("\x1b[K")
    for part in ("source.ndjson", "%", "/s  ", "records/s", "read ", "kept "):
        assert part in first
    *_, summary = screen.replace("\r\n", "\n").splitlines()
    assert "\r\x1b[K" + "fastcore: " in screen.replace("\r\r", "\r")
    assert "read 300 records" in summary
    assert "{" not in screen, "the objects are for pipes"


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_escape_sequences_where_unwelcome(source, tmp_path, env):
    code, screen = on_terminal(["ingest", source, "--wal", tmp_path / "log"], env=env)
    assert code == 0
    assert "\x1b" not in screen
    assert "read 300 records" in screen
    assert "\x1b" not in on_terminal(["cpu"], env=env)[1]


def test_progress_fits_the_terminal(source, tmp_path):
    import time

    def feed(stdin):
        for _ in range(4):
            stdin.write(source.read_bytes())
            stdin.flush()
            time.sleep(0.12)  # longer than a redraw

    arguments = ["ingest", "-", "--wal", tmp_path / "log"]
    code, screen = on_terminal(arguments, stdin=feed, columns=60, env={"NO_COLOR": "1"})
    assert code == 0
    drawn = screen.split("\r")[1:-1]
    assert len(drawn) > 2
    assert all(len(line) < 60 for line in drawn if "fastcore:" not in line)


def test_quiet_on_a_terminal(source, tmp_path):
    assert on_terminal(["ingest", source, "--wal", tmp_path / "log", "-q"]) == (0, "")


# -- cpu ------------------------------------------------------------------------------------


def test_cpu_in_a_pipe(fastcore):
    (report,) = fastcore("cpu").objects
    assert tuple(report["available"]) == package.cpu.available()
    assert report["kernels"] == package.cpu.info().kernels
    assert set(report["features"]) == package.cpu.info().features


def test_cpu_obeys_the_environment(fastcore):
    (report,) = fastcore("cpu", env={**os.environ, "FASTCORE_SIMD": "scalar"}).objects
    assert set(report["kernels"].values()) == {"scalar"}


def test_cpu_on_a_terminal():
    code, screen = on_terminal(["cpu"], env={"NO_COLOR": "1", "FASTCORE_SIMD": "scalar"})
    assert code == 0
    assert "find_byte=scalar" in screen
    assert "FASTCORE_SIMD: scalar" in screen


# -- wal ------------------------------------------------------------------------------------


def test_cat_in_a_pipe(fastcore, log):
    done = fastcore("wal", "cat", log)
    assert done.code == 0, done.err
    first = done.objects[0]["seq"]
    assert done.objects == [
        {"seq": first, "timestamp": 0, "json": {"a": 1}},
        {"seq": first + 1, "timestamp": 1, "text": "tëxt\n"},
        {"seq": first + 2, "timestamp": 2, "base64": "/wA="},
        {"seq": first + 3, "timestamp": 3, "json": {"a": 2}},
        {"seq": first + 4, "timestamp": 4, "text": ""},
    ]


def test_cat_a_part(fastcore, log):
    first = fastcore("wal", "cat", log).objects[0]["seq"]
    done = fastcore("wal", "cat", log, "--from", first + 1, "-n", 2)
    assert [record["seq"] for record in done.objects] == [first + 1, first + 2]
    done = fastcore("wal", "cat", log, "--from", first + 5)
    assert (done.code, done.out) == (1, "")


def test_cat_raw(fastcore, log, tmp_path):
    done = subprocess.run([*COMMAND, "wal", "cat", log, "--raw"], capture_output=True, check=True)
    assert done.stdout == b"".join(payload + b"\n" for payload in payloads(log))


def test_cat_on_a_terminal_cannot_be_driven_by_payloads(tmp_path):
    from fastcore import wal

    with wal.open(tmp_path / "log") as opened:
        opened.append(b"\x1b[2Jboo\x07 \xff", 1442018818771000001)
    code, screen = on_terminal(["wal", "cat", tmp_path / "log"])
    assert code == 0
    assert screen.strip().endswith("2015-09-12T00:46:58.771000001Z  \\x1b[2Jboo\\x07 \\xff")


def test_cat_into_a_closed_pipe_is_quiet(tmp_path):
    from fastcore import wal

    with wal.open(tmp_path / "log") as opened:
        opened.append_many([b"x" * 1000] * 1000)
    process = subprocess.Popen(
        [*COMMAND, "wal", "cat", str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 128 + signal.SIGPIPE


def test_stat(fastcore, log):
    (figures,) = fastcore("wal", "stat", log).objects
    assert figures["records"] == 5
    assert figures["next_seq"] - figures["first_seq"] == 5
    assert figures["file_bytes"] == sum(path.stat().st_size for path in log.iterdir())
    code, screen = on_terminal(["wal", "stat", log], env={"NO_COLOR": "1"})
    assert code == 0
    for name in figures:
        assert f"{name}: " in screen


@pytest.mark.parametrize("action", ["cat", "stat"])
def test_log_that_is_not_there(fastcore, tmp_path, action):
    done = fastcore("wal", action, tmp_path / "none")
    assert done.code == 2
    assert str(tmp_path / "none") in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "none").exists()


# -- json -----------------------------------------------------------------------------------


def test_count(fastcore, source, pack, tmp_path):
    assert fastcore("json", "count", source).out == "300\n"
    packed = pack(source.read_bytes())
    (tmp_path / "packed").write_bytes(packed)
    assert fastcore("json", "count", tmp_path / "packed").out == "300\n"
    assert fastcore("json", "count", "-", stdin=packed).out == "300\n"
    done = fastcore("json", "count", "-")
    assert (done.code, done.out) == (1, "0\n")


def test_select(fastcore, source):
    done = fastcore("json", "select", source, "id", "name=user.name")
    assert done.code == 0, done.err
    wanted = [{"id": r["id"], "name": r["user"]["name"]} for r in RECORDS]
    assert done.objects == wanted
    assert done.out.encode() == b"".join(dumps(w) + b"\n" for w in wanted)


def test_check(fastcore, source):
    done = fastcore("json", "check", source)
    assert (done.code, done.out, done.err) == (0, "", f"fastcore: {source}: valid, 300 records\n")
    done = fastcore("json", "check", "-", stdin=b'{"a":1}\n{"a":}\n')
    assert done.code == 1
    assert done.err.startswith("fastcore: standard input: ")
    assert "line 2 column 6 (byte 13" in done.err
    assert done.err.count("\n") == 1


def test_infer(fastcore, source):
    done = fastcore("json", "infer", source)
    assert done.code == 0
    schema = json.loads(done.out)
    assert schema["id"] == "int64"
    assert schema["user.name"] == "string"
    assert fastcore("json", "infer", "-").code == 1


def test_root(fastcore):
    document = b'{"all": [{"a": 1}, {"a": "x"}, {}]}'
    root = ("--root", "$.all[*]")
    assert fastcore("json", "count", "-", *root, stdin=document).out == "3\n"
    done = fastcore("json", "select", "-", "a", *root, stdin=document)
    assert [found["a"] for found in done.objects] == [1, "x", None]
    done = fastcore("json", "infer", "-", *root, "--rows", "1", stdin=document)
    assert json.loads(done.out) == {"a": "int64"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["select", "-"], "json select needs PATH"),
        (["count", "-", "a"], "json count takes no PATH"),
        (["dump", "-"], "invalid choice: 'dump'"),
        (["count", "no such file"], "no such file: no such file"),
        (["select", "-", "$["], "$["),
        (["count", "-", "--root", "$["], "$["),
        (["infer", "-", "--rows", "0"], "at least 1"),
    ],
)
def test_wrong_use_of_json(fastcore, arguments, says):
    done = fastcore("json", *arguments)
    assert done.code == 2
    assert says in done.err
    assert done.err.count("\n") == 1
