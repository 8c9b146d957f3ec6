"""CRC-32C: the checksum of log records (tens of bytes) and of whole segments.

google-crc32c computes the same checksum. zlib's is another polynomial, shown for scale: it is what
Python has without a dependency, and costs more.
"""

from __future__ import annotations

import zlib
from functools import cache

import peers
import pytest
import workloads

import fastcore
from fastcore._native import kernels

LEVELS = fastcore.cpu.available()
BULK = [64 << 10, 16 << 20]
RECORDS = [16, 24, 32, 64, 100, 200, 1024]
RECORDS_TOTAL = 64 << 10


def _table() -> list[int]:
    rows = []
    for byte in range(256):
        register = byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
        rows.append(register)
    return rows


TABLE = _table()


@cache
def plain_crc32c(data: bytes) -> int:
    """One byte at a time: the answer that every engine must give."""
    register = 0xFFFFFFFF
    for byte in data:
        register = (register >> 8) ^ TABLE[(register ^ byte) & 255]
    return register ^ 0xFFFFFFFF


FASTCORE = {"fastcore": LEVELS[0], **{f"fastcore[{level}]": level for level in LEVELS}}
PEERS = {
    **peers.having("google_crc32c", lambda module: {"google-crc32c": module.value}),
    "zlib.crc32": zlib.crc32,
}


def _check(engine: str, found: int, data: bytes) -> None:
    if engine == "zlib.crc32":
        return  # another polynomial
    if len(data) <= BULK[0]:
        assert found == plain_crc32c(data)
    else:
        with fastcore.cpu.use("scalar"):
            assert found == kernels.crc32c(data)


@pytest.mark.parametrize("engine", [*FASTCORE, *PEERS])
@pytest.mark.parametrize("size", BULK)
def test_crc32c__bulk(benchmark, size, engine):
    workload = workloads.noise(workloads.quick(size, 64 << 10))
    benchmark.extra_info.update(workload.info())
    with fastcore.cpu.use(FASTCORE.get(engine)):
        found = benchmark(PEERS.get(engine, kernels.crc32c), workload.data)
    _check(engine, found, workload.data)


@pytest.mark.parametrize("engine", FASTCORE)
@pytest.mark.parametrize("record", RECORDS)
def test_crc32c__records(benchmark, record, engine):
    """64 KiB of records, a call of the kernel each and no call of Python's between them."""
    data = workloads.noise(RECORDS_TOTAL).data
    benchmark.extra_info.update(items=len(data) // record)
    with fastcore.cpu.use(FASTCORE[engine]):
        found = benchmark(kernels.crc32c_rows, data, record)
    at = range(0, len(data) - record + 1, record)
    assert found.tolist() == [plain_crc32c(data[i : i + record]) for i in at]
