"""find_byte, find_any, count_byte, line_offsets: every ISA against plain Python."""

import array
import io
import itertools
import mmap
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastcore
from fastcore.text import scan

LENGTHS = [*range(70), 127, 128, 129, 255, 256, 257, 300, 4095, 4096, 16383, 16384, 100_003]
# A few values, so that there are hits; every value, so that there are few.
SOME_BYTES = st.binary(max_size=600) | st.lists(st.sampled_from(b"ab\n\x00\xff")).map(bytes)


def every(data, members):
    return [i for i, byte in enumerate(data) if byte in members]


def lines_of(data):
    return list(io.BytesIO(data))


def same(got, want):
    assert got.dtype == np.int64
    assert got.ndim == 1
    return got.tolist() == want


@pytest.mark.parametrize("length", LENGTHS)
def test_every_length(isa, length):
    data = np.random.default_rng(length).integers(0, 7, length).astype(np.uint8).tobytes()
    assert same(scan.find_byte(data, 3), every(data, {3}))
    assert same(scan.find_any(data, b"\x01\x05"), every(data, {1, 5}))
    assert scan.count_byte(data, 3) == data.count(3)


@given(data=SOME_BYTES, byte=st.integers(0, 255), members=st.binary(max_size=256))
def test_against_plain_loops(data, byte, members):
    for level in fastcore.cpu.available():
        with fastcore.cpu.use(level):
            assert same(scan.find_byte(data, byte), every(data, {byte}))
            assert same(scan.find_any(data, members), every(data, set(members)))
            assert scan.count_byte(data, byte) == data.count(byte)


@given(data=SOME_BYTES)
def test_lines_are_those_of_a_binary_file(data):
    for level in fastcore.cpu.available():
        with fastcore.cpu.use(level):
            at = scan.line_offsets(data).tolist()
            assert at[0] == 0
            assert at[-1] == len(data)
            assert [data[a:b] for a, b in itertools.pairwise(at)] == lines_of(data)


@pytest.mark.parametrize(
    ("data", "offsets"),
    [
        (b"", [0]),
        (b"a", [0, 1]),
        (b"a\n", [0, 2]),
        (b"a\nb", [0, 2, 3]),
        (b"\n", [0, 1]),
        (b"\n\n", [0, 1, 2]),
        (b"a\r\nb\r", [0, 3, 5]),
    ],
)
def test_line_offsets_at_the_edges(isa, data, offsets):
    assert same(scan.line_offsets(data), offsets)


def test_dense_hits_grow_the_column(isa):
    for length in (511, 513, 100_000, 1_000_001):
        assert same(scan.find_byte(b"\x00" * length, 0), list(range(length)))


def test_hits_that_start_late(isa):
    """A density guessed from a long stretch of nothing must not be trusted."""
    data = b"." * 300_000 + b"x" * 100_000
    assert same(scan.find_byte(data, b"x"), list(range(300_000, 400_000)))


def test_tiles_join(isa):
    """Hits on both sides of each 64 MiB border."""
    data = bytearray((64 << 20) * 2 + 10)
    marks = [0, (64 << 20) - 1, 64 << 20, (128 << 20) - 1, 128 << 20, len(data) - 1]
    for mark in marks:
        data[mark] = 10
    assert same(scan.find_byte(data, 10), marks)
    assert same(scan.line_offsets(data), [0, *(mark + 1 for mark in marks)])
    assert scan.count_byte(data, 10) == len(marks)


def test_offsets_are_counted_from_the_start_of_a_view(isa):
    view = memoryview(b"xxabcabc")[2:]
    assert same(scan.find_byte(view, b"a"), [0, 3])


@pytest.mark.parametrize(
    "kind",
    [
        bytes,
        bytearray,
        memoryview,
        lambda b: np.frombuffer(b, np.uint8),
        lambda b: array.array("b", b),
    ],
    ids=["bytes", "bytearray", "memoryview", "ndarray", "array"],
)
def test_every_kind_of_buffer(kind):
    assert same(scan.find_byte(kind(b"a.b."), ord(".")), [1, 3])
    assert same(scan.find_any(kind(b"a.b."), kind(b"ab")), [0, 2])


