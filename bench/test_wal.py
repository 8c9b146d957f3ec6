"""The write-ahead log beside what a Python service would use in its place.

Each engine does the whole job through its own public interface: so many records in, durable when
the row says so. Peers are asked in their durable settings (SQLite synchronous=FULL in WAL mode,
RocksDB with sync writes, LMDB with its default sync); `write+fdatasync` is a plain file, which
keeps nothing but bytes: no numbers, no checksums, no recovery.

Files lie in `FASTCORE_BENCH_DIR`, by default the temporary folder: it must be on a real disk. Rows
with latencies have their percentiles in extra_info, in seconds.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import peers
import pytest
import workloads

from fastcore import wal

PAYLOAD = bytes(range(100))
SMALL = bytes(12)
BATCH = [PAYLOAD] * 1000

Append = Callable[[bytes], Any]
Opened = tuple[Append, Callable[[], Any]]  # append one durably, close
Many = tuple[Callable[[list[bytes]], Any], Callable[[], Any]]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(dir=os.environ.get("FASTCORE_BENCH_DIR")))
    yield made
    shutil.rmtree(made)


# --- engines: open(folder) -> (append, close) -----------------------------------------------------


def _fastcore(folder: Path) -> Opened:
    log = wal.open(folder / "log", durability="sync")
    return log.append, log.close


def _file(folder: Path) -> Opened:
    file = os.open(folder / "file", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    lock = threading.Lock()

    def append(payload: bytes) -> None:
        with lock:
            os.write(file, payload)
            os.fdatasync(file)

    return append, lambda: os.close(file)


def _zeroed(folder: Path) -> Opened:
    """The floor: a pwrite into a file whose blocks are all written already, and its sync."""
    file = os.open(folder / "file", os.O_CREAT | os.O_RDWR)
    for at in range(0, 8 << 20, 4096):
        os.pwrite(file, bytes(4096), at)
    os.fsync(file)
    at = 0

    def append(payload: bytes) -> None:
        nonlocal at
        os.pwrite(file, payload, at)
        os.fdatasync(file)
        at = (at + len(payload)) % (7 << 20)

    return append, lambda: os.close(file)


def _sqlite(folder: Path) -> Many:
    base = sqlite3.connect(folder / "base", isolation_level=None, check_same_thread=False)
    base.execute("pragma journal_mode=wal")
    base.execute("pragma synchronous=full")
    base.execute("create table log (seq integer primary key, payload blob)")
    lock = threading.Lock()

    def many(payloads: list[bytes]) -> None:
        with lock:
            base.execute("begin")
            base.executemany(
                "insert into log (payload) values (?)", [(payload,) for payload in payloads]
            )
            base.execute("commit")

    return many, base.close


def _lmdb(folder: Path) -> Many:
    env = lmdb.open(str(folder / "lmdb"), map_size=1 << 30)
    seq = 0

    def many(payloads: list[bytes]) -> None:
        nonlocal seq
        with env.begin(write=True) as txn, txn.cursor() as cursor:
            items = [((seq + i).to_bytes(8, "big"), p) for i, p in enumerate(payloads)]
            cursor.putmulti(items, append=True)
            seq += len(payloads)

    return many, env.close


def _rocksdict(folder: Path) -> Many:
    import rocksdict

    base = rocksdict.Rdict(str(folder / "rocks"), rocksdict.Options(raw_mode=True))
    options = rocksdict.WriteOptions()
    options.sync = True
    seq = 0

    def many(payloads: list[bytes]) -> None:
        nonlocal seq
        batch = rocksdict.WriteBatch(raw_mode=True)
        for payload in payloads:
            batch.put(seq.to_bytes(8, "big"), payload)
            seq += 1
        base.write(batch, options)

    return many, base.close


def _diskcache(folder: Path) -> Opened:
    import diskcache

    deque = diskcache.Deque(directory=str(folder / "deque"))
    deque._cache.reset("sqlite_synchronous", 2)  # FULL
    return deque.append, deque._cache.close


def _persistqueue(folder: Path) -> Opened:
    import persistqueue

    queue = persistqueue.SQLiteQueue(str(folder / "queue"), multithreading=True)
    return queue.put, queue.close


def _one_of(open_many: Callable[[Path], Many]) -> Callable[[Path], Opened]:
    def opened(folder: Path) -> Opened:
        many, close = open_many(folder)
        return lambda payload: many([payload]), close

    return opened


DURABLE: dict[str, Callable[[Path], Opened]] = {
    "fastcore": _fastcore,
    "write+fdatasync": _file,
    "sqlite3": _one_of(_sqlite),
    "lmdb": _one_of(_lmdb),
    **peers.having("rocksdict", lambda _: {"rocksdict": _one_of(_rocksdict)}),
    **peers.having("diskcache", lambda _: {"diskcache": _diskcache}),
    **peers.having("persistqueue", lambda _: {"persist-queue": _persistqueue}),
}


def _fastcore_many(folder: Path) -> Many:
    log = wal.open(folder / "log")

    def many(payloads: list[bytes]) -> None:
        log.append_many(payloads)
        log.commit()

    return many, log.close


def _file_many(folder: Path) -> Many:
    append, close = _file(folder)
    return lambda payloads: append(b"".join(payloads)), close


MANY: dict[str, Callable[[Path], Many]] = {
    "fastcore": _fastcore_many,
    "write+fdatasync": _file_many,
    "sqlite3": _sqlite,
    "lmdb": _lmdb,
    **peers.having("rocksdict", lambda _: {"rocksdict": _rocksdict}),
}


# --- rows -----------------------------------------------------------------------------------------


def _percentiles(latencies: list[int]) -> dict[str, float]:
    ordered = sorted(latencies)
    at = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    found = {name: ordered[int(len(ordered) * part)] / 1e9 for name, part in at.items()}
    return {**found, "max": ordered[-1] / 1e9}


def _timed(append: Append, payload: bytes, count: int) -> list[int]:
    clock = time.perf_counter_ns
    latencies = []
    for _ in range(count):
        start = clock()
        append(payload)
        latencies.append(clock() - start)
    return latencies


@pytest.mark.parametrize("engine", [*DURABLE, "pwrite+fdatasync on zeros"])
def test_append__100B_durable_each(benchmark, folder, engine):
    append, close = DURABLE.get(engine, _zeroed)(folder)
    count = workloads.quick(1000, 30)
    latencies: list[int] = []

    def run() -> None:
        latencies.extend(_timed(append, PAYLOAD, count))

    benchmark.pedantic(run, rounds=workloads.quick(5, 2), warmup_rounds=1)
    close()
    benchmark.extra_info.update(items=count, percentiles=_percentiles(latencies))
    if engine == "fastcore":
        with wal.open(folder / "log", "r") as log:
            assert sum(record.payload == PAYLOAD for record in log.replay()) == len(latencies)


@pytest.mark.parametrize("engine", DURABLE)
@pytest.mark.parametrize("threads", [16, 64])
def test_append__100B_durable_each_from_threads(benchmark, folder, threads, engine):
    append, close = DURABLE[engine](folder)
    each = workloads.quick(100, 3)
    latencies: list[int] = []

    def work() -> None:
        latencies.extend(_timed(append, PAYLOAD, each))

    def run() -> None:
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    benchmark.pedantic(run, rounds=workloads.quick(5, 1), warmup_rounds=1)
    close()
    benchmark.extra_info.update(
        headline=True, items=threads * each, percentiles=_percentiles(latencies)
    )
    if engine == "fastcore":
        with wal.open(folder / "log", "r") as log:
            assert log.next_seq == len(latencies)


@pytest.mark.parametrize("engine", MANY)
def test_append_many__1000x100B_durable_each(benchmark, folder, engine):
    many, close = MANY[engine](folder)
    batches = workloads.quick(100, 3)

    def run() -> None:
        for _ in range(batches):
            many(BATCH)

    rounds = workloads.quick(5, 1)
    benchmark.pedantic(run, rounds=rounds, warmup_rounds=1)
    close()
    benchmark.extra_info.update(items=1000 * batches, bytes=100_000 * batches)
    if engine == "fastcore":
        with wal.open(folder / "log", "r") as log:
            assert log.next_seq == 1000 * batches * (rounds + 1)


@pytest.mark.parametrize("engine", MANY)
def test_append_array__16B_durable_at_the_end(benchmark, folder, engine):
    """Points of two float64; the peers get them as bytes, 1,000 in a batch, with a sync each."""
    count = workloads.quick(1_000_000, 20_000)
    points = np.arange(2.0 * count).reshape(count, 2)
    times = np.arange(count)
    opened: dict[str, Any] = {}

    def start() -> None:
        shutil.rmtree(folder / "round", ignore_errors=True)
        (folder / "round").mkdir()
        if engine == "fastcore":
            opened["log"] = wal.open(folder / "round" / "log")
        else:
            opened["many"], opened["close"] = MANY[engine](folder / "round")

    def run() -> None:
        if engine == "fastcore":
            opened["log"].append_array(times, points)
            opened["log"].commit()
            return
        raw = points.tobytes()
        rows = [raw[at : at + 16] for at in range(0, len(raw), 16)]
        for at in range(0, count, 1000):
            opened["many"](rows[at : at + 1000])

    benchmark.pedantic(run, setup=start, rounds=workloads.quick(3, 1))
    benchmark.extra_info.update(items=count)
    if engine == "fastcore":
        got_times, got = opened["log"].read_array("f8")
        assert (got == points).all()
        assert (got_times == times).all()
        opened["log"].close()
    else:
        opened["close"]()


@pytest.mark.parametrize("engine", ["fastcore", "file.write", "list.clear"])
@pytest.mark.parametrize("size", [12, 100])
def test_append__in_batch(benchmark, folder, size, engine):
    """One record a call, made durable by a thread. `list.clear` is C that does nothing."""
    payload = bytes(size)
    count = workloads.quick(200_000, 5000)
    log = wal.open(folder / "log")
    with open(folder / "file", "wb") as file:
        empty: list[int] = []
        call: Any = {"fastcore": log.append, "file.write": file.write}.get(engine)

        def run() -> None:
            if call is None:
                for _ in range(count):
                    empty.clear()
            else:
                for _ in range(count):
                    call(payload)

        benchmark(run)
        benchmark.extra_info.update(items=count)
        if call is not None:
            benchmark.extra_info["percentiles"] = _percentiles(_timed(call, payload, count))
    appended = log.next_seq
    log.close()
    assert (appended > 0) == (engine == "fastcore")


@pytest.mark.parametrize("engine", ["fastcore", "sqlite3", "lmdb"])
def test_replay__100B(benchmark, folder, engine):
    count = workloads.quick(1_000_000, 20_000)
    many, close = MANY[engine](folder)
    for at in range(0, count, 100_000):
        many([PAYLOAD] * min(count - at, 100_000))
    close()

    def run() -> int:
        if engine == "fastcore":
            with wal.open(folder / "log", "r") as log:
                return sum(1 for _ in log.replay())
        if engine == "sqlite3":
            with sqlite3.connect(folder / "base") as base:
                return sum(1 for _ in base.execute("select seq, payload from log"))
        with lmdb.open(str(folder / "lmdb")) as env, env.begin(buffers=True) as txn:
            return sum(1 for _ in txn.cursor())

    found = benchmark.pedantic(run, rounds=workloads.quick(5, 1), warmup_rounds=1)
    assert found == count
    benchmark.extra_info.update(items=count)


@pytest.mark.parametrize("row_bytes", [16, 1024])
@pytest.mark.parametrize("engine", ["fastcore", "numpy.fromfile"])
def test_read_array__rows(benchmark, folder, row_bytes, engine):
    rows = workloads.quick(128 << 20, 1 << 20) // row_bytes
    values = np.arange(rows * row_bytes // 8, dtype=np.float64).reshape(rows, -1)
    with wal.open(folder / "log") as log:
        log.append_array(None, values)
    values.tofile(folder / "plain")

    def run() -> Any:
        if engine == "numpy.fromfile":
            return np.fromfile(folder / "plain", np.float64).reshape(rows, -1)
        with wal.open(folder / "log", "r") as log:
            return log.read_array(np.float64)[1]

    found = benchmark.pedantic(run, rounds=workloads.quick(5, 1), warmup_rounds=1)
    assert (found == values).all()
    benchmark.extra_info.update(bytes=values.nbytes, items=rows)


@pytest.mark.parametrize("engine", ["fastcore"])
def test_open__after_a_crash_with_a_segment_of_64MiB(benchmark, folder, engine):
    size = workloads.quick(60 << 20, 1 << 20)
    with wal.open(folder / "live") as log:
        log.append_many([PAYLOAD] * (size // 120))
        log.commit()
        shutil.copytree(folder / "live", folder / "crashed")

    def copy() -> None:
        shutil.rmtree(folder / "log", ignore_errors=True)
        shutil.copytree(folder / "crashed", folder / "log")
        os.sync()

    def run() -> int:
        with wal.open(folder / "log", "r") as log:
            return log.next_seq

    found = benchmark.pedantic(run, setup=copy, rounds=workloads.quick(5, 1))
    assert found == size // 120
    benchmark.extra_info.update(bytes=size)
