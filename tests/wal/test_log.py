"""The log through its public face: what goes in comes out, in order, and errors say what to do."""

from __future__ import annotations

import errno
import gc
import os
import threading
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastcore
from fastcore import wal

SMALL = 16 * 1024


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


def payloads(log, *args, **kwargs):
    return [bytes(record.payload) for record in log.replay(*args, **kwargs)]


def test_records_come_back_in_order_with_their_times(path, isa):
    with wal.open(path) as log:
        seqs = [log.append(b"%d" % i, timestamp=1000 - i) for i in range(300)]
        assert seqs == list(range(300))
        records = list(log.replay())
    assert [r.seq for r in records] == seqs
    assert [r.timestamp for r in records] == [1000 - i for i in range(300)]
    assert [bytes(r.payload) for r in records] == [b"%d" % i for i in range(300)]


def test_a_record_is_a_named_tuple(path):
    with wal.open(path) as log:
        log.append(b"abc", timestamp=-5)
        (record,) = log.replay()
    assert isinstance(record, wal.Record)
    seq, timestamp, payload = record
    assert (seq, timestamp, payload) == (0, -5, b"abc") == record
    assert isinstance(payload, memoryview)
    assert payload.readonly


@pytest.mark.parametrize("segment_bytes", [SMALL, SMALL + 1, 24_000, 1 << 16])
def test_all_lengths_around_the_limits(path, segment_bytes):
    longest = segment_bytes - 8192
    lengths = [*range(70), *range(4050, 4110), *range(longest - 40, longest + 1)]
    wanted = [os.urandom(length) for length in lengths]
    with wal.open(path, segment_bytes=segment_bytes) as log:
        for payload in wanted:
            log.append(payload)
        assert payloads(log) == wanted
    with wal.open(path, segment_bytes=segment_bytes) as log:
        assert payloads(log) == wanted
        with pytest.raises(ValueError, match=f"at most {longest}"):
            log.append(bytes(longest + 1))
        with pytest.raises(ValueError, match=f"at most {longest}"):
            log.append_many([b"fine", bytes(longest + 1)])
        assert log.next_seq == len(wanted)


def test_largest_record_with_marks_that_fill_half_a_segment(path):
    with wal.open(path, segment_bytes=SMALL) as log:
        log._set_mark("a", b"a" * 4096)
        log._set_mark("b", b"b" * 1800)
        wanted = [os.urandom(SMALL - 8192) for _ in range(6)]
        for payload in wanted:
            log.append(payload)
        log._set_mark("c", b"c" * 50)
        log.append(wanted[0])
        assert payloads(log) == [*wanted, wanted[0]]
    for mode in "ar":
        with wal.open(path, mode, segment_bytes=SMALL) as log:
            assert log._get_mark("a") == (0, b"a" * 4096)
            assert log._get_mark("b") == (0, b"b" * 1800)
            assert log._get_mark("c") == (6, b"c" * 50)
            assert payloads(log) == [*wanted, wanted[0]]


def test_append_many_returns_the_range(path):
    with wal.open(path) as log:
        assert log.append_many([]) == range(0, 0)
        assert log.append_many(iter([b"a", bytearray(b"b"), memoryview(b"cc")[1:]])) == range(0, 3)
        assert log.append_many((b"d",), timestamps=[7]) == range(3, 4)
        assert payloads(log) == [b"a", b"b", b"c", b"d"]
        assert list(log.replay())[-1].timestamp == 7
        with pytest.raises(ValueError, match="timestamps has 1 items for 2 payloads"):
            log.append_many([b"a", b"b"], timestamps=[1])
        with pytest.raises(TypeError, match=r"payloads\[1\] must be bytes-like, not str"):
            log.append_many([b"a", "b"])
        with pytest.raises(TypeError, match="payloads must be an iterable of bytes-like objects"):
            log.append_many(b"abc")
        assert log.next_seq == 4


