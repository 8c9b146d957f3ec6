"""The kernels: bytes and lines found, JSON masks, UTF-8 checked; in cache and in memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import native_simdjson
import numpy as np
import peers
import pytest
import workloads

import fastcore
from fastcore import text
from fastcore._native import kernels

KIB, MIB = 1 << 10, 1 << 20
SIZES = {"64KiB": 64 * KIB, "256MiB": workloads.quick(256 * MIB, 4 * MIB)}
ABSENT = 1  # a byte that no log has
ABSENT_SET = bytes([1, 2, 0x7F, 0x80])

LEVELS = [f"fastcore[{level}]" for level in fastcore.cpu.available()]
# Peers, each a function of the workload's bytes; fastcore's levels are put in front of them.
Peers = dict[str, Callable[[bytes], Any]]


def engines(named: Peers) -> Callable[..., Any]:
    return pytest.mark.parametrize("engine", ["fastcore", *LEVELS, *named])


sizes = pytest.mark.parametrize("size", SIZES)


def measure(
    benchmark: Any, engine: str, own: Callable[[bytes], Any], named: Peers, data: bytes
) -> Any:
    """Run `own` at the engine's level, or the peer of that name, on `data`."""
    if engine in named:
        return benchmark(named[engine], data)
    level = engine.removeprefix("fastcore").strip("[]") or None
    with fastcore.cpu.use(level):
        return benchmark(own, data)


