"""Paths: RFC 9535's own cases, a plain reference, and what is refused."""

from __future__ import annotations

import json as std
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.path_cases import DOCUMENTS, NAMES, SEGMENTS, text_of
from reference.plain_paths import point, select

from fastcore import json

CORPUS = Path(__file__).resolve().parents[1] / "corpus/json"


def _cases():
    with tarfile.open(CORPUS / "jsonpath_compliance.tar.gz") as archive:
        return [
            case
            for member in archive
            if member.isfile()
            for case in std.load(archive.extractfile(member))["tests"]
        ]


CASES = _cases()


def many(data, path, **options):
    return next(json.stream(data, json.field(path, many=True), **options))


def once(values):
    """Each value once, in any order: what is the same in RFC 9535 and in one forward pass."""
    return sorted({std.dumps(value) for value in values})


def test_compliance(isa):
    answered = 0
    refused = {}
    for case in CASES:
        path = case["selector"]
        if case.get("invalid_selector"):
            with pytest.raises(json.PathError):
                json.field(path)
            continue
        try:
            parsed = json.field(path, many=True)
        except json.PathError as error:
            refused[path] = str(error)
            continue
        answered += 1
        data = std.dumps(case["document"]).encode()
        for size in (1, 64, len(data)):
            chunks = [data[at : at + size] for at in range(0, len(data), size)]
            (found,) = json.stream(chunks, parsed)
            wanted = case.get("results", [case.get("result")])
            assert once(found) in [once(values) for values in wanted], path
    assert (answered, len(CASES)) == (96, 269)
    assert all("negative" in why and "-" in path for path, why in refused.items())


def test_document_order_and_once():
    data = b'{"b": 1, "a": {"a": [2, 3]}, "c": 4}'
    assert many(data, "$['a','b','a']") == [1, {"a": [2, 3]}]
    assert many(data, "$..a") == [{"a": [2, 3]}, [2, 3]]
    assert many(data, "$..a..a") == [[2, 3]]
    assert many(data, "$.a.a[1,0,0:2]") == [2, 3]
    assert many(data, "$..*") == [1, {"a": [2, 3]}, [2, 3], 2, 3, 4]
    assert many(data, "$") == [{"b": 1, "a": {"a": [2, 3]}, "c": 4}]
    assert many(b"[1, 2]", "$.a") == []


def test_first_match_and_overlapping_fields():
    data = b'{"x": [{"n": 1}, {"n": 2, "m": [5, {"n": 6}]}], "n": 7}'
    paths = ["$.x[*].n", "$..n", "$.x[1]", "$.x[1:].m[1].n", "$.x[5]", "$.n", "/x/1/m/0", "x"]
    assert list(json.stream(data, paths)) == [
        (
            1,
            1,
            {"n": 2, "m": [5, {"n": 6}]},
            6,
            None,
            7,
            5,
            [{"n": 1}, {"n": 2, "m": [5, {"n": 6}]}],
        )
    ]
    schema = {
        "first": json.field("$.x[*].n", "int64"),
        "deep": json.field("$..m[1].n", "int64"),
        "text": "$.x[1].m",
    }
    batch = json.read_columns(data * 3, schema)
    assert batch["first"].to_pylist() == [1] * 3
    assert batch["deep"].to_pylist() == [6] * 3
    assert batch["text"].to_pylist() == ['[5, {"n": 6}]'] * 3
    decoder = json.Decoder(json.field("$.x[*].n", many=True))
    found = [value for i in range(len(data)) for value in decoder.feed(data[i : i + 1])]
    assert found == [[1, 2]]


def test_pointers_mean_elements_and_members():
    assert list(json.stream(b'{"a": [[], {"0": 1}]} {"a": {"1": {"0": 2}}}', "/a/1/0")) == [1, 2]
    assert list(json.stream(b'{"a~/": {"": 3}}', "/a~0~1/")) == [3]
    assert list(json.stream(b'{"a": [1, 2]}', ["/a/01", "/a/-", "/a/2", "$.a['1']"])) == [
        (None, None, None, None)
    ]
    # the pointer's token is both, the names beside it are not
    paths = ["/a/0/x", "$.a['0'].y", "$.a[0].z"]
    assert list(json.stream(b'{"a": [{"x":1,"y":2,"z":3}]}', paths)) == [(1, None, 3)]
    assert list(json.stream(b'{"a": {"0": {"x":1,"y":2,"z":3}}}', paths)) == [(1, 2, None)]


def test_duplicate_keys_escaped_keys_and_types():
    assert many(b'{"a": 1, "\\u0061": 2}', "$.a") == [1, 2]
    assert list(json.stream(b'{"a": [1], "a": [2]}', "$.a[*]")) == [1]
    assert list(json.stream(b'{"\\u0061": [1, 2]}', "$.*[1]")) == [2]
    typed = json.field("$.a[*]", "int64", many=True)
    assert list(json.stream(b'{"a": [1, null, 3]}', typed)) == [[1, None, 3]]
    with pytest.raises(json.DecodeError, match="expected a number"):
        list(json.stream(b'{"a": [1, "x"]}', typed))
    assert list(json.stream(b'{"a": [1, "x"]}', typed, on_mismatch="null")) == [[1, None]]
    needed = json.field("$.a[*]", required=True, many=True)
    with pytest.raises(json.DecodeError, match="required"):
        list(json.stream(b'{"a": []}', needed))


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("$[-1]", "length of an array"),
        ("$[:-1]", "length of an array"),
        ("$[::-1]", "length of an array"),
        ("$[?@.a]", "filters"),
        ("$..[?(@.a)]", "filters"),
        ("$." + ".".join("a" * 1000), "too many steps"),
    ],
)
def test_refused_with_the_reason(path, why):
    with pytest.raises(json.PathError, match=why):
        json.Decoder(path)


def test_depth_is_bounded_where_nothing_is_checked():
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(json.DecodeError, match="max_depth"):
        many(deep, "$..a", validate=False)
    # many sets at once cost no more than the program is long
    wide = "$" + "..*" * 60
    assert many(b"[" * 200 + b"]" * 200, wide) != []


@pytest.mark.parametrize("text", [b'{"a" 1}', b'{"a": [1 2]}', b"[1, 2}", b'{"a": }', b"{1: 2}"])
def test_unchecked_text_is_an_error_or_a_value(text):
    for path in ("$..a", "$.*", "$[*][*]", "/a/0"):
        try:
            list(json.stream(text, json.field(path, many=True), validate=False))
        except json.DecodeError:
            continue


@given(
    DOCUMENTS,
    st.lists(st.lists(SEGMENTS, max_size=3), min_size=1, max_size=3),
    st.integers(1, 80),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_reference(document, paths, size, validate, ascii_only, indent):
    data = std.dumps(document, ensure_ascii=ascii_only, indent=indent).encode() + b"\n"
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    fields = [json.field(text_of(path), many=True) for path in paths]
    fields += [json.field(text_of(path)) for path in paths]
    (found,) = json.stream(chunks, fields, validate=validate)
    wanted = [select(path, document) for path in paths]
    assert list(found) == wanted + [(values or [None])[0] for values in wanted]


@given(DOCUMENTS, st.lists(NAMES, min_size=1, max_size=4))
def test_pointer_reference(document, names):
    pointer = "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
    data = std.dumps(document).encode()
    assert list(json.stream(data + b" ", pointer)) == [point(pointer, document)]
