"""The JSON room: columns, tuples, whole records, a root, chunks, counting, ijson; beside all peers.

Sources are in memory, but for DuckDB, which reads the same bytes from a file. Rows called
"unchecked" are fastcore with ``validate=False``; the peers check what they check by default.
"""

from __future__ import annotations

import collections
import io
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import peers
import pytest
import workloads

from fastcore import ijson, json

Engine = Callable[[], Any]
CHUNK_BYTES = 64 * 1024

# Of each workload: column -> (path, type), and the column whose sum is known.
FIELDS: dict[str, dict[str, tuple[tuple[str, ...], str]]] = {
    "wiki_edits": {
        "user": (("user",), "string"),
        "added": (("added",), "int64"),
        "isRobot": (("isRobot",), "bool"),
    },
    "server_status": {
        "version": (("version",), "int64"),
        "accepted": (("connections", "accepted"), "int64"),
        "current": (("requests", "current"), "int64"),
    },
}
SUMMED = {"wiki_edits": "added", "server_status": "accepted"}


def workload_of(name: str) -> workloads.Workload:
    made: workloads.Workload = getattr(workloads, name)()
    return made


def paths_of(name: str) -> list[tuple[str, ...]]:
    return [path for path, _ in FIELDS[name].values()]


def run(benchmark: Any, engine: Engine, workload: workloads.Workload, **info: Any) -> Any:
    benchmark.extra_info.update(workload.info(), **info)
    return benchmark.pedantic(engine, rounds=3 if workloads.QUICK else 7, warmup_rounds=1)


def installed(*modules: str) -> list[str]:
    return [name for name in modules if peers.having(name, lambda _: {"": lambda: None})]


# --- columns ------------------------------------------------------------------------------------


def fastcore_sum(name: str, **options: Any) -> Engine:
    """Rows, and the sum of the column that is known."""
    data = workload_of(name).data
    schema = {
        column: json.field(".".join(path), kind) for column, (path, kind) in FIELDS[name].items()
    }

    def columns() -> tuple[int, int]:
        batch = json.read_columns(data, schema, **{"threads": 1, **options})
        return len(batch), int(batch[SUMMED[name]].to_numpy().sum())

    return columns


@cache
def file_of(name: str) -> str:
    folder = tempfile.mkdtemp()
    path = Path(folder, f"{name}.ndjson")
    path.write_bytes(workload_of(name).data)
    return str(path)


def arrow_sum(name: str) -> Engine:
    import pyarrow.compute

    schema = {column: kind for column, (_, kind) in FIELDS[name].items()}
    data = workload_of(name).data

    def columns() -> tuple[int, int]:
        table = peers.pyarrow_columns(data, schema)
        return table.num_rows, pyarrow.compute.sum(table[SUMMED[name]]).as_py()

    return columns


def polars_sum(name: str) -> Engine:
    schema = {column: kind for column, (_, kind) in FIELDS[name].items()}
    data = workload_of(name).data

    def columns() -> tuple[int, int]:
        frame = peers.polars_columns(data, schema)
        return len(frame), frame[SUMMED[name]].sum()

    return columns


def duckdb_sum(name: str) -> Engine:
    import duckdb

    kinds = {"string": "VARCHAR", "int64": "BIGINT", "bool": "BOOLEAN"}
    columns = ", ".join(f"{c}: '{kinds[kind]}'" for c, (_, kind) in FIELDS[name].items())
    query = (
        f"SELECT * FROM read_json('{file_of(name)}', columns={{{columns}}}, "
        "format='newline_delimited')"
    )
    connection = duckdb.connect(config={"threads": 1})

    def run_query() -> tuple[int, int]:
        table = connection.sql(query).to_arrow_table()
        import pyarrow.compute

        return table.num_rows, pyarrow.compute.sum(table[SUMMED[name]]).as_py()

    return run_query


def msgspec_sum(name: str) -> Engine:
    data, at = workload_of(name).data, list(FIELDS[name]).index(SUMMED[name])

    def columns() -> tuple[int, int]:
        rows = list(zip(*peers.msgspec_rows(data, paths_of(name)), strict=True))
        import pyarrow

        arrays = [pyarrow.array(row) for row in rows]
        return len(arrays[0]), arrays[at].sum().as_py()

    return columns