def test_mmap_and_wider_items():
    with mmap.mmap(-1, 4096) as mapped:
        mapped[7] = 1
        assert same(scan.find_byte(mapped, 1), [7])
    assert same(scan.find_byte(np.array([1, 256], np.int32), 1), [0, 5])


def test_result_owns_its_memory_and_can_be_changed():
    found = scan.find_byte(b"aXa", b"a")
    found[0] = 99
    del found
    kept = scan.find_byte(b"a" * 5000, b"a")[4000:]
    assert kept[0] == 4000


def test_an_empty_set_finds_nothing_and_a_full_one_everything(isa):
    assert same(scan.find_any(b"abc", b""), [])
    assert same(scan.find_any(bytes(range(256)), bytes(range(256))), list(range(256)))
    assert same(scan.find_any(b"aab", b"aaaa"), [0, 1])


@pytest.mark.parametrize("call", [scan.find_byte, scan.count_byte])
def test_a_byte_is_an_int_or_one_byte(call):
    for byte in (-1, 256, 2**80, b"", b"ab"):
        with pytest.raises(ValueError, match="byte must be"):
            call(b"abc", byte)
    for byte in ("a", 1.0, None):
        with pytest.raises(TypeError, match="byte must be an int or one byte"):
            call(b"abc", byte)
    assert call(b"abc", np.uint8(97)) is not None


@pytest.mark.parametrize(
    "call",
    [
        lambda data: scan.find_byte(data, 1),
        lambda data: scan.find_any(data, b"x"),
        lambda data: scan.count_byte(data, 1),
        scan.line_offsets,
    ],
    ids=["find_byte", "find_any", "count_byte", "line_offsets"],
)
def test_data_is_contiguous_bytes(call):
    for data in ("text", None, 7, ["a"]):
        with pytest.raises(
            TypeError, match=f"data must be a bytes-like object, not {type(data).__name__}"
        ):
            call(data)
    for data in (memoryview(b"abcd")[::2], np.zeros((4, 4), np.uint8)[:, 1]):
        with pytest.raises(ValueError, match="data must be a contiguous buffer"):
            call(data)


def test_byteset_is_named_in_its_errors():
    with pytest.raises(TypeError, match="byteset must be a bytes-like object, not str"):
        scan.find_any(b"abc", "a")
    with pytest.raises(ValueError, match="byteset must be a contiguous buffer"):
        scan.find_any(b"abc", memoryview(b"abcd")[::2])


def test_a_buffer_is_let_go(isa):
    data = bytearray(b"abc" * 10_000)
    scan.find_byte(data, 1), scan.find_any(data, data), scan.count_byte(data, 1)
    scan.line_offsets(data)
    with pytest.raises(ValueError, match="range"):
        scan.find_byte(data, 256)
    data.append(1)  # BufferError if a view were still held


def test_threads_share_a_buffer(isa):
    data = b"line\n" * 100_000
    want = scan.line_offsets(data)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(scan.line_offsets(data))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(np.array_equal(want, got) for got in results)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="timers as POSIX has them")
def test_a_signal_is_heard_between_tiles():
    """The handler's error comes out of the scan itself, not after it."""
    data = bytearray(6 << 26)

    def heard(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, heard)
    try:
        for _ in range(20):  # the timer may go off before the scan begins
            with pytest.raises(KeyboardInterrupt) as raised:
                interrupted_count(data)
            if any(entry.name.endswith("scan.count_byte") for entry in raised.traceback):
                return
    finally:
        signal.signal(signal.SIGALRM, before)
    pytest.fail("the scan was never interrupted")


def interrupted_count(data):
    signal.setitimer(signal.ITIMER_REAL, 0.002)
    scan.count_byte(data, 1)
    time.sleep(1)
