"""Decoder and stream: every record, however the bytes are cut, on every instruction set."""

from __future__ import annotations

import gc
import io
import json as std
import threading
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.json_suite import ACCEPTED, CHUNKS, STREAMS, SUITE, cut

from fastcore import json


def decode(data: bytes, size: int | None, **options):
    return list(json.stream(cut(data, size), **options))


@pytest.mark.parametrize("size", CHUNKS)
def test_suite(isa, size):
    for name, data in SUITE.items():
        if name in STREAMS:
            assert decode(data, size) == STREAMS[name], name
        elif name[0] == "y" or name in ACCEPTED:
            expected = std.loads(data) if name in ACCEPTED else orjson.loads(data)
            assert decode(data, size) == [expected], name
        else:
            with pytest.raises(json.DecodeError):
                decode(data, size)


def test_suite_is_whole():
    assert len(SUITE) == 318
    assert set(STREAMS) | ACCEPTED < set(SUITE)


@pytest.mark.parametrize("size", CHUNKS)
def test_suite_to_columns(isa, size):
    schema = {"whole": "$"}
    for name, data in SUITE.items():
        accepted = name[0] == "y" or name in ACCEPTED | set(STREAMS)
        if not accepted and name[0] == "i" and "number" in name:
            accepted = (
                True  # out of range for a float, which the text of a number does not care for
            )
        if accepted:
            batch = json.read_columns(cut(data, size), schema)
            assert len(batch) == len(STREAMS.get(name, [0])), name
        else:
            with pytest.raises(json.DecodeError):
                json.read_columns(cut(data, size), schema)


# A surrogate by itself is text to Python, and to no encoding of Unicode.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=30,
)


