"""Asynchronous decoding: the values of a source, without holding up the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from fastcore._native.json import AsyncStream
from fastcore._sources import Source, open_async_source, open_source
from fastcore.json.decoder import Decoder
from fastcore.json.options import (
    CHUNK_BYTES,
    MAX_DEPTH,
    MAX_RECORD_BYTES,
    Numbers,
    OnError,
    OnMismatch,
)
from fastcore.json.selection import Select

if TYPE_CHECKING:
    import asyncio

__all__ = ["astream"]


async def _sliced(source: Source, chunk_bytes: int) -> AsyncIterator[memoryview]:
    """The chunks of what is in memory, no longer than `chunk_bytes`, others in between."""
    import asyncio

    with source:
        for view in source:
            for at in range(0, len(view), chunk_bytes):
                yield view[at : at + chunk_bytes]
                await asyncio.sleep(0)


def _done_with(source: Source, reading: asyncio.Future[Any]) -> None:
    if not reading.cancelled():
        reading.exception()
    source.close()


async def _read_elsewhere(source: object, chunk_bytes: int) -> AsyncIterator[memoryview]:
    """The chunks of a file, read by a thread, so that a slow disk or a pipe holds up nobody."""
    import asyncio

    loop = asyncio.get_running_loop()
    opened = await loop.run_in_executor(None, open_source, source, chunk_bytes)
    reading: asyncio.Future[memoryview | None] | None = None
    try:
        while True:
            reading = loop.run_in_executor(None, next, opened, None)
            view = await asyncio.shield(reading)
            if view is None:
                return
            yield view
    finally:
        # A task may be cancelled while the thread reads: the file is closed when that is over.
        if reading is None or reading.done():
            opened.close()
        else:
            reading.add_done_callback(lambda reading: _done_with(opened, reading))


def _chunks(source: object, chunk_bytes: int) -> AsyncIterator[memoryview]:
    if hasattr(source, "__aiter__"):
        return open_async_source(source, chunk_bytes)
    if hasattr(source, "__fspath__") or isinstance(source, str):
        return _read_elsewhere(source, chunk_bytes)
    if hasattr(source, "readinto") or hasattr(source, "read"):
        return _read_elsewhere(source, chunk_bytes)
    return _sliced(open_source(source, chunk_bytes), chunk_bytes)


def astream(
    source: object,
    select: Select = None,
    *,
    root: str | None = None,
    on_error: OnError = "raise",
    on_mismatch: OnMismatch = "raise",
    validate: bool = True,
    max_depth: int = MAX_DEPTH,
    max_record_bytes: int = MAX_RECORD_BYTES,
    numbers: Numbers = "float",
    chunk_bytes: int = CHUNK_BYTES,
) -> AsyncIterator[Any]:
    """Decode the records of a source one after the other, asynchronously.

    Parameters
    ----------
    source : asyncio.StreamReader, async iterable of bytes-like, or any source of `stream`
        Files are read by a thread of the event loop's executor. What is in memory is decoded
        `chunk_bytes` at a time, with room for other tasks in between.
    select, root, on_error, on_mismatch, validate, max_depth, max_record_bytes, numbers, \
chunk_bytes
        As for `stream`.

    Returns
    -------
    asynchronous iterator
        With ``aclose()`` and ``stats``. It suspends the task only where it waits for bytes.

    Raises
    ------
    DecodeError, PathError, SourceError
        As from `stream`.

    Examples
    --------
    >>> import asyncio
    >>> from fastcore import json
    >>> async def ids(source):
    ...     return [id async for id in json.astream(source, "id")]
    >>> asyncio.run(ids(b'{"id": 1} {"id": 2}'))
    [1, 2]
    """
    decoder = Decoder(
        select,
        root=root,
        on_error=on_error,
        on_mismatch=on_mismatch,
        validate=validate,
        max_depth=max_depth,
        max_record_bytes=max_record_bytes,
        numbers=numbers,
    )
    return AsyncStream(decoder, _chunks(source, chunk_bytes))
