"""infer: a schema that the data fits, from the first records."""

from __future__ import annotations

import gzip
import json as std
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore import json

SAMPLE = Path(__file__).resolve().parents[2] / "examples/data/wiki-edits.ndjson.gz"


def infer(*records, **options):
    return json.infer("\n".join(map(std.dumps, records)).encode(), **options)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, -(2**63)], "int64"),
        ([2**63 - 1], "int64"),
        ([0, 2**63], "uint64"),
        ([-1, 2**63], "json"),
        ([2**64], "json"),
        ([1.5, None], "float64"),
        ([1, 2.5], "float64"),
        ([2**60, 2.5], "json"),
        ([True, False], "bool"),
        ([True, 1], "json"),
        (["a", None, ""], "string"),
        (["2024-02-29", "1815-12-10"], "date"),
        (["2024-02-30"], "string"),
        (["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.123456+02:00"], "timestamp[us]"),
        (["2024-02-29T25:00:00Z"], "string"),
        (["2024-02-29T12:00 or so"], "string"),
        (["2024-02-29", "2024-02-29T12:00:00Z"], "string"),
        (["2024-02-29", "soon", "2024-02-29"], "string"),
        ([[1]], "json"),
        ([{}, None], "json"),
        ([1, "a"], "json"),
        ([{"b": 1}, 2], "json"),
        ([None], "json"),
    ],
)
def test_types(values, kind):
    for order in (values, values[::-1]):
        records = [{"a": value} for value in order]
        assert infer(*records) == {"a": kind}
        data = "\n".join(map(std.dumps, records)).encode()
        assert len(json.read_columns(data, json.infer(data))) == len(records)


def test_paths():
    record = {
        "id": 1,
        "a": {"b": {"c": "x"}, "d-e": 2},
        "x.y": {"$": 3},
        "": 4,
        "it's": {'"\\\n': 5},
        "/": 6,
    }
    schema = infer(record)
    assert list(schema)[:3] == ["id", "a.b.c", "a.d-e"]
    batch = json.read_columns(std.dumps(record).encode(), schema)
    assert [batch[name].to_pylist()[0] for name in batch.names] == [1, "x", 2, 3, 4, 5, 6]


def test_records_that_are_not_objects():
    assert infer(1, 2) == {"$": "int64"}
    assert infer({"a": 1}, [2]) == {"$": "json"}
    assert infer([1], [2]) == {"$": "json"}
    assert json.infer(b"") == json.infer(b"null") == {}
    assert json.read_columns(b"1 2", json.infer(b"1 2"))["$"].to_pylist() == [1, 2]


def test_objects_whose_names_are_data():
    records = [{"by_id": {f"id{i}": 1 for i in range(k * 300, k * 300 + 300)}} for k in range(5)]
    assert infer(*records) == {"by_id": "json"}


def test_root_and_rows():
    data = b'{"rows": [{"a": 1}, {"a": "x"}], "b": 2}'
    assert json.infer(data, root="$.rows[*]") == {"a": "json"}
    assert json.infer(data, root="$.rows[*]", rows=1) == {"a": "int64"}
    assert json.infer(b'{"a": 1}\n{"a": x}', rows=1) == {"a": "int64"}
    with pytest.raises(json.DecodeError):
        json.infer(b'{"a": 1}\n{"a": x}')
    with pytest.raises(ValueError, match="rows"):
        json.infer(data, rows=0)
    with pytest.raises(TypeError, match="rows"):
        json.infer(data, rows="all")


def test_a_copy_is_a_schema_too():
    data = b'{"date": "2024-02-29", "n": 1}'
    schema = {**json.infer(data), "also": json.field("n", "float64")}
    assert std.loads(std.dumps(json.infer(data))) == {"date": "date", "n": "int64"}
    assert json.read_columns(data, schema).schema == {
        "date": "date",
        "n": "int64",
        "also": "float64",
    }


def test_real_data():
    data = gzip.decompress(SAMPLE.read_bytes())
    schema = json.infer(data)
    assert schema["time"] == "timestamp[us]"
    assert schema["added"] == "int64"
    assert schema["isRobot"] == "bool"
    batch = json.read_columns(data, schema, on_mismatch="null")
    assert len(batch) == data.count(b"\n")
    assert batch["page"].null_count == 0


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.lists(st.dictionaries(st.text(max_size=3), VALUES, min_size=1), min_size=1, max_size=5))
def test_any_data_fits_its_schema(records):
    data = "\n".join(map(std.dumps, records)).encode()
    try:
        schema = json.infer(data)
    except json.DecodeError:  # Infinity, and lone surrogates
        return
    batch = json.read_columns(data, schema)
    assert len(batch) == len(records)