@given(
    st.lists(JSON_VALUES, max_size=6),
    st.sampled_from(["\n", " ", "\x1e", "\r\n", "\n\x1e"]),
    st.integers(1, 130),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_round_trip(values, between, size, ascii_only, indent):
    texts = [std.dumps(v, ensure_ascii=ascii_only, indent=indent) + " " for v in values]
    assert decode((between.join(texts)).encode(), size) == values


def test_separators_at_every_place_of_a_block():
    for pad in range(130):
        for size in (1, 3, 64, None):
            for between in ("\x1e", "\x1e\x1e"):
                data = (" " * pad + between + "null\n" + between + "1 " + between).encode()
                assert decode(data, size) == [None, 1], (pad, size)
                for bad, offset in (("nul", 3), ("1.", 2), ("x", 0), (",", 0)):
                    data = (" " * pad + between + bad).encode() + b" "
                    with pytest.raises(json.DecodeError) as caught:
                        decode(data, size)
                    assert caught.value.pos == pad + len(between) + offset, (pad, size, bad)


@given(st.binary(max_size=200), st.integers(1, 70))
def test_any_bytes_are_values_or_an_error(data, size):
    try:
        values = decode(data, size)
    except json.DecodeError as error:
        values = error.pos
    try:
        at_once = decode(data, None)
    except json.DecodeError as error:
        at_once = error.pos
    assert values == at_once


def test_feed_gives_what_is_complete():
    decoder = json.Decoder()
    assert decoder.feed(b'{"a": 1}') == [{"a": 1}]
    assert decoder.feed(b"12") == []
    assert decoder.feed(b"3 ") == [123]
    assert decoder.feed(b"") == []
    assert decoder.feed(b'"x') == []
    assert decoder.feed(b'y"') == ["xy"]
    assert decoder.feed(b"tru") == []
    assert decoder.feed(b"e") == []
    assert decoder.close() == [True]
    assert decoder.stats == json.DecoderStats(20, 4, 0, 0, 20)
    with pytest.raises(ValueError, match="closed"):
        decoder.feed(b"1")


def test_position_is_behind_the_last_record():
    decoder = json.Decoder("id")
    decoder.feed(b'{"id": 1}\n{"id": 2}\n{"i')
    assert decoder.stats.position in (19, 20)
    decoder.feed(b'd": 3}')
    assert decoder.stats.position == 29


def test_what_came_before_an_error_is_not_lost():
    decoder = json.Decoder("a")
    with pytest.raises(json.DecodeError) as caught:
        decoder.feed(b'{"a": 1}\n{"a": 2}\n{"a" 3}\n')
    assert caught.value.completed == [1, 2]
    assert (caught.value.pos, caught.value.lineno, caught.value.colno) == (23, 3, 6)
    assert caught.value.record == 2
    with pytest.raises(json.DecodeError):
        decoder.feed(b"1 ")
    values = []
    with pytest.raises(json.DecodeError):
        values.extend(json.stream(b'{"a": 1}\n{"a": 2}\n{"a" 3}\n', "a"))
    assert values == [1, 2]


@pytest.mark.parametrize(
    ("data", "pos", "words"),
    [
        (b"[1,]", 3, "expected a value"),
        (b'{"a":1,}', 7, "key"),
        (b'{"a" 1}', 5, "':'"),
        (b"[1 2]", 3, "','"),
        (b'["\x01"]', 2, "control"),
        (b'["\xff"]', 2, "UTF-8"),
        (b'["\\x"]', 3, "escape"),
        (b'["\\ud800"]', 2, "surrogate"),
        (b"[01]", 2, "leading zero"),
        (b"[1.]", 3, "digit"),
        (b"]", 0, "expected a value"),
        (b"[", 1, "end of input"),
        (b"[truE]", 4, "literal"),
        (b"[1}", 2, "','"),
    ],
)
@pytest.mark.parametrize("size", CHUNKS)
@pytest.mark.parametrize("before", [b"", b"{}\n" * 40, b" " * 63])
def test_error_position(isa, data, pos, words, size, before):
    with pytest.raises(json.DecodeError, match=words) as caught:
        decode(before + data, size)
    error = caught.value
    line_start = before.rfind(b"\n") + 1
    assert error.pos == len(before) + pos
    assert error.lineno == before.count(b"\n") + 1
    assert error.colno == len(before) + pos - line_start + 1
    assert error.record == before.count(b"{}")
    assert isinstance(error, std.JSONDecodeError)
    assert isinstance(error, ValueError)


LINES = [b'{"id":%d,"s":"v%d","a":[1,{"b":true}],"e":"\\u00e9\\n"}' % (i, i) for i in range(4)]


@pytest.mark.parametrize("size", [None, 1, 64])
@pytest.mark.parametrize("damage", [b"x", b'"', b"{", b"}", b"\\", b",", b"\n", b"\0", b"\xff"])
def test_skip_loses_no_good_record(size, damage):
    whole = b"\n".join(LINES) + b"\n"
    for at in range(len(whole)):
        if whole[at : at + 1] == b"\n":
            continue  # joins two lines into one: neither is good by itself
        line = whole.count(b"\n", 0, at)
        data = whole[:at] + damage + whole[at + 1 :]
        seen = [
            value["id"]
            for value in decode(data, size, on_error="skip")
            if isinstance(value, dict) and value.get("s") == f"v{value.get('id')}"
        ]
        assert set(range(4)) - {line} <= set(seen), (at, damage)


def test_on_error_may_be_a_function():
    seen = []
    values = list(json.stream(b"1\nx\n2\n[\n3\n", on_error=seen.append))
    assert values == [1, 2, 3]
    assert [error.record for error in seen] == [1, 3]
    decoder = json.Decoder(on_error="skip")
    decoder.feed(b"1\nx\n2\n")
    assert (decoder.stats.skipped, decoder.stats.errors) == (1, 1)


def test_limits():
    deep = b"[" * 1024 + b"]" * 1024
    assert len(decode(deep, None)) == 1
    for validate in (True, False):
        with pytest.raises(json.DecodeError, match="max_depth"):
            decode(b"[" * 1_000_000, None, validate=validate)
    with pytest.raises(json.DecodeError, match="max_depth"):
        decode(b"[[[]]]", None, max_depth=2)
    assert decode(b"[[[]]]", None, max_depth=3) == [[[[]]]]
    with pytest.raises(json.DecodeError, match="max_record_bytes"):
        decode(b'"' + b"x" * 10_000 + b'"', 100, max_record_bytes=1000)
    assert decode(b'"' + b"x" * 998 + b'"', 100, max_record_bytes=1000) == ["x" * 998]


def test_numbers():
    big = "9" * 5000
    text = f"[0, -0, 18446744073709551616, -9223372036854775809, 1e-5, 1E+2, {big[:4000]}]"
    assert decode(text.encode(), None) == [std.loads(text)]
    (long,) = decode(big.encode(), 100)
    assert long == 10**5000 - 1
    assert decode(b"[1.10, 2, 1e2]", None, numbers="decimal") == [
        [Decimal("1.10"), 2, Decimal("1e2")]
    ]
    with pytest.raises(json.DecodeError, match="out of range"):
        decode(b"1e400 ", None)


def test_selections():
    data = b'{"user": {"id": 1, "name": "a"}, "a.b": 2, "user2": null, "k\\u0065y": [3]}'
    assert list(json.stream(data, "user.id")) == [1]
    assert list(json.stream(data, "$.user.id")) == [1]
    assert list(json.stream(data, ["$['a.b']", "user", "nope", "user2"])) == [
        (2, {"id": 1, "name": "a"}, None, None)
    ]
    assert list(json.stream(data, {"k": "key", "u": "user.name"})) == [{"k": [3], "u": "a"}]
    assert list(json.stream(data, json.field("$", "json"))) == [data.decode()]
    assert list(json.stream(data, json.field("nope", default=7))) == [7]
    assert list(json.stream(b'{"a":1,"a":2}')) == [{"a": 2}]
    assert list(json.stream(b'{"a":1,"a":2}', "a")) == [1]
    with pytest.raises(json.DecodeError, match="required"):
        list(json.stream(data, json.field("nope", required=True)))
    with pytest.raises(json.DecodeError, match="expected a number"):
        list(json.stream(data, json.field("user.name", "int64")))
    assert list(json.stream(data, json.field("user.name", "int64"), on_mismatch="null")) == [None]


@pytest.mark.parametrize("validate", [True, False])
def test_whole_record_beside_its_fields(validate):
    data = b'{"a":1,"b":{"c":2,"d":3},"e":4}'
    whole = {"a": 1, "b": {"c": 2, "d": 3}, "e": 4}
    for paths, wanted in [
        (["$", "a", "e"], (whole, 1, 4)),
        (["a", "b", "b.c", "b.d", "e"], (1, whole["b"], 2, 3, 4)),
        (["e", "b.d", "b", "$"], (4, 3, whole["b"], whole)),
    ]:
        assert list(json.stream(data, paths, validate=validate)) == [wanted]


@given(
    st.dictionaries(
        TEXT,
        st.dictionaries(TEXT, st.integers() | TEXT) | st.integers(),
        max_size=8,
    ),
    st.booleans(),
    st.sampled_from([None, 2]),
)
def test_names_find_what_dicts_hold(record, ascii_only, indent):
    data = std.dumps(record, ensure_ascii=ascii_only, indent=indent).encode()
    paths, wanted = [], []
    for name, value in record.items():
        paths.append("$[" + std.dumps(name) + "]")
        wanted.append(value)
        if isinstance(value, dict):
            for inner, leaf in value.items():
                paths.append("$[" + std.dumps(name) + "][" + std.dumps(inner) + "]")
                wanted.append(leaf)
    for validate in (True, False):
        assert list(json.stream(data, paths, validate=validate)) == [tuple(wanted)]


NESTED = {"a": 0, "b": {"a": 1, "c": {"a": 2, "b": 3}}, "c": {"d": 4}, "d": 5}


@given(st.lists(st.sampled_from(["$", "a", "b", "b.a", "b.c", "b.c.b", "c", "c.d", "d", "e"])))
def test_selections_may_overlap_and_repeat(paths):
    def value_at(path):
        value = NESTED
        for name in path.split(".") if path != "$" else ():
            value = value.get(name)
            if value is None:
                return None
        return value

    wanted = [tuple(value_at(path) for path in paths)]
    for validate in (True, False):
        assert list(json.stream(std.dumps(NESTED).encode(), paths, validate=validate)) == wanted


def test_sources(tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b'{"a": 1}\n{"a": 2}\n')
    for source in (
        path,
        str(path),
        path.read_bytes(),
        io.BytesIO(path.read_bytes()),
        [b'{"a": 1}{', b'"a": 2}'],
    ):
        assert list(json.stream(source, "a")) == [1, 2]
    with pytest.raises(TypeError, match="text mode"):
        list(json.stream(io.StringIO("1")))
    with pytest.raises(TypeError, match="bytes-like"):
        json.Decoder().feed("1")


def test_a_failed_read_keeps_what_came_before():
    def chunks():
        yield b"1 2 "
        raise OSError("gone")

    stream = json.stream(chunks())
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(OSError, match="gone"):
        next(stream)
    assert list(stream) == []


def test_one_thread_at_a_time():
    inside, leave = threading.Event(), threading.Event()

    def wait(_):
        inside.set()
        leave.wait(10)

    decoder = json.Decoder(on_error=wait)
    thread = threading.Thread(target=decoder.feed, args=(b"x\n",))
    thread.start()
    assert inside.wait(10)
    with pytest.raises(RuntimeError, match="one thread"):
        decoder.feed(b"1")
    leave.set()
    thread.join()


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"on_error": "ignore"}, ValueError),
        ({"numbers": "int"}, ValueError),
        ({"max_depth": 0}, ValueError),
        ({"max_depth": "1"}, TypeError),
        ({"select": 1}, TypeError),
        ({"select": [1]}, TypeError),
        ({"select": {1: "a"}}, TypeError),
        ({"select": "$.a["}, json.PathError),
    ],
)
def test_wrong_arguments(options, kind):
    with pytest.raises(kind):
        json.Decoder(**options)


