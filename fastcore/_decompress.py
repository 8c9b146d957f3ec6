"""Decompression in bounded steps: gzip and zstd, one member or frame at a time.

An `Engine` decodes one gzip member or one zstd frame. Its one method takes
compressed bytes and gives back at most about `limit` bytes of output together
with the compressed bytes it has not used, so that 32 KiB that expand to a
gigabyte cost no more memory than any other 32 KiB. `fastcore._sources` strings
members and frames together.

The fastest library that is installed does the work: `isal` or zlib for gzip;
`compression.zstd` (Python 3.14), `backports.zstd` or `zstandard` for zstd.
"""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

__all__ = ["MAGIC_BYTES", "Engine", "detect", "engine_maker"]

# How many bytes of a file `detect` looks at.
MAGIC_BYTES = 4

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# Frames that carry no data (RFC 8878, section 3.1.2); pzstd begins its files with one.
_ZSTD_SKIPPABLE_MAGICS = frozenset(bytes((low, 0x2A, 0x4D, 0x18)) for low in range(0x50, 0x60))

# zlib's window size argument: a 32 KiB window in a gzip wrapper.
_ZLIB_GZIP_WBITS = 31

# RFC 8878, section 3.1.1.2.4: no block holds more than this, packed or not.
_ZSTD_BLOCK_BYTES_MAX = 128 * 1024


class Engine(Protocol):
    """One gzip member or zstd frame on its way to plain bytes."""

    eof: bool

    def step(self, data: Any, limit: int) -> tuple[bytes, Any, bool]:
        """Decode some of `data`: (output, what of `data` is left, whether more output may wait).

        Output is at most `limit` bytes, give or take one zstd block. Once `eof`
        is true, what is left belongs to whatever follows the member or frame.
        """


def detect(head: bytes) -> str | None:
    """Say ``"gzip"``, ``"zstd"`` or None by the first `MAGIC_BYTES` bytes of a file."""
    if head[:2] == _GZIP_MAGIC:
        return "gzip"
    if head[:4] == _ZSTD_MAGIC or head[:4] in _ZSTD_SKIPPABLE_MAGICS:
        return "zstd"
    return None


def engine_maker(compression: str) -> tuple[Callable[[], Engine], tuple[type[Exception], ...]]:
    """Return what makes engines for `compression`, and the exceptions its library raises.

    Raises
    ------
    ModuleNotFoundError
        No library for zstd is installed.
    """
    return _gzip_maker() if compression == "gzip" else _zstd_maker()


def _gzip_maker() -> tuple[Callable[[], Engine], tuple[type[Exception], ...]]:
    try:
        library: Any = importlib.import_module("isal.isal_zlib")
    except ImportError:
        library = zlib
    return partial(_GzipEngine, library), (library.error,)


def _zstd_maker() -> tuple[Callable[[], Engine], tuple[type[Exception], ...]]:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            library: Any = importlib.import_module(name)
        except ImportError:
            continue
        return partial(_ZstdEngine, library), (library.ZstdError,)
    zstandard: Any = importlib.import_module("zstandard")
    return partial(_ZstandardEngine, zstandard), (zstandard.ZstdError,)


class _GzipEngine:
    def __init__(self, library: Any) -> None:
        self._inflater = library.decompressobj(wbits=_ZLIB_GZIP_WBITS)
        self.eof = False

    def step(self, data: Any, limit: int) -> tuple[bytes, Any, bool]:
        output: bytes = self._inflater.decompress(data, limit)
        self.eof = self._inflater.eof
        if self.eof:
            return output, self._inflater.unused_data, False
        # A full output buffer may hide more output even when all input is used up.
        return output, self._inflater.unconsumed_tail, len(output) == limit


class _ZstdEngine:
    """The decompressor of Python 3.14, which keeps the input it has not used itself."""

    def __init__(self, library: Any) -> None:
        self._decompressor = library.ZstdDecompressor()
        self.eof = False

    def step(self, data: Any, limit: int) -> tuple[bytes, Any, bool]:
        output: bytes = self._decompressor.decompress(data, limit)
        self.eof = self._decompressor.eof
        if self.eof:
            return output, self._decompressor.unused_data, False
        return output, b"", not self._decompressor.needs_input


class _ZstandardEngine:
    """`zstandard`, fed block by block.

    Its streaming object has no limit on its output, and its reader object takes
    a truncated frame for a complete one. The frame format (RFC 8878, section
    3.1.1) is easy to walk without decoding: a header, blocks that each name
    their size and whether they are the last, a checksum. Handing over whole
    blocks bounds the output, and the walk knows where the frame ends.
    """

    def __init__(self, library: Any) -> None:
        self._object: Any = library.ZstdDecompressor().decompressobj()
        self._held = bytearray()  # compressed bytes that do not yet make a whole part
        self._next: Callable[[int], int | None] = self._header
        self._checksum_bytes = 0
        self._skip_bytes = 0
        self.eof = False

    def step(self, data: Any, limit: int) -> tuple[bytes, Any, bool]:
        held = self._held
        held += data
        used = 0
        output = bytearray()
        while not self.eof and len(output) < limit:
            part_bytes = self._next(used)
            if part_bytes is None:
                break
            if self._object is not None:
                output += self._object.decompress(bytes(held[used : used + part_bytes]))
            used += part_bytes
        full = len(output) >= limit
        del held[:used]
        if not self.eof:
            return bytes(output), b"", full
        rest, self._held = bytes(held), bytearray()
        return bytes(output), rest, False

    # Each of these looks at the part that begins at held[at]: None while it is not all there,
    # else its size, with `_next` set to what follows it.

    def _whole(self, at: int, size: int) -> int | None:
        return size if len(self._held) >= at + size else None

    def _header(self, at: int) -> int | None:
        held = self._held
        if len(held) < at + 8:
            return None
        if bytes(held[at : at + 4]) in _ZSTD_SKIPPABLE_MAGICS:
            self._object = None
            self._skip_bytes = int.from_bytes(held[at + 4 : at + 8], "little")
            self._next = self._skipped
            self.eof = self._skip_bytes == 0
            return 8
        descriptor = held[at + 4]
        single_segment = descriptor >> 5 & 1
        dictionary_bytes = (0, 1, 2, 4)[descriptor & 3]
        content_bytes = (single_segment, 2, 4, 8)[descriptor >> 6]
        size = self._whole(at, 5 + (1 - single_segment) + dictionary_bytes + content_bytes)
        if size is not None:
            self._checksum_bytes = 4 if descriptor >> 2 & 1 else 0
            self._next = self._block
        return size

    def _block(self, at: int) -> int | None:
        if len(self._held) < at + 3:
            return None
        header = int.from_bytes(self._held[at : at + 3], "little")
        last, kind, body_bytes = header & 1, header >> 1 & 3, header >> 3
        if kind == 1:  # one byte, repeated
            body_bytes = 1
        # A block that claims too much is handed over as it is: the library says what is wrong.
        size = self._whole(at, 3 + min(body_bytes, _ZSTD_BLOCK_BYTES_MAX))
        if size is not None and last:
            self._next = self._checksum
            self.eof = self._checksum_bytes == 0
        return size

    def _checksum(self, at: int) -> int | None:
        size = self._whole(at, self._checksum_bytes)
        self.eof = size is not None
        return size

    def _skipped(self, at: int) -> int | None:
        size = min(self._skip_bytes, len(self._held) - at)
        self._skip_bytes -= size
        self.eof = self._skip_bytes == 0
        return size or None
