"""tokens: every event, however the bytes are cut; errors where the decoder finds them."""

from __future__ import annotations

import json as std
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.json_events import events as reference
from reference.json_suite import ACCEPTED, CHUNKS, STREAMS, SUITE, cut

from fastcore import json


def tokens(data: bytes, size: int | None = None, **options):
    return list(json.tokens(cut(data, size), **options))


@pytest.mark.parametrize("size", CHUNKS)
def test_suite(isa, size):
    for name, data in SUITE.items():
        if name in STREAMS:
            values = [
                event for value in STREAMS[name] for event in reference(std.dumps(value).encode())
            ]
            assert tokens(data, size) == values, name
        elif name[0] == "y" or name in ACCEPTED:
            assert tokens(data, size) == reference(data), name
        else:
            with pytest.raises(json.DecodeError):
                tokens(data, size)


def test_all_events():
    data = b'{"id": 1, "x": [1.5, -2e3, true, false, null, {}, []], "s": "a\\u00e9"}'
    assert tokens(data) == [
        ("start_map", None),
        ("map_key", "id"),
        ("number", 1),
        ("map_key", "x"),
        ("start_array", None),
        ("number", 1.5),
        ("number", -2000.0),
        ("boolean", True),
        ("boolean", False),
        ("null", None),
        ("start_map", None),
        ("end_map", None),
        ("start_array", None),
        ("end_array", None),
        ("end_array", None),
        ("map_key", "s"),
        ("string", "aé"),
        ("end_map", None),
    ]


@pytest.mark.parametrize("size", [1, 2, None])
def test_values_in_a_row(size):
    data = b'\xef\xbb\xbf\x1e{"a":1}\n\x1e[2]{}"x""y" 3 4.0\n\n'
    names = [event for event, _ in tokens(data, size)]
    assert names == [
        "start_map", "map_key", "number", "end_map", "start_array", "number", "end_array",
        "start_map", "end_map", "string", "string", "number", "number",
    ]  # fmt: skip
    assert tokens(b"", size) == tokens(b" \n", size) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"18446744073709551616", 2**64),
        (b"999999999999999999", 10**18 - 1),
        (b"1000000000000000000", 10**18),
        (b"-0", 0),
        (b"-0.0", -0.0),
        (b"1e-400", 0.0),
        (b"0.1e1", 1.0),
    ],
)
@pytest.mark.parametrize("size", [1, 7, None])
def test_numbers(text, value, size):
    for data in (text, b"[" + text + b"]"):
        ((found,),) = [[v for name, v in tokens(data, size) if name == "number"]]
        assert found == value
        assert type(found) is type(value)
        assert str(found)[:1] == str(value)[:1]


def test_an_integer_of_many_digits():
    """More than the interpreter's own limit for a text, which guards other doors."""
    ((_, value),) = tokens(b"1" * 5000, 7)
    assert value == (10**5000 - 1) // 9


def test_decimals():
    assert tokens(b"[1, 1.10, 1e400]", numbers="decimal")[1:-1] == [
        ("number", 1),
        ("number", Decimal("1.10")),
        ("number", Decimal("1e400")),
    ]
    with pytest.raises(json.DecodeError, match="out of range for a float") as caught:
        tokens(b'{"a":\n[1, 1e400]}')
    assert (caught.value.pos, caught.value.lineno, caught.value.colno) == (10, 2, 5)


def test_events_keep_their_values():
    """An event that somebody holds is not used again for a later one."""
    events = list(json.tokens(b'["a", "b", 1, 2, 2.5, {"k": "c", "l": "d"}, {"k": "e"}]'))
    assert [value for name, value in events if name in ("string", "number")] == [
        "a", "b", 1, 2, 2.5, "c", "d", "e",
    ]  # fmt: skip
    kept = [event for event in json.tokens(b"[1, 2, 3]") if event[0]]
    assert kept[1:-1] == [("number", 1), ("number", 2), ("number", 3)]


DOCUMENT = (
    b'{"name": "A\\u00e9\\ud83d\\ude00\\n \xd1\x82\xe2\x82\xac", "list": [1, -2.5e+3, 0.1, "x"],\n'
    b' "deep": {"a": {"b": [[], {}]}, "t": true, "f": false, "n": null}, "key \\" q": "0123456789"}'
)