def as_array(data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.frombuffer(data, np.uint8)


def stringzilla(make: Callable[[Any], Peers]) -> Peers:
    return peers.having("stringzilla", make)


# --- bytes -----------------------------------------------------------------------------------

MEMCHR = peers.libc_memchr()
FIRST: Peers = {
    "libc memchr": lambda data: MEMCHR(data, ABSENT),
    "numpy": lambda data: -1 if not (as_array(data) == ABSENT).any() else 0,
    **stringzilla(lambda sz: {"stringzilla": lambda data: sz.find(data, bytes([ABSENT]))}),
}


@sizes
@engines(FIRST)
def test_find_byte__absent(benchmark: Any, engine: str, size: str) -> None:
    log = workloads.access_log(SIZES[size])
    benchmark.extra_info.update(log.info())
    found = measure(
        benchmark, engine, lambda data: kernels.find_byte(data, ABSENT), FIRST, log.data
    )
    assert found == (-1 if engine in FIRST else len(log.data))


COUNT: Peers = {
    "bytes.count": lambda data: data.count(b"\n"),
    "numpy": lambda data: np.count_nonzero(as_array(data) == 10),
    **stringzilla(lambda sz: {"stringzilla": lambda data: sz.count(data, b"\n")}),
}


@sizes
@engines(COUNT)
def test_count_byte__newlines(benchmark: Any, engine: str, size: str) -> None:
    log = workloads.access_log(SIZES[size])
    benchmark.extra_info.update(log.info())
    found = measure(benchmark, engine, lambda data: text.count_byte(data, 10), COUNT, log.data)
    assert found == log.expect["lines"]


ABSENT_PATTERN = re.compile(b"[" + re.escape(ABSENT_SET) + b"]")
ANY: Peers = {
    "re": lambda data: -1 if ABSENT_PATTERN.search(data) is None else 0,
    **stringzilla(lambda sz: {"stringzilla": lambda data: sz.find_first_of(data, ABSENT_SET)}),
}


@sizes
@engines(ANY)
def test_find_any__absent_4(benchmark: Any, engine: str, size: str) -> None:
    log = workloads.access_log(SIZES[size])
    benchmark.extra_info.update(log.info())
    found = measure(
        benchmark, engine, lambda data: kernels.find_any(data, ABSENT_SET), ANY, log.data
    )
    assert found == (-1 if engine in ANY else len(log.data))


# --- offsets ---------------------------------------------------------------------------------

LINES: Peers = {
    "numpy": lambda data: np.flatnonzero(as_array(data) == 10),
    "bytes.splitlines": lambda data: data.splitlines(True),
    **stringzilla(lambda sz: {"stringzilla": lambda data: sz.Str(data).split("\n")}),
}


@sizes
@engines(LINES)
def test_line_offsets__log(benchmark: Any, engine: str, size: str) -> None:
    log = workloads.access_log(SIZES[size])
    benchmark.extra_info.update(log.info())
    found = measure(benchmark, engine, text.line_offsets, LINES, log.data)
    # numpy and splitlines give one per line; an empty piece, or the end, comes after the last.
    assert len(found) == log.expect["lines"] + (engine not in ("numpy", "bytes.splitlines"))


QUOTES: Peers = {"numpy": lambda data: np.flatnonzero(as_array(data) == ord('"'))}


@sizes
@engines(QUOTES)
def test_find_byte__all_quotes(benchmark: Any, engine: str, size: str) -> None:
    log = workloads.access_log(SIZES[size])
    benchmark.extra_info.update(log.info())
    found = measure(benchmark, engine, lambda data: text.find_byte(data, b'"'), QUOTES, log.data)
    assert len(found) == log.expect["quotes"]


def numpy_find_any(data: bytes) -> Any:
    found = as_array(data) == ord('"')
    found |= as_array(data) == 10
    return np.flatnonzero(found)


FIELDS: Peers = {"numpy": numpy_find_any}


@sizes
@engines(FIELDS)
def test_find_any__quotes_and_newlines(benchmark: Any, engine: str, size: str) -> None:
    log = workloads.access_log(SIZES[size])
    benchmark.extra_info.update(log.info())
    found = measure(benchmark, engine, lambda data: text.find_any(data, b'"\n'), FIELDS, log.data)
    assert len(found) == log.expect["quotes"] + log.expect["lines"]


# --- JSON and UTF-8, against simdjson in C++ ---------------------------------------------------

SIMDJSON = native_simdjson.load()
SIMDJSON_NAME = f"simdjson {SIMDJSON.version}" if SIMDJSON else ""
WINDOW_BYTES = 64 * KIB
JSON = {
    "wiki_edits": workloads.wiki_edits,
    "server_status": workloads.server_status,
    "windows_events": workloads.windows_events,
}


def windows(data: bytes) -> list[bytes]:
    """Whole records of some 64 KiB, up to 16 MiB of them, filled with spaces to whole blocks."""
    pieces, at = [], 0
    while at < min(len(data), 16 * MIB):
        end = data.rfind(b"\n", at, at + WINDOW_BYTES) + 1
        pieces.append(data[at:end] + b" " * (-(end - at) % 64))
        at = end
    return pieces


def structurals(pieces: list[bytes]) -> int:
    """What simdjson's stage 1 counts, out of the masks."""
    total = 0
    for piece in pieces:
        masks = kernels.json_blocks(piece)[0]
        named = dict(zip(kernels.JSON_MASKS, masks.T, strict=True))
        opening = named["quote"] & named["string"]
        for mask in (opening, *(named[n] for n in ("open", "close", "comma", "colon", "scalar"))):
            total += int(np.bitwise_count(mask).sum())
    return total


@pytest.mark.parametrize("workload", JSON)
@pytest.mark.parametrize("engine", ["fastcore", *LEVELS, *([SIMDJSON_NAME] * bool(SIMDJSON))])
def test_json_blocks__windows(benchmark: Any, engine: str, workload: str) -> None:
    """Eight masks; simdjson's stage 1 writes an index of structurals instead, and checks UTF-8."""
    source = JSON[workload]()
    pieces = windows(source.data)
    benchmark.extra_info.update(source.info(), bytes=sum(map(len, pieces)))
    out = np.zeros((WINDOW_BYTES // 64, len(kernels.JSON_MASKS)), np.uint64)

    def own() -> int:
        carry = (0, 0, 0)
        for piece in pieces:
            carry = kernels.json_blocks(piece, carry, out)[1]
        return carry[1]

    if engine.startswith("fastcore"):
        with fastcore.cpu.use(engine.removeprefix("fastcore").strip("[]") or None):
            assert benchmark(own) == 0  # the last record ends outside strings
    else:
        assert SIMDJSON is not None
        SIMDJSON.prepare(WINDOW_BYTES)
        assert benchmark(lambda: sum(map(SIMDJSON.stage1, pieces))) == structurals(pieces)


PROSE_SIZES = {"64KiB": 64 * KIB, "16MiB": workloads.quick(16 * MIB, MIB)}
TEXTS = {
    "wiki_edits": workloads.wiki_edits,
    "english": lambda: workloads.prose("en"),
    "russian": lambda: workloads.prose("ru"),
    "chinese": lambda: workloads.prose("zh"),
}
VALID: Peers = {"bytes.decode": lambda data: len(data) if data.decode() else 0}
if SIMDJSON:
    VALID[SIMDJSON_NAME] = lambda data: len(data) if SIMDJSON.is_utf8(data) else 0


@pytest.mark.parametrize("size", PROSE_SIZES)
@pytest.mark.parametrize("workload", TEXTS)
@engines(VALID)
def test_utf8_prefix__valid(benchmark: Any, engine: str, workload: str, size: str) -> None:
    source = TEXTS[workload]()
    data = source.data[: PROSE_SIZES[size]].decode(errors="ignore").encode()  # cut at a code point
    benchmark.extra_info.update(source.info(), bytes=len(data))
    assert measure(benchmark, engine, kernels.utf8_prefix, VALID, data) == len(data)
