"""Matchers over columns: every kind of column against a loop over its rows."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from fastcore.text import Matcher

TEXT_ROWS = [
    "",
    "cat",
    "a cat",
    None,
    "concatenate",
    "dog",
    "é cat É",
    "CAT",
    "cat dog cat",
    "日本cat",
] * 7
BYTE_ROWS = [None if row is None else row.encode() for row in TEXT_ROWS]
KINDS = ("leftmost-longest", "leftmost-first", "overlapping")


def check(matcher: Matcher, column: Any, rows: list[Any]) -> None:
    """The three searches of a column against single ones of its rows."""
    counts = [0 if row is None else matcher.count(row) for row in rows]
    assert matcher.contains_each(column).tolist() == [count > 0 for count in counts]
    assert matcher.count_each(column).tolist() == counts
    found = matcher.find_each(column)
    want = [
        (index, *match)
        for index, row in enumerate(rows)
        if row is not None
        for match in matcher.findall(row)
    ]
    assert found.row is not None
    assert [(row, *match) for row, match in zip(found.row.tolist(), found, strict=True)] == want
    assert matcher.contains_each(column).dtype == np.bool_
    assert matcher.count_each(column).dtype == found.row.dtype == np.int64


@pytest.mark.parametrize("match", KINDS)
@pytest.mark.parametrize("options", [{}, {"ignore_case": True}, {"whole_words": True}])
@pytest.mark.parametrize("patterns", [["cat"], ["t"], ["cat", "dog", "catd", "é"]])
def test_lists(isa, match, options, patterns):
    check(Matcher(patterns, match=match, **options), TEXT_ROWS, TEXT_ROWS)
    check(Matcher(patterns, match=match, **options), tuple(TEXT_ROWS), TEXT_ROWS)
    encoded = [pattern.encode() for pattern in patterns]
    check(Matcher(encoded, match=match, **options), BYTE_ROWS, BYTE_ROWS)


def test_matches_do_not_cross_rows(isa):
    """Neither as a match, nor by hiding one that lies within a row."""
    rows = ["ab", "cd", "bc", "abcd", "", "d"]
    for match in KINDS:
        check(Matcher(["bcd", "bc", "abcdb", "c", "d", "abc"], match=match), rows, rows)
        check(Matcher(["bc"], match=match), rows, rows)


@pytest.mark.parametrize("match", KINDS)
def test_random_rows(isa, match):
    chance = random.Random(9)
    rows = ["".join(chance.choices("abcé", k=chance.randint(0, 30))) for _ in range(3000)]
    patterns = ["".join(chance.choices("abcé", k=chance.randint(1, 5))) for _ in range(15)]
    check(Matcher(patterns, match=match), rows, rows)
    check(Matcher(patterns[:1], match=match), rows, rows)


def test_numpy():
    text = [row or "" for row in TEXT_ROWS]
    raw = [row or b"" for row in BYTE_ROWS]
    check(Matcher(["cat"]), np.array(text), text)
    check(Matcher(["cat"]), np.array(TEXT_ROWS, dtype=object), TEXT_ROWS)
    check(Matcher([b"cat"]), np.array(raw), raw)
    check(Matcher([b"cat"]), np.array(BYTE_ROWS, dtype=object), BYTE_ROWS)
    check(Matcher(["cat"]), np.array(text)[::3], text[::3])


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 2")
def test_numpy_strings_of_any_length():
    missing = np.dtypes.StringDType(na_object=None)
    check(Matcher(["cat"]), np.array(TEXT_ROWS, dtype=missing), TEXT_ROWS)
    text = [row or "" for row in TEXT_ROWS]
    check(Matcher(["cat"]), np.array(text, dtype=np.dtypes.StringDType()), text)


def test_arrow():
    pa = pytest.importorskip("pyarrow")
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        array = pa.array(TEXT_ROWS, kind)
        check(Matcher(["cat", "日"]), array, TEXT_ROWS)
        check(Matcher(["CAT", "É"], ignore_case=True), array[5:33], TEXT_ROWS[5:33])
        check(Matcher(["cat"]), array[:0], [])
        chunked = pa.chunked_array([array, array[3:9], array[:0]])
        check(Matcher(["cat"]), chunked, TEXT_ROWS + TEXT_ROWS[3:9])
        check(Matcher(["cat"]), pa.chunked_array([], kind), [])
    for kind in (pa.binary(), pa.large_binary(), pa.binary_view()):
        check(Matcher([b"cat"]), pa.array(BYTE_ROWS, kind), BYTE_ROWS)


def test_polars():
    pl = pytest.importorskip("polars")
    check(Matcher(["cat", "dog"]), pl.Series(TEXT_ROWS), TEXT_ROWS)
    check(Matcher([b"cat", b"dog"]), pl.Series(BYTE_ROWS), BYTE_ROWS)


def test_empty_columns():
    for column in ([], np.array([], dtype="U1"), np.array([], dtype=object)):
        check(Matcher(["a"]), column, [])


def test_wrong_columns():
    matcher = Matcher(["a"])
    with pytest.raises(TypeError, match=r"item 1 is bytes"):
        matcher.contains_each(["a", b"a"])
    with pytest.raises(TypeError, match=r"item 0 is int"):
        matcher.contains_each([1])
    with pytest.raises(TypeError, match="column must be"):
        matcher.contains_each("text")
    with pytest.raises(TypeError, match="int64"):
        matcher.contains_each(np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="dimension"):
        matcher.contains_each(np.array([["a"]]))


def test_wrong_arrow_columns():
    pa = pytest.importorskip("pyarrow")
    with pytest.raises(TypeError, match="format"):
        Matcher(["a"]).contains_each(pa.array([1, 2]))
    with pytest.raises(TypeError, match="patterns are str"):
        Matcher(["a"]).contains_each(pa.array([b"a"]))
    with pytest.raises(TypeError, match="patterns are bytes"):
        Matcher([b"a"]).contains_each(pa.array(["a"]))
    with pytest.raises(TypeError, match="format"):
        Matcher(["a"]).contains_each(pa.table({"a": ["x"]}))
