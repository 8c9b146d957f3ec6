"""fastcore ingest, stopped anywhere and run again: no record is lost, none is logged twice."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace

import pytest

from fastcore.cli.position import Ahead

from .conftest import (
    COMMAND,
    PACK,
    SELECT,
    dumps,
    make_records,
    ndjson,
    payloads,
    selected,
    stored_count,
    wait_for,
)

RECORDS = make_records(4000)
DATA = ndjson(RECORDS)
EXPECTED = selected(RECORDS)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def options(log):
    return ["--select", *SELECT, "--match", "needle", "--wal", log, "--chunk-bytes", "500"]


def start(arguments, stdin_path):
    with open(stdin_path or os.devnull, "rb") as stdin:
        return subprocess.Popen(
            [*COMMAND, "ingest", *arguments],
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )


@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd", "standard input"])
def test_killed_at_random_moments(tmp_path, log, kind):
    """The moments are shares of the time that an undisturbed run takes on this machine."""
    path = tmp_path / "source"
    path.write_bytes(PACK.get(kind, bytes)(DATA))
    stdin = path if kind == "standard input" else None
    source = "-" if stdin else str(path)
    small_steps = ["--chunk-bytes", "100"]  # most of the time is spent between two of them

    began = time.monotonic()
    undisturbed = start([source, *options(tmp_path / "undisturbed"), *small_steps], stdin)
    undisturbed.communicate(timeout=60)
    whole = time.monotonic() - began
    assert payloads(tmp_path / "undisturbed") == EXPECTED

    chance = random.Random(kind)
    kills = 0
    for share in [0.5, 0.7, *(chance.random() for _ in range(10)), None]:
        process = start([source, *options(log), *small_steps], stdin)
        try:
            _, err = process.communicate(timeout=60 if share is None else share * whole)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            _, err = process.communicate()
            kills += 1
        else:
            assert process.returncode == 0, err.decode()
        assert b"Traceback" not in err
    assert kills > 0
    assert payloads(log) == EXPECTED


# Runs the command in a process that kills itself at the n-th call of one method of the log:
# before it, half way through the payloads it is given, or after it.
KILL_AFTER = """
    import os, signal, sys
    from fastcore import cli, wal

    name, calls_left, share = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])

    class Deadly:
        def __init__(self, log):
            self.log = log

        def __getattr__(self, wanted):
            return getattr(self.log, wanted) if wanted != name else self.call

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.log.close()

        def call(self, *arguments):
            global calls_left
            calls_left -= 1
            method = getattr(self.log, name)
            if calls_left < 0:
                if name == "append_many":
                    method(arguments[0][: int(len(arguments[0]) * share)])
                elif share:
                    method(*arguments)
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*arguments)

    open_log = wal.open
    wal.open = lambda *arguments, **options: Deadly(open_log(*arguments, **options))
    sys.exit(cli.main(sys.argv[4:]))
