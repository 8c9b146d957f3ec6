"""fastcore.ijson: what its four routines give, in every form, and what they raise."""

from __future__ import annotations

import asyncio
import collections
import io
import json as std
import subprocess
import sys
import types
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.json_events import events as reference

from fastcore import ijson
from fastcore.errors import DecodeError, Error
from fastcore.ijson import common, utils

DOCUMENT = b"""
{"docs": [{"id": 1, "tags": ["a", "\\u00e9\\n"], "deep": {"x": {"y": [1.50, {}]}}},
          {"id": 2e3, "tags": [], "deep": null, "a.b": true}, 7, [8, [9]]],
 "": {"docs": false}, "docs.item": "dotted"}
"""
PREFIXES = (
    "",
    "docs",
    "docs.item",
    "docs.item.id",
    "docs.item.tags.item",
    "docs.item.deep.x",
    "docs.item.a.b",
    "docs.item.item",
    "docs.item.item.item",
    ".docs",
    "nothing",
    "doc",
    "docs.",
)


class AsyncFile:
    def __init__(self, data: bytes):
        self._file = io.BytesIO(data)

    async def read(self, n=-1):
        await asyncio.sleep(0)
        return self._file.read(n)


class OldAsyncFile:
    """Its read() is a generator that may be awaited."""

    def __init__(self, data: bytes):
        self._file = io.BytesIO(data)

    @types.coroutine
    def read(self, n=-1):
        yield
        return self._file.read(n)


class ReadOnlyFile:
    """No readinto(), and no reading more than once behind the end."""

    def __init__(self, data: bytes):
        self._file, self._over = io.BytesIO(data), False

    def read(self, n):
        assert not self._over
        data = self._file.read(n)
        self._over = n > 0 and not data
        return data


def by_gen(name, data, *place, buf_size=64, **config):
    routine = getattr(ijson, name + "_gen")
    return list(routine(io.BytesIO(data), *place, buf_size=buf_size, **config))


def by_name(name, data, *place, buf_size=64, **config):
    return list(getattr(ijson, name)(ReadOnlyFile(data), *place, buf_size=buf_size, **config))


def by_bytes(name, data, *place, buf_size=64, **config):
    return list(getattr(ijson, name)(data, *place, **config))


def by_coro(name, data, *place, buf_size=64, **config):
    found = ijson.sendable_list()
    coro = getattr(ijson, name + "_coro")(found, *place, **config)
    for at in range(0, len(data), buf_size):
        coro.send(data[at : at + buf_size])
    coro.close()
    return found


async def collect(results):
    return [result async for result in results]


def by_async(name, data, *place, buf_size=64, **config):
    routine = getattr(ijson, name + "_async")
    return asyncio.run(collect(routine(AsyncFile(data), *place, buf_size=buf_size, **config)))


def by_old_async(name, data, *place, buf_size=64, **config):
    routine = getattr(ijson, name)
    return asyncio.run(collect(routine(OldAsyncFile(data), *place, buf_size=buf_size, **config)))


FORMS = [by_gen, by_name, by_bytes, by_coro, by_async, by_old_async]


@pytest.fixture(params=FORMS, ids=lambda form: form.__name__)
def form(request):
    return request.param


def expected(name, data, *place):
    """By the routines for events of the user's, which are plain Python."""
    stage = {
        "basic_parse": (),
        "parse": ((common.parse_basecoro, (), {}),),
        "items": ((common.items_basecoro, place, {}), (common.parse_basecoro, (), {})),
        "kvitems": ((common.kvitems_basecoro, place, {}), (common.parse_basecoro, (), {})),
    }[name]
    return list(utils.coros2gen(reference(data, parse_float=Decimal), *stage))


