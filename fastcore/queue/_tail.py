"""The newest messages of a stream, in memory: who keeps up never reads the log.

Chunks as they were published, oldest dropped first when their payloads pass a
limit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Chunk", "Tail"]

TAIL_BYTES_MAX = 16 * 1024 * 1024
MESSAGE_BYTES = 100  # what a message costs beside its payload, roughly


class Chunk(NamedTuple):
    """Messages with consecutive sequence numbers."""

    first: int
    payloads: list[bytes]
    timestamps: list[int]
    headers: list[dict[str, str] | None] | None


class Tail:
    """A window that ends with the newest message."""

    def __init__(self, next_seq: int) -> None:
        self._firsts: list[int] = []
        self._chunks: list[Chunk] = []
        self._sizes: list[int] = []
        self._bytes = 0
        self._next = next_seq

    @property
    def first(self) -> int:
        """The oldest message here."""
        return self._firsts[0] if self._firsts else self._next

    def add(self, chunk: Chunk) -> None:
        """Add what was just published."""
        count = len(chunk.payloads)
        size = sum(map(len, chunk.payloads)) + count * MESSAGE_BYTES
        self._firsts.append(chunk.first)
        self._chunks.append(chunk)
        self._sizes.append(size)
        self._bytes += size
        self._next = chunk.first + count
        if self._bytes > TAIL_BYTES_MAX:
            self._shrink()

    def read(self, first: int, stop: int) -> list[Chunk]:
        """Return the messages [first, stop), all of which must be here."""
        found: list[Chunk] = []
        index = bisect_right(self._firsts, first) - 1
        while first < stop:
            chunk = self._chunks[index]
            begin = first - chunk.first
            end = min(len(chunk.payloads), stop - chunk.first)
            if begin or end < len(chunk.payloads):
                found.append(_cut(chunk, begin, end))
            else:
                found.append(chunk)
            first = chunk.first + end
            index += 1
        return found

    def _shrink(self) -> None:
        # Half at once, so that the lists are not moved for every chunk.
        drop = 0
        while self._bytes > TAIL_BYTES_MAX // 2 and drop < len(self._chunks):
            self._bytes -= self._sizes[drop]
            drop += 1
        del self._firsts[:drop], self._chunks[:drop], self._sizes[:drop]


def _cut(chunk: Chunk, begin: int, end: int) -> Chunk:
    headers: Sequence[dict[str, str] | None] | None = chunk.headers
    return Chunk(
        chunk.first + begin,
        chunk.payloads[begin:end],
        chunk.timestamps[begin:end],
        None if headers is None else list(headers[begin:end]),
    )