def test_payloads_may_be_any_buffer(path):
    with wal.open(path) as log:
        log.append(np.arange(3, dtype="<i4"))
        log.append(bytearray(b"x"))
        log.append(memoryview(b"abcdef")[2:4])
        with pytest.raises(TypeError, match="payload must be bytes-like, not str"):
            log.append("text")
        assert payloads(log) == [b"\0\0\0\0\1\0\0\0\2\0\0\0", b"x", b"cd"]


def test_replay_takes_a_part(path):
    with wal.open(path, segment_bytes=SMALL) as log:
        log.append_many([b"%03d" % i * 50 for i in range(500)], timestamps=range(0, 5000, 10))
        for start, stop in [(0, 0), (0, 1), (3, 77), (499, 500), (250, None), (None, 2), (9, 3)]:
            seqs = [r.seq for r in log.replay(start, stop)]
            assert seqs == list(range(500))[start:stop]
        assert [r.seq for r in log.replay(490, 9999)] == list(range(490, 500))
        assert [r.seq for r in log.replay(since=100, until=130)] == [10, 11, 12]
        assert [r.seq for r in log.replay(12, since=100, until=130)] == [12]
        with pytest.raises(ValueError, match="start must be at least 0"):
            log.replay(-1)
        with pytest.raises(TypeError, match="stop must be an int"):
            log.replay(stop="5")


def test_replay_ends_where_the_log_ended_when_it_began(path):
    with wal.open(path) as log:
        log.append(b"a")
        records = log.replay()
        log.append(b"b")
        assert [bytes(r.payload) for r in records] == [b"a"]


def test_payloads_outlive_the_replay_and_the_log(path):
    with wal.open(path) as log:
        log.append_many([b"%06d" % i for i in range(100_000)])
        kept = [r.payload for r in log.replay()][::5000]
    gc.collect()
    assert [bytes(p) for p in kept] == [b"%06d" % i for i in range(0, 100_000, 5000)]


@pytest.mark.parametrize("durability", ["sync", "batch", "async"])
def test_commit_makes_durable(path, durability):
    with wal.open(path, durability=durability, batch_ms=3_600_000) as log:
        assert log.durable_seq == -1
        assert log.commit() == -1
        first = log.append(b"a")
        assert log.durable_seq == (first if durability == "sync" else -1)
        log.append_many([b"b", b"c"])
        assert log.commit(1, timeout=60) >= 1
        assert log.commit() == log.durable_seq == 2
        with pytest.raises(ValueError, match="record 3 is not in the log yet"):
            log.commit(3)


def test_a_batch_becomes_durable_by_itself(path):
    with wal.open(path, batch_ms=1) as log:
        for i in range(3):
            log.append(b"x")
            deadline = threading.Event()
            for _ in range(2000):
                if log.durable_seq == i:
                    break
                deadline.wait(0.005)
            assert log.durable_seq == i


def test_batch_bytes_do_not_wait_for_the_time(path):
    with wal.open(path, batch_ms=3_600_000, batch_bytes=10_000) as log:
        for _ in range(11):
            log.append(bytes(1000))
        pause = threading.Event()
        for _ in range(2000):
            if log.durable_seq >= 9:
                break
            pause.wait(0.005)
        assert log.durable_seq >= 9


def test_sequence_goes_on_over_sessions(path):
    for session in range(5):
        with wal.open(path, segment_bytes=SMALL) as log:
            assert (log.first_seq, log.next_seq) == (0, session * 30)
            assert log.durable_seq == log.next_seq - 1
            for i in range(30):
                assert log.append(b"%d" % i * 100) == session * 30 + i
    with wal.open(path, "r") as log:
        assert payloads(log) == [b"%d" % i * 100 for i in range(30)] * 5


def test_opening_without_appending_leaves_the_log_as_it_is(path):
    with wal.open(path, segment_bytes=SMALL) as log:
        log.append(b"a")
    before = (path / "wal_000001.bin").read_bytes()
    for _ in range(20):
        wal.open(path, segment_bytes=SMALL).close()
    assert (path / "wal_000001.bin").read_bytes() == before
    assert len(list(path.glob("wal_*"))) == 1


