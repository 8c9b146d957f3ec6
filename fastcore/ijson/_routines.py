"""The four routines in all their forms, over the native readers of events.

This module is the one backend there is: it has what the modules in ``ijson.backends`` have.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import CodeType
from typing import Any

from fastcore._native.json import AsyncEvents, EventPipe, Events
from fastcore.ijson import _builder, utils
from fastcore.ijson._builder import items_basecoro, kvitems_basecoro, parse_basecoro
from fastcore.ijson._errors import parse_error
from fastcore.ijson.compat import warn_of_text
from fastcore.json.tokenizing import EventOptions

__all__ = [
    "BUF_SIZE",
    "MAX_DEPTH",
    "BackendCapabilities",
    "backend",
    "backend_name",
    "basic_parse",
    "basic_parse_async",
    "basic_parse_basecoro",
    "basic_parse_coro",
    "basic_parse_gen",
    "capabilities",
    "items",
    "items_async",
    "items_basecoro",
    "items_coro",
    "items_gen",
    "kvitems",
    "kvitems_async",
    "kvitems_basecoro",
    "kvitems_coro",
    "kvitems_gen",
    "parse",
    "parse_async",
    "parse_basecoro",
    "parse_coro",
    "parse_gen",
]

BUF_SIZE = 64 * 1024
MAX_DEPTH = 10_000  # containers inside one another: a prefix names them all
_TOKEN_BYTES_MAX = 1 << 40  # none: ijson has no limit of this kind


class BackendCapabilities:
    """What a backend can do; this one can do all."""

    __slots__ = (
        "c_comments",
        "incomplete_json_tokens_detection",
        "int64",
        "invalid_leading_zeros_detection",
        "multiple_values",
    )

    def __init__(self) -> None:
        for name in self.__slots__:
            setattr(self, name, True)


capabilities = BackendCapabilities()
backend = backend_name = "fastcore"


# --- keywords and sources ---------------------------------------------------------------------


def _options(
    *, use_float: bool = False, multiple_values: bool = False, allow_comments: bool = False
) -> EventOptions:
    return EventOptions(
        max_depth=MAX_DEPTH,
        max_token_bytes=_TOKEN_BYTES_MAX,
        numbers="float" if use_float else "decimal",
        values_min=1,
        multiple=bool(multiple_values),
        comments=bool(allow_comments),
        lone_surrogates=True,
    )


def _maker(map_type: Any) -> Any:
    return None if map_type is dict else map_type


class _Encoder:
    """Makes bytes of the chunks that are text, with a warning the first time."""

    warned = False

    def __call__(self, chunk: Any) -> Any:
        if not isinstance(chunk, str):
            return chunk
        if not self.warned:
            self.warned = True
            warn_of_text()
        return chunk.encode("utf-8")


def _file_chunks(file: Any, buf_size: int) -> Iterator[Any]:
    readinto = getattr(file, "readinto", None)
    if readinto is not None:
        buffer = bytearray(buf_size)
        view = memoryview(buffer)
        while count := readinto(buffer):
            yield view[:count]
        return
    encoded = _Encoder()
    while chunk := file.read(buf_size):
        yield encoded(chunk)


def _text_chunks(text: str) -> Iterator[bytes]:
    yield _Encoder()(text)


def _async_chunks(file: Any, buf_size: int) -> Callable[[], Awaitable[Any]]:
    encoded = _Encoder()

    async def read() -> Any:
        return encoded(await file.read(buf_size))

    return read


def _is_awaitable_function(function: Any) -> bool:
    if inspect.iscoroutinefunction(function):
        return True
    code: CodeType | None = getattr(function, "__code__", None)
    return (
        inspect.isgeneratorfunction(function)
        and code is not None
        and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)
    )


def _read(
    source: Any, buf_size: int, mode: str, prefix: str | None, map_type: Any, config: dict[str, Any]
) -> Any:
    """Events of whatever `source` is; None where it is not JSON but an iterable."""
    options = _options(**config)
    arguments = (mode, prefix, _maker(map_type), parse_error, options)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Events(iter((source,)), *arguments)
    if isinstance(source, str):
        return Events(_text_chunks(source), *arguments)
    if hasattr(source, "read"):
        if _is_awaitable_function(source.read):
            return AsyncEvents(_async_chunks(source, buf_size), *arguments)
        return Events(_file_chunks(source, buf_size), *arguments)
    return None


def _intercept(source: Any, *stage: Any) -> Iterator[Any]:
    """The events that come out of `stage` when those of `source` go in."""
    if not hasattr(source, "__iter__"):
        raise ValueError(f"Unknown source type: {type(source)!r}")
    return utils.coros2gen(source, stage)


# --- basic_parse ------------------------------------------------------------------------------


def basic_parse(source: Any, buf_size: int = BUF_SIZE, **config: Any) -> Any:
    """Iterate over (event, value) of a JSON document.

    Parameters
    ----------
    source : file, asynchronous file, bytes or str
        A file is anything with ``read(size)``. From an asynchronous one comes an
        asynchronous iterator.
    buf_size : int, default 64 KiB
        How much is read at a time, in bytes.
    use_float : bool, default False
        Numbers that are not integers as float instead of Decimal.
    multiple_values : bool, default False
        Any number of values in a row, at least one.
    allow_comments : bool, default False
        As C and C++ write them.

    Raises
    ------
    JSONError
        While iterating, after the events before the fault: see `IncompleteJSONError`.

    Examples
    --------
    >>> from fastcore import ijson
    >>> list(ijson.basic_parse(b'{"a": 1}'))
    [('start_map', None), ('map_key', 'a'), ('number', 1), ('end_map', None)]
    """
    events = _read(source, buf_size, "basic", None, None, config)
    if events is None:
        raise ValueError(f"Unknown source type: {type(source)!r}")
    return events


def basic_parse_gen(file: Any, buf_size: int = BUF_SIZE, **config: Any) -> Iterator[Any]:
    """`basic_parse` of a file."""
    return Events(
        _file_chunks(file, buf_size), "basic", None, None, parse_error, _options(**config)
    )


def basic_parse_async(file: Any, buf_size: int = BUF_SIZE, **config: Any) -> AsyncIterator[Any]:
    """`basic_parse` of a file with an asynchronous ``read``."""
    return AsyncEvents(
        _async_chunks(file, buf_size), "basic", None, None, parse_error, _options(**config)
    )


def basic_parse_coro(target: Any, **config: Any) -> EventPipe:
    """Return an object to ``send`` chunks to, which sends (event, value) to `target`."""
    return EventPipe(target, "basic", None, None, parse_error, _options(**config))


basic_parse_basecoro = basic_parse_coro


# --- parse ------------------------------------------------------------------------------------


def parse(source: Any, buf_size: int = BUF_SIZE, **config: Any) -> Any:
    """Iterate over (prefix, event, value) of a JSON document, or of the events of `basic_parse`.

    A prefix is the names on the way to a value, joined by dots, "item" for the elements of an
    array. Keywords as for `basic_parse`.

    Examples
    --------
    >>> from fastcore import ijson
    >>> for event in ijson.parse(b'{"a": [1]}'):
    ...     print(event)
    ('', 'start_map', None)
    ('', 'map_key', 'a')
    ('a', 'start_array', None)
    ('a.item', 'number', 1)
    ('a', 'end_array', None)
    ('', 'end_map', None)
    """
    events = _read(source, buf_size, "parse", None, None, config)
    return _intercept(source, _builder.parse_basecoro, (), {}) if events is None else events


def parse_gen(file: Any, buf_size: int = BUF_SIZE, **config: Any) -> Iterator[Any]:
    """`parse` of a file."""
    return Events(
        _file_chunks(file, buf_size), "parse", None, None, parse_error, _options(**config)
    )


def parse_async(file: Any, buf_size: int = BUF_SIZE, **config: Any) -> AsyncIterator[Any]:
    """`parse` of a file with an asynchronous ``read``."""
    return AsyncEvents(
        _async_chunks(file, buf_size), "parse", None, None, parse_error, _options(**config)
    )


def parse_coro(target: Any, **config: Any) -> EventPipe:
    """Return an object to ``send`` chunks to, which sends (prefix, event, value) to `target`."""
    return EventPipe(target, "parse", None, None, parse_error, _options(**config))


# --- items ------------------------------------------------------------------------------------


def items(
    source: Any, prefix: str, map_type: Any = None, buf_size: int = BUF_SIZE, **config: Any
) -> Any:
    """Iterate over the values of a JSON document, or of the events of `parse`, at a prefix.

    Parameters
    ----------
    prefix : str
        As `parse` gives it: ``"docs.item"``. The whole document is at ``""``.
    map_type : callable, default dict
        Makes the mapping for a JSON object.

    Other parameters as for `basic_parse`. A value is built as soon as its last byte is there.

    Examples
    --------
    >>> from fastcore import ijson
    >>> list(ijson.items(b'{"docs": [{"id": 1}, {"id": 2}]}', "docs.item"))
    [{'id': 1}, {'id': 2}]
    """
    values = _read(source, buf_size, "items", prefix, map_type, config)
    if values is None:
        return _intercept(source, items_basecoro, (prefix,), {"map_type": map_type})
    return values


def items_gen(
    file: Any, prefix: str, map_type: Any = None, buf_size: int = BUF_SIZE, **config: Any
) -> Iterator[Any]:
    """`items` of a file."""
    return Events(
        _file_chunks(file, buf_size),
        "items",
        prefix,
        _maker(map_type),
        parse_error,
        _options(**config),
    )


def items_async(
    file: Any, prefix: str, map_type: Any = None, buf_size: int = BUF_SIZE, **config: Any
) -> AsyncIterator[Any]:
    """`items` of a file with an asynchronous ``read``."""
    return AsyncEvents(
        _async_chunks(file, buf_size),
        "items",
        prefix,
        _maker(map_type),
        parse_error,
        _options(**config),
    )


def items_coro(target: Any, prefix: str, map_type: Any = None, **config: Any) -> EventPipe:
    """Return an object to ``send`` chunks to, which sends the values at `prefix` to `target`."""
    return EventPipe(target, "items", prefix, _maker(map_type), parse_error, _options(**config))


# --- kvitems ----------------------------------------------------------------------------------


def kvitems(
    source: Any, prefix: str, map_type: Any = None, buf_size: int = BUF_SIZE, **config: Any
) -> Any:
    """Iterate over (key, value) of the objects of a JSON document, or of events, at a prefix.

    Parameters as for `items`. For objects too large to be built whole.

    Examples
    --------
    >>> from fastcore import ijson
    >>> list(ijson.kvitems(b'{"docs": {"a": 1, "b": [2]}}', "docs"))
    [('a', 1), ('b', [2])]
    """
    pairs = _read(source, buf_size, "kvitems", prefix, map_type, config)
    if pairs is None:
        return _intercept(source, kvitems_basecoro, (prefix,), {"map_type": map_type})
    return pairs


def kvitems_gen(
    file: Any, prefix: str, map_type: Any = None, buf_size: int = BUF_SIZE, **config: Any
) -> Iterator[Any]:
    """`kvitems` of a file."""
    return Events(
        _file_chunks(file, buf_size),
        "kvitems",
        prefix,
        _maker(map_type),
        parse_error,
        _options(**config),
    )


def kvitems_async(
    file: Any, prefix: str, map_type: Any = None, buf_size: int = BUF_SIZE, **config: Any
) -> AsyncIterator[Any]:
    """`kvitems` of a file with an asynchronous ``read``."""
    return AsyncEvents(
        _async_chunks(file, buf_size),
        "kvitems",
        prefix,
        _maker(map_type),
        parse_error,
        _options(**config),
    )


def kvitems_coro(target: Any, prefix: str, map_type: Any = None, **config: Any) -> EventPipe:
    """Return an object to ``send`` chunks to, which sends (key, value) at `prefix` to `target`."""
    return EventPipe(target, "kvitems", prefix, _maker(map_type), parse_error, _options(**config))
