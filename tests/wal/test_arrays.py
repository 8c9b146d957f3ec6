"""Arrays into the log and out of it, compared with the records they are."""

from __future__ import annotations

import numpy as np
import pytest

from fastcore import wal

SMALL = 16 * 1024


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


@pytest.mark.parametrize("segment_bytes", [SMALL, 1 << 20])
@pytest.mark.parametrize(
    ("dtype", "k"),
    [("u1", 0), ("u1", 1), ("u1", 3), ("<f8", 1), ("<f8", 2), (">i2", 5), ("S12", 1), ("<i4", 300),
     ("<c16", 1), ([("a", "<i2"), ("b", "<f4", (2,))], 1), ("M8[us]", 1), ("V7", 3)],
)  # fmt: skip
def test_rows_are_records_and_come_back(path, isa, dtype, k, segment_bytes):
    item = np.dtype(dtype)
    random = np.random.default_rng(1)
    rows = 3000
    data = random.integers(0, 256, rows * max(k, 1) * item.itemsize, dtype=np.uint8)
    values = data.view(item).reshape(rows, -1)[:, :k]
    if k == 1:
        values = values[:, 0]
    times = random.integers(-(2**62), 2**62, rows)
    with wal.open(path, segment_bytes=segment_bytes) as log:
        log.append(b"before")
        assert log.append_array(times[:10], values[:10]) == range(1, 11)
        assert log.append_array(times[10:], values[10:]) == range(11, rows + 1)
        records = list(log.replay(1))
        assert [r.timestamp for r in records] == times.tolist()
        assert [bytes(r.payload) for r in records] == [
            values[i : i + 1].tobytes() for i in range(rows)
        ]
        for start, stop in [(1, None), (1, 1), (5, 6), (1500, 99999), (2, rows)]:
            got_times, got = log.read_array(item, start, stop)
            end = rows if stop is None else stop - 1
            assert got_times.tolist() == times[start - 1 : end].tolist()
            assert got.dtype == item
            assert got.tobytes() == values[start - 1 : end].tobytes()
            if k and len(got):
                assert got.shape == values[start - 1 : end].shape
    with wal.open(path, "r") as log:
        got_times, got = log.read_array(item, 1)
        assert got.tobytes() == values.tobytes()


def test_a_large_array_passes_the_ring_and_many_segments(path):
    values = np.arange(400_000, dtype=np.int64).reshape(-1, 2)
    times = np.arange(200_000)
    with wal.open(path, segment_bytes=1 << 20, batch_ms=1) as log:
        log.append_array(times, values)
        log.append(b"between")
        log.append_array(times[:5], values[:5, 0])
        assert log.commit() == 200_005
        got_times, got = log.read_array(np.int64, 0, 200_000)
        assert (got_times == times).all()
        assert (got == values).all()
        assert (log.read_array("i8", 200_001)[1] == values[:5, 0]).all()
    with wal.open(path, "r") as log:
        assert (log.read_array(np.int64, 0, 200_000)[1] == values).all()


def test_rows_longer_than_half_the_ring(path):
    values = np.arange(3 * 40_000, dtype=np.uint8).reshape(3, -1)
    with wal.open(path, segment_bytes=1 << 16) as log:
        log.append_array(None, values)
        assert (log.read_array("u1")[1] == values).all()
        with pytest.raises(ValueError, match="rows of 60000 bytes; segments of 65536 bytes"):
            log.append_array([1], np.zeros((1, 60_000), "u1"))
        assert log.next_seq == 3


def test_sync_durability_waits(path):
    with wal.open(path, durability="sync") as log:
        log.append_array([1, 2], [1.0, 2.0])
        assert log.durable_seq == 1


def test_layouts_and_times(path):
    grid = np.arange(24, dtype="<i4").reshape(4, 6)
    with wal.open(path) as log:
        for values in (grid.T, grid[:, ::2], grid[::-1], np.asfortranarray(grid)):
            start = log.next_seq
            log.append_array(np.arange(len(values)), values)
            assert (log.read_array("<i4", start)[1] == values).all()
        start = log.next_seq
        log.append_array(np.array(["1970-01-01T00:00:01"], "M8[s]"), [1])
        log.append_array(np.arange(6, dtype=np.int32)[::3], [1, 2])
        log.append_array([], np.zeros((0, 3)))
        log.append_array(None, np.zeros(0))
        assert log.read_array("i8", start)[0].tolist() == [1_000_000_000, 0, 3]
        before = log.next_seq
        log.append_array(None, [5])
        assert abs(log.read_array("i8", before)[0][0] - 1_700_000_000e9) < 1e19


def test_wrong_arrays(path):
    with wal.open(path) as log:
        for times, values, error, says in [
            ([1], [object()], TypeError, "values must be of a type of fixed width"),
            ([1], 5, ValueError, "values must have a row for each record"),
            ([1, 2], [5], ValueError, r"timestamps of shape \(2,\) for 1 rows"),
            ([1.5], [5], TypeError, "timestamps must be integers"),
            (np.array([2**63], "u8"), [5], ValueError, "timestamps must fit 64 bits"),
            ([[1]], [5], ValueError, "timestamps of shape"),
        ]:
            with pytest.raises(error, match=says):
                log.append_array(times, values)
        assert log.next_seq == 0
        log.append_array([1, 2], np.zeros((2, 3), "<f4"))
        log.append(b"another")
        with pytest.raises(ValueError, match="record 2 has 7 bytes, a row has 12"):
            log.read_array("<f4")
        with pytest.raises(ValueError, match="record 0 has 12 bytes; items of"):
            log.read_array("<f8")
        with pytest.raises(TypeError, match="dtype must be of fixed width"):
            log.read_array(object)
        assert log.read_array("<f8", 3)[1].shape == (0,)
    with pytest.raises(wal.ClosedError):
        log.append_array([1], [1])


def test_damage_is_told(path):
    with wal.open(path, segment_bytes=SMALL) as log:
        log.append_array(None, np.arange(4000))
    with open(path / "wal_000002.bin", "r+b") as file:
        file.seek(8000)
        file.write(b"\xff\xff")
    with (
        wal.open(path, "r") as log,
        pytest.raises(wal.CorruptionError, match="segment 2, offset"),
    ):
        log.read_array("i8")
