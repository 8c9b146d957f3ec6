"""Iterables of chunks as files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastcore.ijson.compat import warn_of_text

__all__ = ["AiterReader", "IterReader", "from_iter"]


class _Reader:
    _warned = False

    def _bytes(self, chunk: object) -> bytes:
        if isinstance(chunk, bytes):
            return chunk
        if not isinstance(chunk, str):
            raise TypeError(f"from_iter takes chunks of bytes or str, not {type(chunk).__name__}")
        if not self._warned:
            warn_of_text()
            self._warned = True
        return chunk.encode("utf-8")


class IterReader(_Reader):
    """A file whose every `read` gives the next chunk, whatever its size."""

    def __init__(self, byte_iter: Iterator[Any]) -> None:
        self._chunks = byte_iter

    def read(self, n: int) -> bytes:
        """Return the next chunk, or nothing where nothing is asked for or left."""
        return self._bytes(next(self._chunks, b"")) if n else b""


class AiterReader(_Reader):
    """The same for asynchronous iterators."""

    def __init__(self, byte_aiter: AsyncIterator[Any]) -> None:
        self._chunks = byte_aiter

    async def read(self, n: int) -> bytes:
        """Return the next chunk, or nothing where nothing is asked for or left."""
        return self._bytes(await anext(self._chunks, b"")) if n else b""


def from_iter(byte_iter: Any) -> IterReader | AiterReader:
    """Make a file of an iterable, or an asynchronous iterable, of bytes."""
    if hasattr(byte_iter, "__aiter__"):
        return AiterReader(aiter(byte_iter))
    return IterReader(iter(byte_iter))
