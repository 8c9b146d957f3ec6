"""The power is cut, for real: an ext4 file system is shut down without its journal's last writes.

What was not synced is gone when it is mounted again: stores into mapped files, writes, new names.
A log that confirmed a record before it was on the device loses it here within a few rounds.
"""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import struct
import subprocess
import sys
import textwrap
import time

import pytest

from fastcore import wal

FS_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
SEGMENT = 256 * 1024
ROUNDS = 6

WRITER = textwrap.dedent("""
    import sys
    from fastcore import wal
    out = sys.stdout.buffer
    log = wal.open(sys.argv[1], segment_bytes=int(sys.argv[2]), durability=sys.argv[3])
    cursor = log.cursor("c")
    out.write(b"open %d\\n" % log.next_seq)
    out.flush()
    while True:
        seq = log.append(b"%d " % log.next_seq * (log.next_seq * 7919 % 400))
        if sys.argv[3] == "sync" or seq % 20 == 19 and log.commit() >= 0:
            out.write(b"%d\\n" % seq)
        if seq % 97 == 96:
            cursor.save(seq)
            out.write(b"cursor %d\\n" % seq)
        if seq % 1500 == 1499:
            log.truncate_before(seq - 1000)
        out.flush()
""")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"{command[0]} does not work here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path):
    """(directory, function that cuts the power and gives it back)."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None or shutil.which("mount") is None:
        pytest.skip("a power cut takes root, mount(8) and mkfs.ext4")
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with open(image, "wb") as file:
        file.truncate(48 << 20)
    run("mkfs.ext4", "-q", "-F", str(image))
    run("mount", "-o", "loop", str(image), str(place))

    def cut(process):
        opened = os.open(place, os.O_RDONLY)
        try:
            fcntl.ioctl(opened, FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        except OSError as error:
            process.kill()
            process.wait()
            pytest.skip(f"this kernel cannot shut a file system down: {error}")
        finally:
            os.close(opened)
        process.kill()
        said = process.stdout.read()
        process.wait()
        process.stdout.close()
        subprocess.run(["umount", place], check=True)
        subprocess.run(["mount", "-o", "loop", image, place], check=True)
        return said

    yield place, cut
    subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("durability", ["sync", "batch"])
def test_what_was_confirmed_survives(disk, durability):
    place, cut = disk
    path = place / "log"
    confirmed, saved = -1, 0
    source = random.Random(3)
    for _ in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, path, str(SEGMENT), durability], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"open")
        time.sleep(source.uniform(0.02, 0.25))
        for line in cut(process).splitlines(keepends=True):
            if not line.endswith(b"\n"):
                continue  # it was killed while it said so
            words = line.split()
            if words[0] == b"cursor":
                saved = int(words[1])
            else:
                confirmed = int(words[0])
        with wal.open(path, "r") as log:
            assert log.next_seq > confirmed
            first = log.first_seq
            assert first <= max(confirmed, 0)
            seqs = []
            for record in log.replay():
                assert bytes(record) == b"%d " % record.seq * (record.seq * 7919 % 400)
                seqs.append(record.seq)
            assert seqs == list(range(first, log.next_seq))
            at = log.cursor("c").seq
            assert saved <= at <= log.next_seq or not saved
            assert log.seek(0) == first
    assert confirmed > 0
