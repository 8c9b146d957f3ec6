"""The command `fastcore wal` beyond `cat`: tail, verify, repair."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from fastcore import wal

SMALL = 16 * 1024


def command(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "fastcore", "wal", *map(str, arguments)], capture_output=True
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "log"
    with wal.open(path, segment_bytes=SMALL) as log:
        log.append_many([b"<%03d>" % i * 40 for i in range(200)])
    return path


def test_tail_prints_the_last_ones(path):
    code, records, _ = command("tail", path)
    assert (code, [r["seq"] for r in records]) == (0, list(range(190, 200)))
    assert [r["seq"] for r in command("tail", path, "-n", 2)[1]] == [198, 199]
    assert [r["seq"] for r in command("tail", path, "--from", 197)[1]] == [197, 198, 199]


def test_tail_follows(path):
    process = subprocess.Popen(
        [sys.executable, "-m", "fastcore", "wal", "tail", path, "-f", "-n", "1"],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert json.loads(process.stdout.readline())["seq"] == 199
        with wal.open(path, segment_bytes=SMALL) as log:
            log.append(b"more")
            assert json.loads(process.stdout.readline())["text"] == "more"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_verify_and_repair(path):
    code, (report,), _ = command("verify", path)
    assert (code, report["ok"], report["records"]) == (0, True, 200)
    with open(path / "wal_000002.bin", "r+b") as file:
        file.seek(6000)
        file.write(b"?")
    code, (report,), _ = command("verify", path)
    assert (code, report["ok"], report["lost"]) == (1, False, 1)
    assert report["damage"][0]["segment"] == 2
    code, (report,), _ = command("repair", path)
    assert code == 0
    assert report["backup"]
    assert command("verify", path)[0] == 0
    assert command("repair", path, "--no-backup")[1][0]["backup"] is None
    assert len(command("cat", path)[1]) == 199
    code, _, said = command("verify", path / "none")
    assert code == 2
    assert b"No such file" in said