COLUMNS: dict[str, Callable[[str], Engine]] = {
    "fastcore": fastcore_sum,
    "pyarrow": arrow_sum,
    "polars": polars_sum,
    "duckdb": duckdb_sum,
    "msgspec": msgspec_sum,
}
FLAT_ONLY = ("pyarrow", "polars", "duckdb")  # as they are asked here


def columns_answer(name: str) -> tuple[int, int]:
    expect = workload_of(name).expect
    return expect["records"], expect[SUMMED[name]]


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(
    "engine", ["fastcore", *installed(*[e for e in COLUMNS if e != "fastcore"])]
)
def test_columns(benchmark: Any, engine: str, name: str) -> None:
    if name == "server_status" and engine in FLAT_ONLY:
        pytest.skip("asked for columns at the top level only")
    found = run(benchmark, COLUMNS[engine](name), workload_of(name), headline=True)
    assert found == columns_answer(name)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(
    "engine", ["fastcore", *installed(*[e for e in COLUMNS if e != "fastcore"])]
)
def test_columns_unchecked(benchmark: Any, engine: str, name: str) -> None:
    if name == "server_status" and engine in FLAT_ONLY:
        pytest.skip("asked for columns at the top level only")
    unchecked = {**COLUMNS, "fastcore": lambda name: fastcore_sum(name, validate=False)}
    made = unchecked[engine](name)
    assert run(benchmark, made, workload_of(name)) == columns_answer(name)


@pytest.mark.parametrize("engine", ["fastcore", "fastcore, one thread"])
def test_columns_on_two_threads__wiki_edits(benchmark: Any, engine: str) -> None:
    made = fastcore_sum("wiki_edits", threads=2 if engine == "fastcore" else 1)
    assert run(benchmark, made, workload_of("wiki_edits")) == columns_answer("wiki_edits")


# --- records ------------------------------------------------------------------------------------


def rows_engine(engine: str, name: str) -> Engine:
    data, paths = workload_of(name).data, paths_of(name)
    if engine == "fastcore":
        dotted = [".".join(path) for path in paths]
        return lambda: list(json.stream(data, dotted))
    by_peer = {
        "json": peers.json_rows,
        "orjson": peers.orjson_rows,
        "msgspec": peers.msgspec_rows,
        "simdjson": peers.simdjson_rows,
    }
    return lambda: by_peer[engine](data, paths)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(
    "engine", ["fastcore", *installed("json", "orjson", "msgspec", "simdjson")]
)
def test_stream_tuples(benchmark: Any, engine: str, name: str) -> None:
    rows = run(benchmark, rows_engine(engine, name), workload_of(name), headline=True)
    at = list(FIELDS[name]).index(SUMMED[name])
    assert (len(rows), sum(row[at] for row in rows)) == columns_answer(name)


def whole_engine(engine: str, data: bytes) -> Engine:
    if engine == "fastcore":
        return lambda: collections.deque(json.stream(data), maxlen=1)
    import orjson

    return lambda: collections.deque(map(orjson.loads, data.splitlines()), maxlen=1)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("engine", ["fastcore", *installed("orjson")])
def test_stream_whole_records(benchmark: Any, engine: str, name: str) -> None:
    import orjson

    workload = workload_of(name)
    (last,) = run(benchmark, whole_engine(engine, workload.data), workload, headline=True)
    assert last == orjson.loads(workload.data.splitlines()[-1])


def root_engine(engine: str, data: bytes) -> Engine:
    fields = ["user", "added", "isRobot"]
    if engine == "fastcore":
        return lambda: list(json.stream(io.BytesIO(data), fields, root="$.edits[*]"))
    import ijson as theirs

    return lambda: [
        tuple(edit[field] for field in fields)
        for edit in theirs.items(io.BytesIO(data), "edits.item", use_float=True)
    ]