def test_segment_bytes_may_change_between_sessions(path):
    sizes = [SMALL, 1 << 16, 20_000, SMALL]
    wanted = []
    for size in sizes:
        with wal.open(path, segment_bytes=size) as log:
            wanted += [os.urandom(900) for _ in range(30)]
            log.append_many(wanted[-30:])
            assert payloads(log) == wanted
    with wal.open(path, "r") as log:
        assert payloads(log) == wanted


def test_marks_are_replaced_and_removed(path):
    with wal.open(path) as log:
        assert log._get_mark("m") is None
        log._set_mark("m", b"one")
        log.append(b"x")
        log._set_mark("m", b"")
        assert log._get_mark("m") == (1, b"")
        log._set_mark("m", None)
        log._set_mark("never there", None)
        assert log._get_mark("m") is None
        log._set_mark("x" * 255, b"v" * 4096)
        assert payloads(log) == [b"x"]
    with wal.open(path) as log:
        assert log._get_mark("m") is None
        assert log._get_mark("x" * 255) == (1, b"v" * 4096)
        for name, value in [("", b""), ("x" * 256, b""), ("m", b"v" * 4097)]:
            with pytest.raises(ValueError, match="a mark's"):
                log._set_mark(name, value)
        for i in range(255):
            log._set_mark(f"{i}", b"")
        with pytest.raises(ValueError, match="no room for another mark: 256 at most"):
            log._set_mark("one too many", b"")


def test_one_writer_many_readers(path):
    with wal.open(path) as log:
        log.append(b"a")
        log.commit()
        with pytest.raises(wal.LockedError, match="has a writer already"):
            wal.open(path)
        with wal.open(path, "r") as one, wal.open(path, "r") as two:
            assert payloads(one) == payloads(two) == [b"a"]
            log.append(b"b")
            log.commit()
            assert (one.next_seq, one.durable_seq) == (2, 1)
            assert payloads(one) == [b"a", b"b"]
            for change in (lambda: one.append(b"x"), one.commit, lambda: one._set_mark("m", b"")):
                with pytest.raises(wal.ReadOnlyError):
                    change()
    wal.open(path).close()


def test_reader_follows_rolls(path):
    with wal.open(path, segment_bytes=SMALL) as log, wal.open(path, "r") as reader:
        for i in range(100):
            log.append(b"%d" % i * 300)
            if i % 7 == 0:
                assert reader.next_seq == i + 1
                assert len(payloads(reader, i)) == 1
        assert payloads(reader) == payloads(log)


def test_missing_logs(path):
    for kwargs in ({"mode": "r"}, {"create": False}):
        with pytest.raises(wal.MissingLogError) as raised:
            wal.open(path, **kwargs)
        assert isinstance(raised.value, FileNotFoundError)
        assert raised.value.errno == errno.ENOENT
        assert not path.exists()
    path.mkdir()
    with pytest.raises(wal.MissingLogError, match="there is no log in"):
        wal.open(path, "r")
    assert list(path.iterdir()) == []
    with pytest.raises(wal.WalError):
        wal.open(path / "a" / "b")


def test_a_file_is_no_log(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    for mode in "ar":
        with pytest.raises(wal.WalError) as raised:
            wal.open(tmp_path / "file", mode)
        assert raised.value.errno == errno.ENOTDIR


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"mode": "w"}, "mode must be 'a' or 'r'"),
        ({"durability": "full"}, "durability must be"),
        ({"recovery": "maybe"}, "recovery must be"),
        ({"segment_bytes": 16383}, "segment_bytes must be 16384 to 1073741824, not 16383"),
        ({"segment_bytes": 2**40}, "segment_bytes must be"),
        ({"segment_bytes": -1}, "segment_bytes must be at least 0"),
        ({"batch_bytes": 0}, "batch_bytes must be at least 1"),
        ({"batch_ms": 0}, "batch_ms must be 1 to"),
    ],
)
def test_wrong_options(path, wrong, says):
    with pytest.raises(ValueError, match=says):
        wal.open(path, **wrong)
    assert not path.exists()


