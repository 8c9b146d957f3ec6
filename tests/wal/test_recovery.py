"""After a crash or on a bad disk: torn tails are cut, other damage is told, nothing is made up."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import struct
import subprocess
import sys
import textwrap

import pytest

from fastcore import wal

SMALL = 16 * 1024
OPTIONS = {"segment_bytes": SMALL}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


def payloads(log):
    return [bytes(record.payload) for record in log.replay()]


def write(path, records, commit=True, **options):
    """A log as a killed process leaves it: nothing said good-bye, the ring is still there."""
    live = path.with_name("live")
    with wal.open(live, **OPTIONS, **options) as log:
        for record in records:
            log.append(record)
        if commit:
            log.commit()
        else:
            list(log.replay(0, 0))  # hands it all to the kernel
        shutil.copytree(live, path)


def end_of_frames(path, segment=1):
    data = (path / f"wal_{segment:06}.bin").read_bytes()
    return len(data.rstrip(b"\0")) + 7 & ~7


def read_or_error(path):
    try:
        with wal.open(path, "r") as log:
            return payloads(log)
    except wal.CorruptionError as error:
        return error


RECORDS = [b"first record", b"", b"x" * 700, b"\xff" * 300, b"the last one here"]


def place_of(path, payload, segment=1):
    return (path / f"wal_{segment:06}.bin").read_bytes().index(payload) - 20


def change(path, offset, new, segment=1):
    with open(path / f"wal_{segment:06}.bin", "r+b") as file:
        file.seek(offset)
        file.write(new)


def without_ring(path):
    (path / "ring.bin").unlink()


def test_records_only_in_the_ring_are_recovered(path):
    live = path.with_name("live")
    with wal.open(live, **OPTIONS, batch_ms=3_600_000) as log:
        log.append_many([b"%d" % i * 300 for i in range(100)])
        log._set_mark("m", b"in the ring")
        log.append(b"after")
        shutil.copytree(live, path)
        wanted = [b"%d" % i * 300 for i in range(100)] + [b"after"]
        copy = path.with_name("copy")
        shutil.copytree(path, copy)
    with wal.open(copy, "r") as log:
        assert payloads(log) == wanted
        assert log._get_mark("m") == (100, b"in the ring")
    with wal.open(path, **OPTIONS) as log:
        assert log.durable_seq == 100
        assert payloads(log) == wanted
        assert log._get_mark("m") == (100, b"in the ring")
        log.append(b"and on")
    assert not (path / "ring.bin").exists()
    with wal.open(path, "r") as log:
        assert payloads(log) == [*wanted, b"and on"]


@pytest.mark.parametrize("how", ["cut", "zeros", "garbage"])
def test_tail_torn_at_every_byte(path, tmp_path, how):
    write(path, RECORDS)
    without_ring(path)
    whole = (path / "wal_000001.bin").read_bytes()
    ends = [4096]
    for record in RECORDS:
        ends.append(ends[-1] + (20 + len(record) + 7 & ~7))
    for at in range(4096, ends[-1] + 1):
        torn = {
            "cut": whole[:at],
            "zeros": whole[:at].ljust(SMALL, b"\0"),
            "garbage": whole[:at] + bytes([whole[at] ^ 0x55]) + os.urandom(30),
        }[how]
        shutil.rmtree(tmp_path / "torn", ignore_errors=True)
        shutil.copytree(path, tmp_path / "torn")
        (tmp_path / "torn/wal_000001.bin").write_bytes(torn)
        # Padding is not covered by the checksum, but it has to be there.
        count = 0
        while count < len(RECORDS):
            start, end = ends[count], ends[count] + 20 + len(RECORDS[count])
            if len(torn) < ends[count + 1] or torn[start:end] != whole[start:end]:
                break
            count += 1
        with wal.open(tmp_path / "torn", **OPTIONS) as log:
            assert payloads(log) == RECORDS[:count]
            assert log.append(b"new") == count
        with wal.open(tmp_path / "torn", "r") as log:
            assert payloads(log) == [*RECORDS[:count], b"new"]
        assert os.path.getsize(tmp_path / "torn/wal_000001.bin") == SMALL


def test_strict_refuses_a_torn_tail(path):
    write(path, RECORDS)
    without_ring(path)
    at = place_of(path, RECORDS[-1])
    change(path, at + 25, b"\0\0")
    for mode in "ar":
        with pytest.raises(wal.CorruptionError, match="torn") as raised:
            wal.open(path, mode, recovery="strict")
        assert (raised.value.segment, raised.value.offset, raised.value.seq) == (1, at, 4)
    with wal.open(path, **OPTIONS) as log:
        assert payloads(log) == RECORDS[:-1]
    wal.open(path, recovery="strict", **OPTIONS).close()


def test_last_record_of_a_closed_log_counts_as_tail(path):
    with wal.open(path, **OPTIONS) as log:
        log.append_many(RECORDS)
    change(path, place_of(path, RECORDS[-1]) + 22, b"!")
    with pytest.raises(wal.CorruptionError):
        wal.open(path, recovery="strict")
    with wal.open(path, **OPTIONS) as log:
        assert payloads(log) == RECORDS[:-1]


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("mode", ["a", "r"])
def test_damage_before_the_tail_is_reported(path, mode, closed):
    records = [b"%d" % i * 50 for i in range(1, 20)]
    if closed:
        with wal.open(path, **OPTIONS) as log:
            log.append_many(records)
    else:
        write(path, records)
        without_ring(path)
    at = place_of(path, records[7])
    for offset in (0, 8, 16, 20, 60):
        original = (path / "wal_000001.bin").read_bytes()[at + offset]
        change(path, at + offset, bytes([original ^ 4]))
        with pytest.raises(
            wal.CorruptionError, match=f"segment 1, offset {at}, record 7"
        ) as raised:
            wal.open(path, mode, **OPTIONS)
        assert (raised.value.segment, raised.value.offset, raised.value.seq) == (1, at, 7)
        change(path, at + offset, bytes([original]))
    wal.open(path, mode, **OPTIONS).close()


def test_damage_in_an_older_segment_is_found_by_replay(path):
    with wal.open(path, **OPTIONS) as log:
        log.append_many([b"%03d" % i * 100 for i in range(100)])
    at = place_of(path, b"003" * 100)
    change(path, at + 30, b"?")
    with wal.open(path, **OPTIONS) as log:
        records = log.replay()
        assert [next(records).seq for _ in range(3)] == [0, 1, 2]
        with pytest.raises(wal.CorruptionError) as raised:
            next(records)
        assert (raised.value.segment, raised.value.offset, raised.value.seq) == (1, at, 3)
        assert [r.seq for r in log.replay(60)] == list(range(60, 100))


def test_missing_segment(path):
    with wal.open(path, **OPTIONS) as log:
        log.append_many([b"%03d" % i * 100 for i in range(200)])
    (path / "wal_000002.bin").unlink()
    with pytest.raises(wal.CorruptionError, match=r"segment 2, .* the file is missing"):
        wal.open(path)


def test_one_header_copy_is_enough_and_none_is_too_few(path):
    with wal.open(path, **OPTIONS) as log:
        log.append_many(RECORDS)
    for start in (0, 2048):
        original = (path / "wal_000001.bin").read_bytes()[start : start + 512]
        change(path, start, bytes(512))
        with wal.open(path, "r") as log:
            assert payloads(log) == RECORDS
        change(path, start, original)
    change(path, 30, b"\xff")
    change(path, 2048 + 30, b"\xff")
    with pytest.raises(wal.CorruptionError, match="the header does not verify"):
        wal.open(path)


@pytest.mark.parametrize("closed", [True, False])
def test_every_bit_flip_is_an_error_a_shorter_log_or_harmless(path, closed):
    records = [b"one", b"two two", b"", b"\0" * 30, b"last"]
    if closed:
        with wal.open(path, **OPTIONS) as log:
            log.append_many(records)
            log._set_mark("m", b"v")
            log.append(b"more")
            records.append(b"more")
    else:
        write(path, records)
        without_ring(path)
    segment = path / "wal_000001.bin"
    whole = segment.read_bytes()
    reported = 0
    for at in [*range(80), *range(2048, 2128), *range(4096, end_of_frames(path) + 8)]:
        for bit in range(8):
            change(path, at, bytes([whole[at] ^ (1 << bit)]))
            read = read_or_error(path)
            if isinstance(read, wal.CorruptionError):
                reported += 1
                assert read.segment == 1
                assert 0 <= read.offset <= at
            else:
                assert read in (records, records[:-1])
        change(path, at, whole[at : at + 1])
    assert reported > 0
    for at in range(0, end_of_frames(path), 512):
        change(path, at, bytes(512))
        read = read_or_error(path)
        assert isinstance(read, wal.CorruptionError) or read == records[: len(read)]
        change(path, at, whole[at : at + 512])


def test_stale_records_behind_a_cut_tail_never_come_back(path):
    """The tail is torn, the log goes on, and a second crash must not uncover what stood behind."""
    records = [b"%02d" % i * 100 for i in range(10)]
    write(path, records)
    without_ring(path)
    at = place_of(path, records[4])
    change(path, at, bytes(512))  # a lost sector
    with wal.open(path, **OPTIONS) as log:
        assert payloads(log) == records[:4]
        log.append(b"")
        log.commit()
    data = (path / "wal_000001.bin").read_bytes()
    assert records[8] not in data
    with wal.open(path, "r") as log:
        assert payloads(log) == [*records[:4], b""]


def test_a_leftover_segment_that_was_never_begun_is_ignored(path):
    with wal.open(path, **OPTIONS) as log:
        log.append_many(RECORDS)
    (path / "wal_000002.bin").write_bytes(bytes(SMALL))
    (path / "wal_000003.bin").write_bytes(b"")
    with wal.open(path, "r") as log:
        assert payloads(log) == RECORDS
    with wal.open(path, **OPTIONS) as log:
        assert payloads(log) == RECORDS
    assert [p.name for p in path.glob("wal_*")] == ["wal_000001.bin"]


def test_next_segment_torn_before_its_marks_are_whole(path):
    """A segment counts from when it holds the marks that it carries over."""
    live = path.with_name("live")
    with wal.open(live, **OPTIONS) as log:
        for i in range(5):
            log._set_mark(f"m{i}", b"%d" % i * 100)
        while not (live / "wal_000002.bin").exists() or log.next_seq < 9:
            log.append(bytes(1000))
        log.append(bytes(1000))
        log.commit()
        shutil.copytree(live, path)
    without_ring(path)
    data = (path / "wal_000002.bin").read_bytes()
    (path / "wal_000002.bin").write_bytes(data[: 4096 + 300].ljust(SMALL, b"\0"))
    with wal.open(path, **OPTIONS) as log:
        assert [log._get_mark(f"m{i}") for i in range(5)] == [
            (0, b"%d" % i * 100) for i in range(5)
        ]
        count = log.next_seq
        log.append_many([b"x" * 3000] * 5)
    with wal.open(path, "r") as log:
        assert len(payloads(log)) == count + 5
        assert log._get_mark("m3") == (0, b"3" * 100)


def _child_uses(log, results):
    for use in (lambda: log.append(b"x"), log.commit, log.replay, log.close):
        try:
            results.append(use())
        except Exception as error:
            results.append(type(error).__name__)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_may_not_use_the_log(path):
    with wal.open(path) as log:
        log.append(b"before")
        read, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            results: list[object] = []
            _child_uses(log, results)
            os.write(write_end, repr(results).encode())
            os._exit(0)
        os.close(write_end)
        with os.fdopen(read) as said:
            assert said.read() == "['ClosedError', 'ClosedError', 'ClosedError', None]"
        os.waitpid(child, 0)
        log.append(b"after")
        assert payloads(log) == [b"before", b"after"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_keep_the_lock(path):
    context = multiprocessing.get_context("fork")
    log = wal.open(path)
    event = context.Event()
    child = context.Process(target=event.wait)
    child.start()
    try:
        log.close()
        wal.open(path).close()
    finally:
        event.set()
        child.join()


WRITER = textwrap.dedent("""
    import os, sys
    from fastcore import wal
    log = wal.open(sys.argv[1], segment_bytes=1 << 15, durability=sys.argv[2])
    seq = log.next_seq
    out = sys.stdout.buffer
    while True:
        payload = b"%d " % seq * (seq * 7919 % 300)
        if seq % 10 == 0:
            log._set_mark("position", b"%d" % seq)
        assert log.append(payload) == seq
        if sys.argv[2] == "sync" or seq % 50 == 49 and log.commit() >= 0:
            out.write(b"%d\\n" % seq)
            out.flush()
        seq += 1
