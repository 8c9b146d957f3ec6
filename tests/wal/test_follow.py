"""Following a log while it is written, and committing from asyncio."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from itertools import islice

import pytest

from fastcore import wal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


def test_follow_sees_what_comes_later(path):
    with wal.open(path) as log:
        log.append_many([b"0", b"1", b"2"])
        records = log.follow(1)
        assert [bytes(r.payload) for r in islice(records, 2)] == [b"1", b"2"]
        log.append(b"3")
        assert bytes(next(records).payload) == b"3"
        with pytest.raises(ValueError, match="poll_ms must be more than 0"):
            next(log.follow(poll_ms=0))
    with pytest.raises(wal.ClosedError):
        next(records)


def test_follow_another_process_over_rolling_segments(path):
    writer = (
        "import sys; from fastcore import wal\n"
        "with wal.open(sys.argv[1], segment_bytes=16384) as log:\n"
        "    for i in range(2000):\n"
        "        log.append(b'%d' % i * 20)\n"
        "        if i % 100 == 0: log.commit()\n"
    )
    wal.open(path, segment_bytes=16384).close()
    process = subprocess.Popen([sys.executable, "-c", writer, str(path)])
    try:
        with wal.open(path, "r") as log:
            seen = [(r.seq, bytes(r.payload)) for r in islice(log.follow(), 2000)]
    finally:
        process.wait()
    assert seen == [(i, b"%d" % i * 20) for i in range(2000)]


def test_acommit_and_afollow(path):
    async def main():
        with wal.open(path, durability="async") as log:
            log.append_many([b"a", b"b"])
            assert await log.acommit(0) >= 0
            assert await log.acommit() == log.durable_seq == 1
            found = []
            async for record in log.afollow():
                found.append(bytes(record.payload))
                if len(found) == 2:
                    log.append(b"c")
                if len(found) == 3:
                    break
            return found

    assert asyncio.run(main()) == [b"a", b"b", b"c"]