@pytest.mark.parametrize("engine", ["fastcore", *installed("ijson")])
def test_stream_root__one_document(benchmark: Any, engine: str) -> None:
    workload = workloads.one_document()
    rows = run(benchmark, root_engine(engine, workload.data), workload)
    assert (len(rows), sum(row[1] for row in rows)) == (
        workload.expect["records"],
        workload.expect["added"],
    )


def feed_engine(engine: str, data: bytes) -> Engine:
    chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
    paths = paths_of("wiki_edits")

    def fastcore() -> list[Any]:
        decoder = json.Decoder([".".join(path) for path in paths])
        rows: list[Any] = []
        for chunk in chunks:
            rows += decoder.feed(chunk)
        return rows + decoder.close()

    def msgspec() -> list[Any]:
        rows: list[Any] = []
        rest = b""
        for chunk in chunks:
            lines, newline, rest = (rest + chunk).rpartition(b"\n")
            rows += peers.msgspec_rows(lines + newline, paths)
        return rows + peers.msgspec_rows(rest, paths)

    return fastcore if engine == "fastcore" else msgspec


@pytest.mark.parametrize("engine", ["fastcore", *installed("msgspec")])
def test_feed_chunks_of_64KiB__wiki_edits(benchmark: Any, engine: str) -> None:
    workload = workload_of("wiki_edits")
    rows = run(benchmark, feed_engine(engine, workload.data), workload)
    assert (len(rows), sum(row[1] for row in rows)) == columns_answer("wiki_edits")


# --- counting -----------------------------------------------------------------------------------


def count_engine(engine: str, data: bytes) -> Engine:
    if engine == "fastcore":
        return lambda: json.count(data)
    if engine == "simdjson":
        import simdjson

        parser = simdjson.Parser()

        def count() -> int:
            lines = data.splitlines()
            for line in lines:
                parser.parse(line)
            return len(lines)

        return count
    import orjson

    return lambda: sum(1 for _ in map(orjson.loads, data.splitlines()))


@pytest.mark.parametrize("name", [*FIELDS, "windows_events"])
@pytest.mark.parametrize("engine", ["fastcore", *installed("simdjson", "orjson")])
def test_count(benchmark: Any, engine: str, name: str) -> None:
    workload = workload_of(name)
    found = run(benchmark, count_engine(engine, workload.data), workload)
    assert found == workload.expect["records"]


# --- events -------------------------------------------------------------------------------------


def library(engine: str) -> Any:
    if engine == "fastcore":
        return ijson
    import ijson as theirs

    return theirs.get_backend("yajl2_c")


@pytest.mark.parametrize("use_float", [False, True], ids=["Decimal", "float"])
@pytest.mark.parametrize("engine", ["fastcore", *installed("ijson")])
def test_ijson_basic_parse__one_document(benchmark: Any, engine: str, use_float: bool) -> None:
    workload, routine = workloads.one_document(), library(engine).basic_parse
    source = workload.data
    (last,) = run(
        benchmark,
        lambda: collections.deque(routine(io.BytesIO(source), use_float=use_float), maxlen=1),
        workload,
    )
    assert last == ("end_map", None)


@pytest.mark.parametrize("engine", ["fastcore", *installed("ijson")])
def test_ijson_parse__one_document(benchmark: Any, engine: str) -> None:
    workload, routine = workloads.one_document(), library(engine).parse
    source = workload.data
    (last,) = run(
        benchmark,
        lambda: collections.deque(routine(io.BytesIO(source), use_float=True), maxlen=1),
        workload,
    )
    assert last == ("", "end_map", None)


@pytest.mark.parametrize("prefix", ["edits.item", "edits.item.user"])
@pytest.mark.parametrize("engine", ["fastcore", *installed("ijson")])
def test_ijson_items__one_document(benchmark: Any, engine: str, prefix: str) -> None:
    workload, routine = workloads.one_document(), library(engine).items
    source = workload.data
    (last,) = run(
        benchmark,
        lambda: collections.deque(routine(io.BytesIO(source), prefix, use_float=True), maxlen=1),
        workload,
    )
    assert (last["user"] if prefix == "edits.item" else last) == workload.expect["last_user"]