def outcome(make):
    try:
        return make()
    except json.DecodeError as error:
        return error.pos, error.lineno, error.colno, error.record, error.msg


@pytest.mark.parametrize("byte", [bytes([byte]) for byte in b'"\\}],:0ex\n\x00\xff'])
def test_damage_is_found_where_the_decoder_finds_it(byte):
    """At every byte of a document: the same verdict, at the same place, in any chunks."""
    for at in range(len(DOCUMENT)):
        data = DOCUMENT[:at] + byte + DOCUMENT[at + 1 :]
        expected = outcome(lambda: list(json.stream(data)) and None)  # noqa: B023
        for size in (None, 1, 9):
            found = outcome(lambda: tokens(data, size) and None)  # noqa: B023
            assert found == expected, (at, data)


def test_cut_short_everywhere():
    for at in range(1, len(DOCUMENT)):
        expected = outcome(lambda: list(json.stream(DOCUMENT[:at])))  # noqa: B023
        assert outcome(lambda: tokens(DOCUMENT[:at], 5)) == expected  # noqa: B023


def test_tokens_before_an_error_come_first():
    iterator = json.tokens([b'[1, "a"', b", x]"])
    assert [next(iterator) for _ in range(3)] == [
        ("start_array", None),
        ("number", 1),
        ("string", "a"),
    ]
    with pytest.raises(json.DecodeError) as caught:
        next(iterator)
    assert caught.value.pos == 9
    assert list(iterator) == []


def test_limits():
    nested = b"[" * 1024 + b"]" * 1024
    assert len(tokens(nested)) == 2048
    with pytest.raises(json.DecodeError, match="max_depth") as caught:
        tokens(b"[" * 1_000_000)
    assert caught.value.pos == 1024
    assert tokens(b'["abc"]', 1, max_record_bytes=3)[1] == ("string", "abc")
    for data in (b'["abcd"]', b"[12345]", b'{"abcd": 1}'):
        for size in (None, 1):
            with pytest.raises(json.DecodeError, match="max_record_bytes"):
                tokens(data, size, max_record_bytes=3)


def test_a_long_string_in_small_chunks_takes_linear_time():
    text = "é\\n" * 200_000
    value = tokens(b'"' + text.encode() + b'"', 7)[0][1]
    assert value == "é\n" * 200_000
    assert tokens(b"1" * 100_000, 1)[0][0] == "number"


def test_wrong_use():
    with pytest.raises(TypeError, match="str"):
        list(json.tokens(["[1]"]))
    with pytest.raises(ValueError, match="numbers"):
        json.tokens(b"1", numbers="int")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="max_depth"):
        json.tokens(b"1", max_depth="1")  # type: ignore[arg-type]


def test_the_source_is_closed():
    closed = []

    def chunks():
        try:
            yield b"[1, 2"
            yield b", 3]"
        finally:
            closed.append(True)

    iterator = json.tokens(chunks())
    next(iterator)
    iterator.close()
    assert closed == [True]
    assert list(iterator) == []


def test_a_source_that_fails():
    def chunks():
        yield b"[1, "
        raise OSError("gone")

    iterator = json.tokens(chunks())
    assert [next(iterator), next(iterator)] == [("start_array", None), ("number", 1)]
    with pytest.raises(OSError, match="gone"):
        next(iterator)


def test_iterating_inside_its_own_source():
    def chunks():
        yield b"[1, "
        next(iterator)
        yield b"2]"

    iterator = json.tokens(chunks())
    with pytest.raises((RuntimeError, ValueError)):
        list(iterator)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(VALUES, st.integers(1, 20), st.booleans())
def test_any_value(value, size, ascii):
    data = std.dumps(value, ensure_ascii=ascii, indent=2).encode("utf-8", "surrogatepass")
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        with pytest.raises(json.DecodeError):
            tokens(data, size)
    else:
        assert tokens(data, size) == reference(data)


@given(st.binary(max_size=40), st.integers(1, 8))
def test_any_bytes(data, size):
    assert outcome(lambda: tokens(data, size)) == outcome(lambda: tokens(data))
