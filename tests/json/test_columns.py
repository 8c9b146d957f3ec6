"""Columns: each type's values, mismatches, Arrow and NumPy, chunk by chunk."""

from __future__ import annotations

import datetime
import gc
import gzip

import numpy as np
import pytest

from fastcore import json

# type -> [(text, value)], [texts that are mismatches]
CASES = {
    "bool": ([("true", True), ("false", False)], ["1", '"true"', "[]"]),
    "int64": (
        [("0", 0), ("-9223372036854775808", -(2**63)), ("9223372036854775807", 2**63 - 1)],
        ["9223372036854775808", "-9223372036854775809", "1.0", "1e2", '"1"', "{}"],
    ),
    "uint64": (
        [("0", 0), ("18446744073709551615", 2**64 - 1), ("9223372036854775808", 2**63)],
        ["-1", "18446744073709551616", "true"],
    ),
    "int32": (
        [("-2147483648", -(2**31)), ("2147483647", 2**31 - 1)],
        ["2147483648", "-2147483649"],
    ),
    "float64": (
        [("1", 1.0), ("-0.1", -0.1), ("1e308", 1e308), ("5e-324", 5e-324)],
        ["1e400", '"1"'],
    ),
    "float32": ([("0.1", float(np.float32("0.1"))), ("16777217", 16777216.0)], ["1e39"]),
    "string": (
        [('""', ""), ('"a\\u00e9\\n"', "aé\n"), ('"€😀"', "€😀")],
        ["1", "null1"[:0] or "[]"],
    ),
    "binary": ([('"\\u00e9"', "é".encode())], ["1"]),
    "timestamp[s]": (
        [("1", np.datetime64(1, "s")), ('"1970-01-01T00:00:01Z"', np.datetime64(1, "s"))],
        ['"1970-01-01"', '"1970-13-01T00:00:00Z"', "1.5", "true", '"1970-01-01T00:00:00"'],
    ),
    "timestamp[ms]": (
        [
            ('"2015-09-12T00:46:58.771Z"', np.datetime64("2015-09-12T00:46:58.771", "ms")),
            ('"1969-12-31T23:59:59.999+00:00"', np.datetime64(-1, "ms")),
        ],
        ['"x"'],
    ),
    "timestamp[us]": (
        [
            (
                '"2000-02-29t12:00:00.1234567-01:30"',
                np.datetime64("2000-02-29T13:30:00.123456", "us"),
            )
        ],
        ['"2001-02-29T00:00:00Z"'],
    ),
    "timestamp[ns]": (
        [('"2262-04-11T23:47:16.854775807Z"', np.datetime64(2**63 - 1, "ns"))],
        ['"2262-04-11T23:47:16.854775808Z"', '"9999-01-01T00:00:00Z"'],
    ),
    "date": ([('"2020-02-29"', np.datetime64("2020-02-29"))], ['"2021-02-29"', "1", '"2020-2-9"']),
    "json": ([('{"a": [1]}', '{"a": [1]}'), ('"x"', '"x"'), ("1e5", "1e5")], []),
}


def test_every_type_has_cases():
    from fastcore._native.json import COLUMN_TYPES

    assert set(CASES) == set(COLUMN_TYPES)


@pytest.mark.parametrize("type", CASES)
def test_values(isa, type):
    good, bad = CASES[type]
    texts = [text for text, _ in good] + ["null"] + bad
    data = "".join(f'{{"x": {text}}}\n' for text in texts).encode() + b"{}\n"
    schema = {"x": json.field("x", type)}
    batch = json.read_columns(data, schema, on_mismatch="null")
    values = batch["x"].to_pylist()
    assert values[: len(good)] == [value for _, value in good]
    assert values[len(good) :] == [None] * (len(bad) + 2)
    assert batch["x"].null_count == len(bad) + 2
    assert batch["x"].is_null().tolist() == [False] * len(good) + [True] * (len(bad) + 2)
    for text in bad:
        with pytest.raises(json.DecodeError):
            json.read_columns(f'{{"x": {text}}}'.encode(), schema)
        assert len(json.read_columns(f'{{"x": {text}}}'.encode(), schema, on_error="skip")) == 0
    streamed = list(json.stream(data, json.field("x", type), on_mismatch="null"))
    assert streamed[: len(good)] == [value for _, value in good]


def test_a_mismatch_takes_the_whole_row_back():
    data = b'{"a":"x","b":true,"c":1}\n{"a":"y","b":true,"c":"no"}\n{"a":"z","b":false,"c":3}\n'
    schema = {
        "a": json.field("a", "string"),
        "b": json.field("b", "bool"),
        "c": json.field("c", "int64"),
    }
    batch = json.read_columns(data, schema, on_error="skip")
    assert batch["a"].to_pylist() == ["x", "z"]
    assert batch["b"].to_pylist() == [True, False]
    assert batch["c"].to_numpy().tolist() == [1, 3]
    with pytest.raises(json.DecodeError) as caught:
        json.read_columns(data, schema)
    assert caught.value.pos == data.index(b'"no"') + 1
    assert caught.value.record == 1


