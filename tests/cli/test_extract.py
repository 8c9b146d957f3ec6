"""Payloads: spaces go, everything else of a value's text stays."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore.cli.arguments import UsageError
from fastcore.cli.extract import Extractor, _compact
from fastcore.cli.recipe import Recipe, parse_selection, read_patterns

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='ab "\\\n\té{}[],:', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_compact_is_what_json_writes_without_spaces(value, indent, ascii_only):
    spaced = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=ascii_only)
    assert _compact(spaced.encode()) == compact.encode()


def test_compact_of_hostile_text_is_linear():
    """A quadratic way through these would take days."""
    text = (
        b'[ "'
        + b"\\\\" * 2_000_000
        + b'", "'
        + b'\\"' * 300_000
        + b'"'
        + b' , "" ' * 300_000
        + b"]"
    )
    assert json.loads(text) == json.loads(_compact(text))
    assert _compact(text) == text.replace(b" ", b"")


@given(st.lists(st.fixed_dictionaries({}, optional={"a": VALUES, "b": VALUES}), max_size=20))
def test_payloads_are_the_selected_values(records):
    extractor = Extractor(Recipe((("x", "a"), ("b", "b"))))
    decoder = extractor.decoder()
    decoder.feed("\n".join(json.dumps(record) for record in records).encode() + b"\n")
    payloads, timestamps = extractor.extract(decoder.take())
    assert timestamps is None
    assert payloads == [
        json.dumps({"x": r.get("a"), "b": r.get("b")}, separators=(",", ":")).encode()
        for r in records
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_that_no_log_can_hold_are_now(unit):
    extractor = Extractor(Recipe(timestamp="t", timestamp_unit=unit))
    scale = {"s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}[unit]
    most = (2**63 - 1) // scale
    values = [0, 1, -1, most, -most, most + 1, -most - 2, 2**63, None, "x"]
    decoder = extractor.decoder()
    decoder.feed("\n".join(json.dumps({"t": value}) for value in values).encode() + b"\n")
    before = time.time_ns()
    stamps = extractor.extract(decoder.take())[1].tolist()
    assert stamps[:5] == [0, scale, -scale, most * scale, -most * scale]
    assert all(before <= stamp <= time.time_ns() for stamp in stamps[5:])


def test_recipes_differ_in_their_digest():
    recipes = [
        Recipe(),
        Recipe((("a", "a"),)),
        Recipe((("a", "b"),)),
        Recipe(patterns=("a",)),
        Recipe(patterns=("a",), ignore_case=True),
        Recipe(patterns=("a",), match_field="a"),
        Recipe(timestamp="a"),
        Recipe(timestamp="a", timestamp_unit="s"),
        Recipe(on_error="skip"),
    ]
    assert len({recipe.digest() for recipe in recipes}) == len(recipes)
    assert Recipe(patterns=("é",)).digest() == Recipe(patterns=("é",)).digest()


@pytest.mark.parametrize("text", ["=path", "name=", "="])
def test_selection_without_name_or_path(text):
    with pytest.raises(UsageError, match="NAME=PATH"):
        parse_selection(text)


def test_pattern_file_must_be_utf8():
    with pytest.raises(UsageError, match=r"words\.txt: patterns must be UTF-8"):
        read_patterns(b"a\n\xff\n", "words.txt")
