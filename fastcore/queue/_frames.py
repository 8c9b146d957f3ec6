"""What the processes that share a directory say to each other, over a Unix socket.

    offset  bytes  field
         0      4  length of what follows, little-endian
         4      4  length of the JSON
         8      -  JSON: [kind, ...], kinds are listed in _server.py
         -      -  blobs, each behind its length in 4 bytes

Both ends are processes of one user on one machine; the length is checked all the
same, since a stray program may connect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

__all__ = ["FrameReader", "encode_frame"]

FRAME_BYTES_MAX = 1 << 30


def encode_frame(fields: Sequence[Any], blobs: Sequence[bytes] = ()) -> bytes:
    """Return a frame."""
    head = orjson.dumps(fields)
    sizes = [len(blob).to_bytes(4, "little") for blob in blobs]
    body = b"".join([part for pair in zip(sizes, blobs, strict=True) for part in pair])
    return b"".join(
        (
            (4 + len(head) + len(body)).to_bytes(4, "little"),
            len(head).to_bytes(4, "little"),
            head,
            body,
        )
    )


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._wanted = 4

    def feed(self, data: bytes) -> Iterator[tuple[list[Any], list[bytes]]]:
        """Yield the frames that `data` completes."""
        self._parts.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return
        buffer = b"".join(self._parts)
        at = 0
        while True:
            left = len(buffer) - at
            self._wanted = 4
            if left < 4:
                break
            length = int.from_bytes(buffer[at : at + 4], "little")
            if not 4 <= length <= FRAME_BYTES_MAX:
                raise ValueError(f"a frame of {length} bytes: not a fastcore queue at this socket")
            self._wanted = 4 + length
            if left < self._wanted:
                break
            yield _decode(buffer, at + 4, at + 4 + length)
            at += 4 + length
        self._parts = [buffer[at:]]
        self._size = len(buffer) - at


def _decode(buffer: bytes, at: int, end: int) -> tuple[list[Any], list[bytes]]:
    head_end = at + 4 + int.from_bytes(buffer[at : at + 4], "little")
    fields = orjson.loads(buffer[at + 4 : head_end])
    blobs: list[bytes] = []
    at = head_end
    while at < end:
        start = at + 4
        at = start + int.from_bytes(buffer[at:start], "little")
        blobs.append(buffer[start:at])
    return fields, blobs