@pytest.mark.parametrize("size", [1, 64, 65, 1000, None])
@pytest.mark.parametrize("rows", [1, 7, 8, 9, 1000, 5000])
def test_batches(isa, size, rows):
    data = b"".join(b'{"i":%d,"s":"%s"}\n' % (i, b"x" * (i % 80)) for i in range(3000))
    chunks = [data[at : at + (size or len(data))] for at in range(0, len(data), size or len(data))]
    schema = {"i": json.field("i", "int64"), "s": json.field("s", "string")}
    batches = list(json.columns(chunks, schema, batch_rows=rows))
    assert [len(batch) for batch in batches[:-1]] == [rows] * (len(batches) - 1)
    assert np.concatenate([b["i"].to_numpy() for b in batches]).tolist() == list(range(3000))
    strings = [s for b in batches for s in b["s"].to_pylist()]
    assert strings == ["x" * (i % 80) for i in range(3000)]


def test_rows_before_an_error_come_first():
    batches = json.columns(b'{"i":1}\n{"i":2}\n{', {"i": json.field("i", "int64")})
    assert next(batches)["i"].to_pylist() == [1, 2]
    with pytest.raises(json.DecodeError):
        next(batches)


def test_push():
    decoder = json.ColumnDecoder({"i": json.field("i", "int64", default=7)})
    assert decoder.feed(b'{"i":1}{"i"') == 1
    assert decoder.feed(b":2}{}") == 3
    first = decoder.take()
    assert first["i"].to_pylist() == [1, 2, 7]
    assert len(decoder.close()) == 0
    assert decoder.stats.records == 3


def test_views_keep_their_buffers():
    data = b"".join(b'{"i":%d,"s":"abc"}\n' % i for i in range(100))
    batch = json.read_columns(data, {"i": json.field("i", "int64"), "s": json.field("s", "string")})
    numbers, offsets, letters = batch["i"].to_numpy(), batch["s"].offsets, batch["s"].data
    del batch
    gc.collect()
    assert numbers.tolist() == list(range(100))
    assert offsets.tolist() == list(range(0, 303, 3))
    assert bytes(letters) == b"abc" * 100
    assert not numbers.flags.writeable


def test_arrow():
    pyarrow = pytest.importorskip("pyarrow")
    data = (
        b'{"b":true,"i":1,"s":"x","t":"2020-01-02T03:04:05Z","d":"2020-01-02"}\n'
        b'{"b":null,"i":2}\n{}\n'
    )
    schema = {
        "b": json.field("b", "bool"),
        "i": json.field("i", "int64"),
        "s": json.field("s", "string"),
        "t": json.field("t", "timestamp[us]"),
        "d": json.field("d", "date"),
        "j": "s",
    }
    batch = json.read_columns(data, schema)
    table = pyarrow.record_batch(batch)
    table.validate(full=True)
    assert table.to_pylist()[0] == {
        "b": True,
        "i": 1,
        "s": "x",
        "t": datetime.datetime(2020, 1, 2, 3, 4, 5),
        "d": datetime.date(2020, 1, 2),
        "j": '"x"',
    }
    assert table.column("i").to_pylist() == [1, 2, None]
    assert pyarrow.table(batch).num_rows == 3
    assert pyarrow.array(batch["s"]).to_pylist() == ["x", None, None]
    assert pyarrow.schema(batch).names == list(schema)
    empty = json.read_columns(b"", schema)
    pyarrow.record_batch(empty).validate(full=True)
    assert len(empty) == 0
    assert empty["s"].to_pylist() == []
    assert empty.to_dict()["i"].shape == (0,)


def test_polars():
    polars = pytest.importorskip("polars")
    batch = json.read_columns(
        b'{"i":1,"s":"a"}\n{"i":2}\n',
        {"i": json.field("i", "int64"), "s": json.field("s", "string")},
    )
    frame = polars.DataFrame(batch)
    assert frame.to_dicts() == [{"i": 1, "s": "a"}, {"i": 2, "s": None}]


def test_packed_file(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(b'{"i":1}\n{"i":2}\n'))
    assert json.read_columns(path, {"i": json.field("i", "int64")})["i"].to_pylist() == [1, 2]


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({}, ValueError),
        ("a", TypeError),
        ({"a": 1}, TypeError),
        ({"a": json.field("a", "int64", many=True)}, ValueError),
    ],
)
def test_wrong_schema(schema, kind):
    with pytest.raises(kind):
        json.read_columns(b"", schema)
    with pytest.raises(ValueError, match="int63"):
        json.field("a", "int63")