@pytest.mark.parametrize("name", ["basic_parse", "parse"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_events(form, name, size):
    assert form(name, DOCUMENT, buf_size=size) == expected(name, DOCUMENT)


@pytest.mark.parametrize("name", ["items", "kvitems"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_values(form, name, size):
    for prefix in PREFIXES:
        found = form(name, DOCUMENT, prefix, buf_size=size)
        assert found == expected(name, DOCUMENT, prefix), prefix


def test_prefixes_of_dotted_and_empty_names():
    assert by_bytes("items", DOCUMENT, "docs.item")[-1] == "dotted"
    assert by_bytes("items", b'{"a": {"": {"b": 1}}}', "a..b") == [1]
    assert by_bytes("items", b'{"": {"": 2}}', ".") == [2]
    assert by_bytes("parse", b'[[{"": 1}]]')[3:5] == [
        ("item.item", "map_key", ""),
        ("item.item.", "number", 1),
    ]


NAMES = st.sampled_from(["", "a", "b", "item", "a.b", "é", 'q"', "long name of a member"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
PLACES = st.lists(NAMES, max_size=4).map(".".join)


@given(VALUES, PLACES, st.integers(1, 9), st.booleans())
def test_any_value(value, prefix, size, ascii):
    data = std.dumps(value, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    if not ascii and any(0xD800 <= ord(c) < 0xE000 for c in std.dumps(value, ensure_ascii=False)):
        return
    for name in ("basic_parse", "parse"):
        assert by_gen(name, data, buf_size=size) == expected(name, data)
    for name in ("items", "kvitems"):
        assert by_gen(name, data, prefix, buf_size=size) == expected(name, data, prefix)


@given(VALUES, PLACES)
def test_any_value_against_ijson(value, prefix):
    # Its C backend forgets the dot before "item" in an array whose key is "".
    theirs = pytest.importorskip("ijson.backends.python")
    data = std.dumps(value, indent=1).encode()
    for name, place in [("parse", ()), ("items", (prefix,)), ("kvitems", (prefix,))]:
        found = list(getattr(ijson, name)(data, *place))
        assert found == list(getattr(theirs, name)(data, *place))


# --- options -----------------------------------------------------------------------------------


def test_numbers(form):
    data = b"[1, 1.10, 1e400, 123456789012345678901234567890]"
    assert form("items", data, "item") == [1, Decimal("1.10"), Decimal("1e400"), int(data[17:-1])]
    values = form("items", b"[1, 1.5, 2e0]", "item", use_float=True)
    assert [type(value) for value in values] == [int, float, float]
    with pytest.raises(ijson.JSONError, match="out of range"):
        form("basic_parse", b"[1e400]", use_float=True)


def test_multiple_values(form):
    data = b'{"a": 1} [2]\n3 "4"'
    assert form("items", data, "", multiple_values=True) == [{"a": 1}, [2], 3, "4"]
    with pytest.raises(ijson.JSONError, match="after the value"):
        form("items", data, "")
    for options in ({}, {"multiple_values": True}):
        with pytest.raises(ijson.IncompleteJSONError):
            form("items", b" ", "", **options)


def test_comments(form):
    data = b"/* 1 */ [1, // 2\n 2 /* ] **/]"
    assert form("items", data, "item", allow_comments=True) == [1, 2]
    with pytest.raises(ijson.JSONError):
        form("items", data, "item")
    for text in (b"[1] /", b"[1] /* *", b"[1, /x\n 2]"):
        with pytest.raises(ijson.JSONError):
            form("items", text, "item", allow_comments=True)


def test_map_type(form):
    ((_, value),) = form("kvitems", b'{"a": [{"c": 1, "b": {}}]}', "", collections.OrderedDict)
    assert type(value[0]) is type(value[0]["b"]) is collections.OrderedDict
    with pytest.raises(ZeroDivisionError):
        form("items", b"[{}]", "item", lambda: 1 / 0)


def test_lone_surrogates_are_kept():
    assert by_bytes("items", b'"\\ud800x"', "") == ["\ud800x"]


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"[", b'{"a"', b'{"a":', b"[1,", b'"x', b"tru", b"-", b'["\\u12']
)
def test_cut_short(form, data):
    with pytest.raises(ijson.IncompleteJSONError) as caught:
        form("basic_parse", data)
    error = caught.value
    assert isinstance(error, (DecodeError, Error, ValueError))
    assert error.truncated
    assert error.pos == len(data)


@pytest.mark.parametrize(
    ("data", "pos"),
    [
        (b"[1 2]", 3),
        (b"[1,]", 3),
        (b'{"a" 1}', 5),
        (b'\n{"a": 1,}', 9),
        (b"}", 0),
        (b"[01]", 2),
        (b"[1.]", 3),
        (b'"\xff"', 1),
        (b'"\x01"', 1),
        (b"truth", 3),
        (b"[] x", 3),
    ],
)
def test_wrong(form, data, pos):
    with pytest.raises(ijson.JSONError) as caught:
        form("basic_parse", data, buf_size=1)
    assert caught.value.pos == pos
    assert not caught.value.truncated


def test_what_is_passed_over_is_checked(form):
    for data in (b'{"a": [[1, x]], "b": 2}', b'{"a": {"c": ["\xff"]}, "b": 2}'):
        with pytest.raises(ijson.JSONError):
            form("items", data, "b", buf_size=1)


def test_results_before_an_error_come_first():
    results = ijson.items(b"[1, {}, x", "item")
    assert [next(results), next(results)] == [1, {}]
    with pytest.raises(ijson.JSONError):
        next(results)
    assert list(results) == []


def test_values_come_as_soon_as_they_are_there():
    def chunks():
        yield b'[{"a": [0]}'
        raise AssertionError("read too far")

    assert next(ijson.items(ijson.from_iter(chunks()), "item")) == {"a": [0]}


def test_limits():
    deep = b"[" * 10_000 + b"]" * 10_000
    assert len(by_bytes("basic_parse", deep)) == 20_000
    with pytest.raises(ijson.JSONError, match="nested deeper"):
        by_bytes("basic_parse", b"[" * 1_000_000)
    name = b'{"' + b"k" * 40_000 + b'":'
    with pytest.raises(ijson.JSONError, match="prefix longer"):
        by_bytes("parse", name * 3 + b"1" + b"}" * 3)


def test_wrong_use():
    for routine, place in [
        (ijson.basic_parse, ()),
        (ijson.parse, ()),
        (ijson.items, ("",)),
        (ijson.kvitems, ("",)),
    ]:
        with pytest.raises(ValueError, match="Unknown source type"):
            routine(lambda: None, *place)
        with pytest.raises(TypeError, match="unexpected keyword"):
            routine(b"1", *place, use_floats=True)
    with pytest.raises(TypeError, match="prefix"):
        ijson.items(b"1", 1)


# --- sources and the rest of the interface -----------------------------------------------------


def test_text_is_encoded_with_a_warning():
    for source in ('["é"]', io.StringIO('["é"]'), ijson.from_iter(["[", '"é"]'])):
        with pytest.deprecated_call():
            assert list(ijson.items(source, "item")) == ["é"]


def test_from_iter_takes_asynchronous_iterables():
    async def chunks():
        yield b"[1, "
        yield b"2]"

    async def main():
        return await collect(ijson.items(ijson.from_iter(chunks()), "item"))

    assert asyncio.run(main()) == [1, 2]
    with pytest.raises(TypeError, match="bytes or str"):
        ijson.from_iter([1]).read(1)


def test_events_may_be_filtered_on_their_way():
    events = ijson.parse(b'["skip", {"a": 1}, {"b": 2}]')
    assert any(value == "skip" for _, _, value in events)
    assert list(ijson.items(events, "item")) == [{"a": 1}, {"b": 2}]
    basic = (event for event in ijson.basic_parse(b'{"k": [1, null]}') if event[0] != "null")
    assert list(ijson.kvitems(ijson.parse(basic), "")) == [("k", [1])]


def test_coroutines_of_the_user():
    seen = []

    @ijson.coroutine
    def first_two():
        seen.append((yield))
        seen.append((yield))

    coro = ijson.items_coro(first_two(), "item")
    coro.send(b"[1, ")
    with pytest.raises(StopIteration):
        coro.send(b"2, 3]")
    assert seen == [1, 2]
    coro = ijson.items_coro(ijson.sendable_list(), "item")
    coro.send(b"[1]")
    with pytest.raises(StopIteration):
        coro.send(b"")


def test_async_iteration_ends_and_fails_once():
    async def main():
        results = ijson.items(AsyncFile(b"[1, 2"), "item")
        found = [await anext(results), await anext(results)]
        with pytest.raises(ijson.IncompleteJSONError):
            await anext(results)
        with pytest.raises(StopAsyncIteration):
            await anext(results)
        return found

    assert asyncio.run(main()) == [1, 2]


def test_backends():
    assert ijson.backend == ijson.backend_name == "fastcore"
    for name in (*ijson.ALL_BACKENDS, "yajl2_c", "python"):
        backend = ijson.get_backend(name)
        assert list(backend.items(b"[1]", "item")) == [1]
        assert backend.capabilities.multiple_values
    with pytest.raises(ImportError):
        ijson.get_backend("other")
    import fastcore.ijson.backends.yajl2_c as chosen

    assert chosen.basic_parse is ijson.basic_parse


def test_names_of_common():
    assert common.JSONError is ijson.JSONError
    assert common.integer_or_decimal("1.0") == Decimal("1.0")
    assert common.integer_or_float("1e2") == 100.0
    assert list(common.file_source(io.BytesIO(b"ab"), 1)) == [b"a", b"b", b""]
    with pytest.deprecated_call():
        assert common.number("7") == 7
    with pytest.deprecated_call():
        events = list(common.parse(ijson.basic_parse(b"[1]")))
    with pytest.deprecated_call():
        assert list(common.items(events, "item")) == [1]
    with pytest.deprecated_call():
        assert list(common.kvitems(ijson.parse(b'{"a": 1}'), "")) == [("a", 1)]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], b"1: map_key, a"),
        (["-m", "parse"], b"2: a, start_array, None"),
        (["-m", "items", "-p", "a.item"], b"0: 1"),
        (["-m", "kvitems", "-M"], b"0: a, [1, 2]"),
    ],
)
def test_dump(arguments, line):
    ran = subprocess.run(
        [sys.executable, "-m", "fastcore.ijson.dump", *arguments],
        input=b'{"a": [1, 2]}',
        capture_output=True,
        check=True,
    )
    assert line in ran.stdout.splitlines()


@pytest.mark.parametrize("form", [[], ["-c"], ["-a"]])
def test_benchmark(form):
    command = [sys.executable, "-m", "fastcore.ijson.benchmark", "-s", "3", "-m", "items", *form]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert len(ran.stdout.splitlines()) == 11
