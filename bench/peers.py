"""Other libraries, behind one shape each: what fastcore is compared with.

A peer that is not installed is left out of the run, and the report then says nothing about it:

    ENGINES = {
        "fastcore": lambda: list(json.stream(DATA, "user")),
        **peers.having("msgspec", lambda _: {"msgspec": lambda: peers.msgspec_rows(DATA, PATHS)}),
    }

One-liners stand in the benchmark itself; here is what takes more than a line to ask fairly, that
is, with the fastest interface of its library for the job.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

Engine = Callable[[], Any]
Row = tuple[Any, ...]

# Distributions whose versions belong to a result.
DISTRIBUTIONS = (
    "numpy",
    "orjson",
    "msgspec",
    "pysimdjson",
    "ijson",
    "duckdb",
    "polars",
    "pyarrow",
    "stringzilla",
    "ahocorasick_rs",
    "pyahocorasick",
    "hyperscan",
    "google-re2",
    "google-crc32c",
    "lmdb",
    "rocksdict",
    "diskcache",
    "persist-queue",
)


def having(module: str, make: Callable[[Any], dict[str, Engine]]) -> dict[str, Engine]:
    """What `make` gives for the imported `module`; nothing where it is not installed."""
    try:
        found = importlib.import_module(module)
    except ImportError:
        return {}
    return make(found)


def versions() -> dict[str, str]:
    """Distribution -> version, of those installed here."""
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


# --- bytes -----------------------------------------------------------------------------------


def libc_memchr() -> Callable[[bytes, int], int]:
    """memchr of the C library: the offset of a byte, or -1."""
    memchr = ctypes.CDLL(None).memchr
    memchr.restype = ctypes.c_void_p
    memchr.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t]

    def find(data: bytes, byte: int) -> int:
        start = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value
        found = memchr(data, byte, len(data))
        return -1 if found is None else found - start

    return find


# --- JSON: a few fields of each line, as tuples ----------------------------------------------

Path_ = Sequence[str]


def _dig(value: Any, path: Path_) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def json_rows(data: bytes, paths: Sequence[Path_]) -> list[Row]:
    """`json.loads` a line."""
    records = map(json.loads, data.splitlines())
    return [tuple(_dig(record, path) for path in paths) for record in records]


def orjson_rows(data: bytes, paths: Sequence[Path_]) -> list[Row]:
    """`orjson.loads` a line."""
    import orjson

    records = map(orjson.loads, data.splitlines())
    return [tuple(_dig(record, path) for path in paths) for record in records]


def _struct(msgspec: Any, paths: Sequence[Path_]) -> Any:
    """A msgspec type that has the fields of `paths` and no other, so that the rest is skipped."""
    tree: dict[str, list[Path_]] = {}
    for path in paths:
        tree.setdefault(path[0], []).append(path[1:])
    fields: list[tuple[str, Any, Any]] = []
    for name, below in tree.items():
        kind = Any if any(not rest for rest in below) else _struct(msgspec, below)
        fields.append((name, kind | None if kind is not Any else Any, None))
    return msgspec.defstruct("Fields", fields, gc=False)


def msgspec_rows(data: bytes, paths: Sequence[Path_]) -> list[Row]:
    """msgspec's `decode_lines` into a struct of just these fields: its fastest way."""
    import operator

    import msgspec

    decoder = msgspec.json.Decoder(_struct(msgspec, paths))
    if len(paths) == 1:
        one = operator.attrgetter(".".join(paths[0]))
        return [(one(record),) for record in decoder.decode_lines(data)]
    fields = operator.attrgetter(*(".".join(path) for path in paths))
    return list(map(fields, decoder.decode_lines(data)))


def simdjson_rows(data: bytes, paths: Sequence[Path_]) -> list[Row]:
    """pysimdjson: a reused parser, `at_pointer` for each field."""
    import simdjson

    parser = simdjson.Parser()
    pointers = ["/" + "/".join(path) for path in paths]
    rows = []
    for line in data.splitlines():
        document: Any = parser.parse(line)
        rows.append(tuple(document.at_pointer(pointer) for pointer in pointers))
        del document
    return rows


