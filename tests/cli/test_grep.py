"""fastcore grep: beside grep itself, on the same files."""

import gzip
import os
import pty
import random
import shutil
import subprocess
import sys

import pytest

GREP = shutil.which("grep")
LOG = b"""\
ERROR: disk sda1 failed
fine

warn: \xc3\x89cole connection REFUSED
a.b*c [x] ERROR
\xff\xfe refused
last line without an end"""


@pytest.fixture
def logs(tmp_path):
    (tmp_path / "one.log").write_bytes(LOG)
    (tmp_path / "two.log").write_bytes(b"nothing\nERROR\n")
    (tmp_path / "empty.log").write_bytes(b"")
    (tmp_path / "words").write_bytes(b"refused\nsda1\n")
    return tmp_path


def run(arguments, folder, stdin=b"", **environment):
    done = subprocess.run(
        [sys.executable, "-m", "fastcore", "grep", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout, done.stderr


CALLS = [
    ["-F", "ERROR", "one.log"],
    ["-F", "ERROR", "one.log", "two.log", "empty.log"],
    ["-F", "-c", "ERROR", "one.log", "two.log", "empty.log"],
    ["-n", "-F", "-e", "refused", "-e", "a.b*c [x]", "one.log"],
    ["-i", "-n", "-F", "REFUSED", "one.log"],
    ["-v", "-n", "-F", "e", "one.log"],
    ["-F", "-f", "words", "one.log", "two.log"],
    ["-f", "words", "one.log"],
    ["-F", "not there", "one.log"],
    ["-E", "sda[0-9]|REF+USED$", "one.log"],
    ["-E", "-v", "-c", "-e", "^$", "-e", "[a-z]", "one.log"],
    ["-c", "", "one.log"],
    ["-v", "", "one.log"],
    ["-F", "fine\nsda1", "one.log"],
    ["-n", "-F", "line"],
]


@pytest.mark.skipif(GREP is None, reason="no grep to compare with")
@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_as_grep_does(logs, arguments):
    if "-E" in arguments:
        pytest.importorskip("re2")
    ours = [argument for argument in arguments if argument != "-E"]
    text = [GREP, "-a", *arguments]  # -a: bytes that are no text are printed all the same
    wanted = subprocess.run(
        text, cwd=logs, input=LOG, capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    code, out, err = run(ours, logs, LOG)
    assert (code, out) == (wanted.returncode, wanted.stdout)
    assert err == b""


def test_unicode_case_and_bytes_that_are_no_text(logs):
    assert run(["-i", "-F", "École"], logs, LOG)[1].startswith(b"warn: ")
    code, out, _ = run([b"-F", b"\xff\xfe"], logs, LOG)
    assert (code, out) == (0, b"\xff\xfe refused\n")


def test_packed_files_and_long_inputs(tmp_path):
    chance = random.Random(1)
    lines = [
        b"line %d %s" % (i, b"needle" if chance.random() < 0.01 else b"") for i in range(200_000)
    ]
    (tmp_path / "log.gz").write_bytes(gzip.compress(b"\n".join(lines) + b"\n", 1))
    code, out, _ = run(["-n", "-F", "needle", "log.gz"], tmp_path)
    wanted = [b"%d:%s" % (i + 1, line) for i, line in enumerate(lines) if b"needle" in line]
    assert code == 0
    assert out.splitlines() == wanted


def test_errors_are_one_line_and_exit_2(logs):
    code, out, err = run(["-F", "ERROR", "absent.log", "two.log"], logs)
    assert (code, out) == (2, b"two.log:ERROR\n")
    assert err == b"fastcore: absent.log: no such file\n"
    assert run([], logs)[0] == 2
    pytest.importorskip("re2")
    code, _, err = run(["a(b", "one.log"], logs)
    assert code == 2
    assert b"missing )" in err
    assert err.count(b"\n") == 1


def test_without_google_re2_plain_patterns_still_work(logs):
    script = (
        "import sys; sys.modules['re2'] = None; from fastcore.cli import main; sys.exit(main())"
    )

    def blind(*arguments):
        command = [sys.executable, "-c", script, "grep", *arguments]
        return subprocess.run(command, cwd=logs, capture_output=True, text=True, check=False)

    assert blind("ERROR", "two.log").stdout == "ERROR\n"
    refused = blind("ERR.R", "two.log")
    assert refused.returncode == 2
    assert "fastcore-native[regex]" in refused.stderr


def test_colours_on_a_terminal(logs):
    shown, ours = pty.openpty()
    command = [sys.executable, "-m", "fastcore", "grep", "-n", "-F", "sda1", "one.log", "two.log"]
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    subprocess.run(command, cwd=logs, stdout=ours, env=environment, check=True)
    out = os.read(shown, 4096)
    os.close(shown)
    os.close(ours)
    assert b"\x1b[35mone.log\x1b[m" in out
    assert b"disk \x1b[1;31msda1\x1b[m failed" in out