def test_wrong_types(path):
    with pytest.raises(TypeError):
        wal.open(3.5)
    with wal.open(path) as log:
        with pytest.raises(TypeError, match="timestamp must be an int, not float"):
            log.append(b"", timestamp=1.5)
        with pytest.raises(ValueError, match="timestamp must fit 64 bits"):
            log.append(b"", timestamp=2**63)
        assert log.append(b"", timestamp=-(2**63)) == 0
        assert log.append(b"", timestamp=np.int64(5)) == 1


def test_closed_log(path):
    log = wal.open(path)
    log.append(b"a")
    log.close()
    log.close()
    assert log.closed
    assert "closed" in repr(log)
    for use in (lambda: log.append(b"x"), lambda: log.append_many([b"x"]), log.commit, log.replay,
                lambda: log._set_mark("m", b""), lambda: log._get_mark("m")):  # fmt: skip
        with pytest.raises(wal.ClosedError):
            use()
    with wal.open(path, "r") as reader:
        records = reader.replay()
    with pytest.raises(wal.ClosedError):
        next(records)


def test_unclosed_log_warns_and_closes(path):
    def forget():
        wal.open(path).append(b"kept")
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed log"):
        forget()
    with wal.open(path) as log:
        assert payloads(log) == [b"kept"]


def test_a_log_that_failed_to_open_does_not_warn(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(wal.MissingLogError):
            wal.open(path, "r")
        gc.collect()


def test_repr_says_what_it_holds(path):
    with wal.open(path) as log:
        log.append(b"a")
        assert repr(log).startswith(
            f"<Log({str(path)!r}, mode='a', durability='batch'), records 0 to 1"
        )


def test_errors_belong_to_both_trees():
    for error in (wal.CorruptionError, wal.LockedError, wal.ReadOnlyError, wal.ClosedError):
        assert issubclass(error, wal.WalError)
    assert issubclass(wal.WalError, OSError)
    assert issubclass(wal.WalError, fastcore.Error)
    assert issubclass(wal.CommitTimeoutError, TimeoutError)


@pytest.mark.parametrize("durability", ["sync", "batch"])
def test_many_threads_append(path, durability):
    threads, each = 16, 200
    seen: list[list[int]] = [[] for _ in range(threads)]

    def run(k, log):
        for i in range(each):
            seen[k].append(log.append(b"%d:%d" % (k, i) + b"." * (37 * k)))
            if i % 50 == 0:
                log.append_many([b"%d:many" % k] * 3)

    with wal.open(path, segment_bytes=1 << 16, durability=durability) as log:
        workers = [threading.Thread(target=run, args=(k, log)) for k in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        records = payloads(log)
    assert len(records) == threads * (each + 4 * 3)
    for k in range(threads):
        assert seen[k] == sorted(seen[k])
        assert [records[seq].split(b".")[0] for seq in seen[k]] == [
            b"%d:%d" % (k, i) for i in range(each)
        ]
        assert sum(record == b"%d:many" % k for record in records) == 12


def test_threads_commit_together(path):
    def run(log):
        for _ in range(50):
            seq = log.append(b"x")
            assert log.commit(seq) >= seq

    with wal.open(path, durability="async") as log:
        workers = [threading.Thread(target=run, args=(log,)) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert log.durable_seq == 399


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=8192),
            st.lists(st.binary(max_size=3000), max_size=6),
            st.just("commit"),
            st.just("reopen"),
        ),
        max_size=30,
    )
)
def test_any_sequence_of_calls_is_the_list_it_should_be(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("any") / "log"
    model: list[bytes] = []
    log = wal.open(path, segment_bytes=SMALL)
    try:
        for step in steps:
            if step == "commit":
                assert log.commit() == len(model) - 1
            elif step == "reopen":
                log.close()
                log = wal.open(path, segment_bytes=SMALL)
            elif isinstance(step, list):
                assert log.append_many(step) == range(len(model), len(model) + len(step))
                model += step
            else:
                assert log.append(step) == len(model)
                model.append(step)
        assert payloads(log) == model
    finally:
        log.close()