def ijson_items(data: bytes, prefix: str) -> int:
    """ijson's C backend over one document: how many items under `prefix`."""
    import ijson

    return sum(1 for _ in ijson.items(io.BytesIO(data), prefix, use_float=True))


# --- JSON: columns ---------------------------------------------------------------------------


def pyarrow_columns(data: bytes, schema: dict[str, str]) -> Any:
    """pyarrow's line reader with an explicit schema, other fields ignored, one thread."""
    import pyarrow
    import pyarrow.json

    fields = [(name, pyarrow.type_for_alias(kind)) for name, kind in schema.items()]
    options = pyarrow.json.ParseOptions(
        explicit_schema=pyarrow.schema(fields), unexpected_field_behavior="ignore"
    )
    reading = pyarrow.json.ReadOptions(use_threads=False, block_size=4 << 20)
    return pyarrow.json.read_json(io.BytesIO(data), reading, options)


def polars_columns(data: bytes, schema: dict[str, str]) -> Any:
    """polars' line reader with an explicit schema (threads as polars likes)."""
    import polars

    kinds = {"int64": polars.Int64, "float64": polars.Float64, "string": polars.String}
    kinds["bool"] = polars.Boolean
    return polars.read_ndjson(data, schema={name: kinds[kind] for name, kind in schema.items()})


# --- text ------------------------------------------------------------------------------------


def ahocorasick_rs(patterns: Sequence[bytes], kind: str = "LeftmostLongest") -> Any:
    """The Rust aho-corasick crate, by its Python binding; `kind` as the crate names it."""
    import ahocorasick_rs

    return ahocorasick_rs.BytesAhoCorasick(patterns, getattr(ahocorasick_rs.MatchKind, kind))


def pyahocorasick(patterns: Sequence[bytes]) -> Any:
    """pyahocorasick's automaton, over Latin-1 text as its wheels take `str` only."""
    import ahocorasick

    automaton = ahocorasick.Automaton()
    for index, pattern in enumerate(patterns):
        automaton.add_word(pattern.decode("latin-1"), index)
    automaton.make_automaton()
    return automaton


# --- durable logs ----------------------------------------------------------------------------


class PlainFile:
    """What anybody would write first: write(), then fdatasync() for a commit. No checksum."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "plain.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def append(self, payloads: Iterable[bytes]) -> None:
        os.write(self._file, b"".join(payloads))

    def commit(self) -> None:
        os.fdatasync(self._file)

    def close(self) -> None:
        os.close(self._file)


class Sqlite:
    """SQLite's own write-ahead log with ``synchronous=FULL``: a commit is durable."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "log.sqlite", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, payload BLOB)")
        self._db.execute("BEGIN")

    def append(self, payloads: Iterable[bytes]) -> None:
        self._db.executemany("INSERT INTO log (payload) VALUES (?)", ((p,) for p in payloads))

    def commit(self) -> None:
        self._db.execute("COMMIT")
        self._db.execute("BEGIN")

    def close(self) -> None:
        self._db.close()


class Lmdb:
    """LMDB with 8-byte big-endian keys, appended in order; a commit is durable."""

    def __init__(self, folder: Path) -> None:
        import lmdb

        self._env = lmdb.open(str(folder / "lmdb"), map_size=4 << 30)
        self._transaction = self._env.begin(write=True)
        self._next = 0

    def append(self, payloads: Iterable[bytes]) -> None:
        for payload in payloads:
            self._transaction.put(self._next.to_bytes(8, "big"), payload, append=True)
            self._next += 1

    def commit(self) -> None:
        self._transaction.commit()
        self._transaction = self._env.begin(write=True)

    def close(self) -> None:
        self._transaction.abort()
        self._env.close()