"""


@pytest.mark.parametrize("share", [0, 0.5, 1])
@pytest.mark.parametrize("name", ["append_many", "_set_mark", "commit"])
def test_killed_before_within_and_after_each_step(tmp_path, log, name, share):
    """Two sources, of which the second begins like the first: the hardest to tell apart."""
    records = make_records(30, seed=5)
    paths = [tmp_path / "one", tmp_path / "two"]
    paths[0].write_bytes(ndjson(records[:20]))
    paths[1].write_bytes(ndjson(records))
    arguments = ["ingest", *paths, "--wal", log, "--chunk-bytes", "700"]
    runs = 0
    for calls in [0, 1, 2, 3, 1, 0, 5, 2, 2, 3, 1, 4, 1, 1]:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(KILL_AFTER), name, str(calls), str(share)]
            + [str(argument) for argument in arguments],
            capture_output=True,
            timeout=60,
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
        runs += 1
        if done.returncode == 0:
            break
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert runs > 1
    assert payloads(log) == [dumps(record) for record in [*records[:20], *records]]


def test_second_source_while_the_first_is_unfinished(fastcore, tmp_path, log):
    """What a killed run left of one source is remembered while another is read."""
    records = make_records(40, seed=6)
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(ndjson(records))
    two.write_bytes(ndjson(records[10:]))  # goes on just as the first one would
    arguments = ["ingest", str(one), "--wal", str(log), "--chunk-bytes", "700"]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILL_AFTER), "append_many", "2", "0.5", *arguments],
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    before = len(payloads(log))
    assert 0 < before < 40
    assert fastcore("ingest", two, "--wal", log).code == 0
    assert fastcore("ingest", one, "--wal", log).code == 0
    lines = ndjson(records).splitlines()
    assert payloads(log) == lines[:before] + lines[10:] + lines[before:]


def test_records_of_another_program_after_a_crash(fastcore, tmp_path, log):
    from fastcore import wal

    records = make_records(40, seed=6)
    path = tmp_path / "source"
    path.write_bytes(ndjson(records))
    arguments = ["ingest", str(path), "--wal", str(log), "--chunk-bytes", "700"]
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILL_AFTER), "append_many", "2", "0.5", *arguments],
        capture_output=True,
        timeout=60,
    )
    with wal.open(log) as opened:
        opened.append_many([b"foreign", b"too"])
    before = payloads(log)
    assert fastcore("ingest", path, "--wal", log).code == 0
    lines = ndjson(records).splitlines()
    assert payloads(log) == before + lines[len(before) - 2 :]


def test_records_of_another_program_between_runs(fastcore, tmp_path, log):
    from fastcore import wal

    path = tmp_path / "source"
    path.write_bytes(b'{"a":1}\n')
    fastcore("ingest", path, "--wal", log)
    with wal.open(log) as opened:
        opened.append(b'{"a":2}')
    with path.open("ab") as file:
        file.write(b'{"a":2}\n')
    assert fastcore("ingest", path, "--wal", log).code == 0
    assert payloads(log) == [b'{"a":1}', b'{"a":2}', b'{"a":2}']


def test_finished_source_gives_nothing_new(fastcore, tmp_path, log, pack):
    path = tmp_path / "source"
    path.write_bytes(pack(DATA))
    assert fastcore("ingest", path, *options(log)).code == 0
    done = fastcore("ingest", path, *options(log))
    assert done.code == 0
    assert "nothing new after byte" in done.err
    assert done.objects[0]["read"] == 0
    assert payloads(log) == EXPECTED


def test_grown_source_gives_its_new_records(fastcore, tmp_path, log, pack):
    """Files grow at their end; packed ones by another member or frame."""
    path = tmp_path / "source"
    for begin, end in [(0, 10), (10, 11), (11, 2000), (2000, 4000)]:
        with path.open("ab") as file:
            file.write(pack(ndjson(RECORDS[begin:end])))
        done = fastcore("ingest", path, *options(log))
        assert done.objects[0]["read"] == end - begin
        assert done.objects[0]["resumed"] is (begin > 0)
    assert payloads(log) == EXPECTED


@pytest.mark.parametrize("size", ["shorter", "as long", "longer"])
def test_replaced_source_is_read_from_its_start(fastcore, tmp_path, log, pack, size):
    path = tmp_path / "source"
    first, second = ndjson(RECORDS[:1000]), ndjson(RECORDS[1000:2000])
    path.write_bytes(pack(first))
    fastcore("ingest", path, "--wal", log)
    second = {
        "shorter": second[: second.index(b"\n", 50_000) + 1],
        "as long": first.replace(b'"id":999,', b'"id":998,'),
        "longer": second + second,
    }[size]
    path.write_bytes(pack(second))
    done = fastcore("ingest", path, "--wal", log)
    assert done.code == 0, done.err
    assert "is another file than the one read before" in done.err
    assert done.objects[0]["replaced"] is True
    assert payloads(log) == first.splitlines() + second.splitlines()


def test_rotated_source(fastcore, tmp_path, log):
    """app.log becomes app.log.1 and begins anew: both are read on under their names."""
    path, old = tmp_path / "app.log", tmp_path / "app.log.1"
    path.write_bytes(ndjson(RECORDS[:100]))
    fastcore("ingest", path, "--wal", log)
    os.rename(path, old)
    path.write_bytes(ndjson(RECORDS[100:200]))
    fastcore("ingest", path, "--wal", log)
    assert payloads(log) == ndjson(RECORDS[:200]).splitlines()


def test_other_options_are_refused(fastcore, tmp_path, log):
    path = tmp_path / "source"
    path.write_bytes(DATA)
    assert fastcore("ingest", path, *options(log)).code == 0
    for changed in (["--match", "Berlin"], ["-i"], ["--select", "x"], ["--on-error", "skip"]):
        done = fastcore("ingest", path, *options(log), *changed)
        assert done.code == 2
        assert "with other options" in done.err
        assert "--restart" in done.err
        assert done.err.count("\n") == 1
    # How the input is cut, and when it reaches the disk, changes nothing.
    assert (
        fastcore("ingest", path, *options(log), "--chunk-bytes=99", "--durability=sync").code == 0
    )
    assert payloads(log) == EXPECTED


def test_restart_reads_again(fastcore, tmp_path, log):
    path = tmp_path / "source"
    path.write_bytes(DATA)
    fastcore("ingest", path, *options(log))
    done = fastcore("ingest", path, "--restart", "--wal", log)
    assert done.code == 0
    assert payloads(log) == EXPECTED + DATA.splitlines()
    assert "nothing new" in fastcore("ingest", path, "--wal", log).err


def test_same_standard_input_is_passed_over(fastcore, log):
    arguments = ["ingest", "-", "--wal", log]
    half = len(ndjson(RECORDS[:2000]))
    assert fastcore(*arguments, stdin=DATA[:half]).code == 0
    assert fastcore(*arguments, stdin=DATA).code == 0
    done = fastcore(*arguments, stdin=DATA)
    assert "standard input: nothing new" in done.err
    assert payloads(log) == DATA.splitlines()


def test_other_standard_input_is_new(fastcore, log):
    other = ndjson(make_records(50, seed=9))
    for data in (DATA, other, DATA):
        assert fastcore("ingest", "-", "--wal", log, stdin=data).code == 0
    assert payloads(log) == DATA.splitlines() + other.splitlines() + DATA.splitlines()


def test_standard_input_that_only_begins_like_the_last(fastcore, log):
    fastcore("ingest", "-", "--wal", log, stdin=DATA)
    for data in (DATA[:10_000], DATA[:100_000] + b" " + DATA[100_000:]):
        done = fastcore("ingest", "-", "--wal", log, stdin=data)
        assert done.code == 2
        assert "--restart" in done.err
        assert done.err.count("\n") == 1
    assert payloads(log) == DATA.splitlines()


def test_many_sources_in_one_log(fastcore, tmp_path, log):
    """More than a log has room for marks."""
    paths = []
    for number in range(300):
        paths.append(tmp_path / f"{number}.ndjson")
        paths[-1].write_bytes(b'{"n":%d}\n' % number)
    assert fastcore("ingest", *paths, "--wal", log, "--quiet").code == 0
    done = fastcore("ingest", *paths, "--wal", log)
    assert done.err.count("nothing new") == 300
    assert payloads(log) == [b'{"n":%d}' % number for number in range(300)]


class TruncatedLog:
    """Ten records, of which the first four are gone."""

    first_seq = 4

    def replay(self, start, stop):
        return (SimpleNamespace(payload=b"%d" % seq) for seq in range(start, stop))


def test_records_ahead_that_were_truncated_are_taken_as_known():
    ahead = Ahead(TruncatedLog(), [(2, 6), (8, 10)])
    assert ahead.count_known([b"2", b"3", b"4"]) == 3
    assert ahead.ranges == [(5, 6), (8, 10)]
    assert ahead.count_known([b"5", b"8", b"other", b"9"]) == 2
    assert not ahead
    assert ahead.count_known([b"9"]) == 0


def test_unfinished_stream_goes_on_while_it_grows(tmp_path, log):
    """A pipe that stays open: what came so far is in the log before its end comes."""
    process = subprocess.Popen(
        [*COMMAND, "ingest", "-", "--wal", log],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for count in (1, 2, 3):
        process.stdin.write(b'{"n":1}\n')
        process.stdin.flush()
        wait_for(lambda count=count: stored_count(log) >= count)
    process.stdin.close()
    assert process.wait(60) == 0