@pytest.mark.parametrize("size", CHUNKS)
def test_count(isa, size):
    for name, data in SUITE.items():
        if name in STREAMS or name[0] == "y":
            assert json.count(cut(data, size)) == len(STREAMS.get(name, [0])), name
        elif name[0] == "n":
            with pytest.raises(json.DecodeError):
                json.count(cut(data, size))
    assert json.count(b"1\nx\n2\n", on_error="skip") == 2


def test_a_stream_in_a_cycle_lets_go_of_its_chunk():
    """The collector must release the buffer, not only forget whose it is."""
    data = bytearray(b"1 2 3")
    chunk = memoryview(data)
    stream = json.stream([chunk])
    next(stream)
    holder = [stream]
    holder.append(holder)
    del stream, holder
    gc.collect()
    chunk.release()
    data.append(0)


def test_a_fault_before_one_of_depth_in_the_same_block_comes_first():
    for fault, pos in ((b"x", 9), (b"01", 10), (b",", 9)):
        with pytest.raises(json.DecodeError) as caught:
            decode(b'{"n": 1} ' + fault + b"\n" + b"[" * 40, None, max_depth=30)
        assert caught.value.pos == pos


def test_a_name_that_ends_in_a_backslash():
    text = rb'{"\"": {}, "\\": [1], "a\\": 2, "a\"": 3}'
    record = {'"': {}, "\\": [1], "a\\": 2, 'a"': 3}
    assert std.loads(text) == record
    names = list(record)
    assert decode(text, None, select=[f"$[{std.dumps(name)}]" for name in names]) == [
        tuple(record.values())
    ]