""")


@pytest.mark.parametrize("durability", ["sync", "batch", "async"])
def test_killed_again_and_again(path, durability):
    confirmed = -1
    for round in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), durability], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        for count, line in enumerate(process.stdout):
            confirmed = int(line)
            if count == 20 + 13 * round:
                process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with wal.open(path, "r") as log:
            seen = log.next_seq
            assert seen > confirmed
            for record in log.replay():
                assert record.payload == b"%d " % record.seq * (record.seq * 7919 % 300)
            mark = log._get_mark("position")
        with wal.open(path, segment_bytes=1 << 15) as log:
            assert log.next_seq == seen
            assert mark == log._get_mark("position")
            assert mark is not None
            position = int(mark[1])
            assert mark[0] == position
            assert position // 10 * 10 == position
            assert seen - 11 <= position <= seen
            assert sum(1 for _ in log.replay()) == seen


def test_a_header_of_a_later_version_is_refused(path):
    wal.open(path, **OPTIONS).close()
    data = bytearray((path / "wal_000001.bin").read_bytes())
    from reference.plain_wal import crc32c

    for start in (0, 2048):
        struct.pack_into("<I", data, start + 8, 2)
        struct.pack_into("<I", data, start + 68, crc32c(bytes(data[start : start + 68])))
    (path / "wal_000001.bin").write_bytes(data)
    with pytest.raises(wal.CorruptionError, match="header"):
        wal.open(path)
