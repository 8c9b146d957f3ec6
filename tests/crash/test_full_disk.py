"""A full file system: a clear error at append, nothing lost, and on it goes once there is space."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess

import pytest

from fastcore import wal

SEGMENT = 256 * 1024


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a file system of a fixed size takes root and mount(8)")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, text=True
    )
    if made.returncode != 0:
        pytest.skip(f"no tmpfs to be had here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_full_disk_at_append_and_space_later(small_disk):
    records = []
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(512 * 1024))
    with wal.open(small_disk / "log", segment_bytes=SEGMENT) as log:
        with pytest.raises(wal.WalError, match="No space left") as raised:  # noqa: PT012
            while True:
                log.append(b"%06d" % len(records) * 200)
                records.append(b"%06d" % len(records) * 200)
        assert raised.value.errno == errno.ENOSPC
        assert log.next_seq == len(records)
        assert log.commit() == len(records) - 1
        with pytest.raises(wal.WalError):
            log.append(bytes(100_000))
        ballast.unlink()
        for _ in range(50):
            assert log.append(b"%06d" % len(records) * 200) == len(records)
            records.append(b"%06d" % len(records) * 200)
        assert log.commit() == len(records) - 1
        assert [bytes(r.payload) for r in log.replay()] == records
    with wal.open(small_disk / "log", "r") as log:
        assert [bytes(r.payload) for r in log.replay()] == records


def test_full_disk_at_open(small_disk):
    (small_disk / "ballast").write_bytes(bytes(2 * 1024 * 1024 - 64 * 1024))
    with pytest.raises(wal.WalError) as raised:
        wal.open(small_disk / "log", segment_bytes=SEGMENT)
    assert raised.value.errno == errno.ENOSPC
    (small_disk / "ballast").unlink()
    with wal.open(small_disk / "log", segment_bytes=SEGMENT) as log:
        assert log.append(b"fine") == 0
