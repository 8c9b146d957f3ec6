"""Removing the oldest records: by hand, by size, by age; and what readers see of it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time

import pytest

from fastcore import wal

SMALL = 16 * 1024


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


def seqs(log, *args):
    return [record.seq for record in log.replay(*args)]


def segment_files(path):
    return sorted(p.name for p in path.glob("wal_*"))


def test_whole_segments_go_and_nothing_else(path):
    with wal.open(path, segment_bytes=SMALL) as log:
        log.append_many([b"%03d" % i * 300 for i in range(100)])
        assert log.truncate_before(0) == 0
        assert log.first_seq == 0
        freed = log.truncate_before(50)
        first = log.first_seq
        assert freed % SMALL == 0
        assert 0 < first <= 50
        assert first + SMALL // 900 + 1 > 50  # not more than a segment is left before it
        assert log.truncate_before(50) == 0
        assert seqs(log) == seqs(log, 0) == list(range(first, 100))
        assert seqs(log, 70) == list(range(70, 100))
        assert log.append(b"more") == 100
        with pytest.raises(ValueError, match="record 102 is not in the log yet"):
            log.truncate_before(102)
        with pytest.raises(ValueError, match="seq must be at least 0"):
            log.truncate_before(-1)
        with pytest.raises(TypeError, match="seq must be an int"):
            log.truncate_before("1")
    for mode in "ar":
        with wal.open(path, mode, segment_bytes=SMALL) as log:
            assert log.first_seq == first
            assert seqs(log) == list(range(first, 101))
            if mode == "r":
                with pytest.raises(wal.ReadOnlyError):
                    log.truncate_before(101)


def test_a_log_can_be_emptied_and_goes_on(path):
    with wal.open(path, segment_bytes=SMALL) as log:
        log._set_mark("m", b"kept")
        for round in range(5):
            log.append_many([b"x" * 500] * 20)
            assert log.truncate_before(log.next_seq) > 0
            assert (log.first_seq, log.next_seq) == ((round + 1) * 20,) * 2
            assert log.truncate_before(log.next_seq) == 0
            assert seqs(log) == []
    with wal.open(path, segment_bytes=SMALL) as log:
        assert (log.first_seq, log.next_seq) == (100, 100)
        assert log._get_mark("m") == (0, b"kept")
        assert log.append(b"on") == 100
    with wal.open(path, "r") as log:
        assert seqs(log) == [100]


def test_files_are_used_again_and_old_records_stay_gone(path):
    with wal.open(path, segment_bytes=SMALL) as log:
        for round in range(20):
            log.append_many([b"%03d" % round * 300] * 30)
            log.truncate_before(log.next_seq - 5)
        stats = log.stats()
        assert stats.recycled > 5
        assert stats.removed >= stats.recycled
        log.commit()
        first = log.first_seq
        assert seqs(log) == list(range(first, 600))
        inodes = len(segment_files(path))
        assert inodes <= 5
        (path.with_name("copy")).mkdir()
        for file in path.iterdir():  # as a power cut leaves it: no clean close
            (path.with_name("copy") / file.name).write_bytes(file.read_bytes())
    with wal.open(path.with_name("copy"), segment_bytes=SMALL) as log:
        assert seqs(log) == list(range(first, 600))
        log.append_many([b"y" * 100] * 300)
        assert seqs(log) == list(range(first, 900))


def test_max_bytes(path):
    with wal.open(path, segment_bytes=SMALL, max_bytes=5 * SMALL, batch_ms=1) as log:
        for i in range(60):
            log.append_many([b"%04d" % i * 250] * 10)
            log.commit()
        deadline = time.monotonic() + 20
        while log.stats().segment_bytes > 5 * SMALL and time.monotonic() < deadline:
            time.sleep(0.005)
        stats = log.stats()
        assert stats.segment_bytes <= 5 * SMALL
        assert len(segment_files(path)) <= 5
        assert stats.recycled > 0
        assert seqs(log) == list(range(log.first_seq, 600))
        assert log.next_seq - log.first_seq > 20  # two segments of twelve, almost
    with pytest.raises(ValueError, match="max_bytes must be at least 1"):
        wal.open(path, max_bytes=0)


def test_max_age(path):
    with wal.open(path, segment_bytes=SMALL, max_age=0.05, batch_ms=1) as log:
        log.append_many([b"x" * 1000] * 50)
        log.commit()
        deadline = time.monotonic() + 20
        while log.stats().segments > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert log.stats().segments == 1
        assert seqs(log) == list(range(log.first_seq, 50))
    with pytest.raises(ValueError, match="max_age must be more than 0"):
        wal.open(path, max_age=0)


def test_limits_hold_for_what_is_there_at_open(path):
    with wal.open(path, segment_bytes=SMALL) as log:
        log.append_many([b"x" * 1000] * 200)
    with wal.open(path, segment_bytes=SMALL, max_bytes=3 * SMALL, batch_ms=1) as log:
        deadline = time.monotonic() + 20
        while log.stats().segment_bytes > 3 * SMALL and time.monotonic() < deadline:
            time.sleep(0.005)
        assert len(segment_files(path)) <= 3


def test_replay_of_what_is_removed_meanwhile(path):
    with wal.open(path, segment_bytes=SMALL) as log, wal.open(path, "r") as reader:
        log.append_many([b"x" * 1000] * 600)
        log.commit()
        for one in (log, reader):
            assert seqs(one)[-1] == log.next_seq - 1
        replays = [one.replay(log.first_seq) for one in (log, reader)]
        for records in replays:
            assert next(records).seq == 0
        log.truncate_before(590)
        log.append_many([b"y" * 1000] * 100)  # into files of the segments removed
        log.commit()
        for records in replays:
            with pytest.raises(wal.TruncatedError, match="was removed"):
                list(records)
        for one in (log, reader):
            assert one.first_seq > 500
            assert one.next_seq == 700
            assert seqs(one, 0) == list(range(log.first_seq, 700))


def test_a_reader_all_of_whose_segments_went_finds_the_new_ones(path):
    with wal.open(path, segment_bytes=SMALL) as log:
        log.append_many([b"x" * 1000] * 50)
        with wal.open(path, "r") as reader:
            assert reader.next_seq == 50
            for _ in range(4):
                log.append_many([b"y" * 1000] * 50)
                log.truncate_before(log.next_seq)
            log.append(b"last")
            assert (reader.first_seq, reader.next_seq) == (250, 251)
            assert seqs(reader) == [250]


FOLLOWER = textwrap.dedent("""
    import sys
    from fastcore import wal
    last = -1
    gaps = 0
    with wal.open(sys.argv[1], "r") as log:
        for record in log.follow(0, poll_ms=0.2):
            assert record.seq > last, (record.seq, last)
            gaps += record.seq != last + 1
            last = record.seq
            assert record.payload == b"%d " % last * (last * 7919 % 200), last
            assert record.timestamp == last
            if record.payload == b"" and last >= int(sys.argv[2]):
                break
    print(last, gaps)
""")


@pytest.mark.parametrize("pace", [0, 0.002])
def test_followers_while_segments_roll_and_are_truncated(path, pace):
    total = 12_000 if pace == 0 else 4000
    with wal.open(path, segment_bytes=SMALL, batch_ms=1) as log:
        followers = [
            subprocess.Popen(
                [sys.executable, "-c", FOLLOWER, str(path), str(total)], stdout=subprocess.PIPE
            )
            for _ in range(3)
        ]
        seq = 0
        while any(follower.poll() is None for follower in followers):
            for _ in range(100):
                log.append(b"%d " % seq * (seq * 7919 % 200), timestamp=seq)
                seq += 1
            if seq % 500 == 0:
                log.truncate_before(max(seq - 300, 0))
            time.sleep(pace if seq < total else 0.002)
        for follower in followers:
            said = follower.communicate()[0].split()
            assert follower.returncode == 0
            assert int(said[0]) >= total
