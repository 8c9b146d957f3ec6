"""Open a source again where the log left off, if it still is the same source.

A plain file is compared at two places (its beginning, and the bytes before the
position) and then read from the position on. What cannot be read from the
middle (packed files, pipes, standard input) is read from its start, compared on
the way, and passed over up to the position.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fastcore._sources import Source, open_source
from fastcore.cli.position import FINGERPRINT_BYTES, Lines, Position, Trail, fingerprint
from fastcore.errors import SourceError

__all__ = ["STDIN", "Opened", "Pull", "open_at"]

STDIN = "-"

# Gives the next chunk of an iterator, or None at its end; raises when the user wants to stop.
Pull = Callable[[Iterator[memoryview]], "memoryview | None"]


@dataclass
class Opened:
    """A source that stands at its position.

    Attributes
    ----------
    source : Source
        To be closed, and to ask for its size and compression.
    chunks : iterator of memoryview
        What follows the position.
    trail : Trail
        Knows the bytes before it.
    lines : callable
        Counts the lines before it, to say where an error is.
    replaced : bool
        It is another stream than the one of the position, and stands at 0.
    """

    source: Source
    chunks: Iterator[memoryview]
    trail: Trail
    lines: Callable[[], Lines] = Lines
    replaced: bool = False


class _ReplacedError(Exception):
    """The stream differs from the one whose position is stored."""


def open_at(name: str, position: Position, chunk_bytes: int, pull: Pull) -> Opened:
    """Open the source `name` at `position`, or at 0 if it is another one by now.

    Parameters
    ----------
    name : str
        A path, or ``"-"`` for standard input.
    position : Position
        The stored one; at offset 0 nothing is compared.
    chunk_bytes : int
        As for `open_source`.
    pull : callable
        As `Pull` says.

    Raises
    ------
    SourceError
        It cannot be opened; or standard input or a pipe begins like the stream
        of the position and then differs from it.
    """
    source = _open(name, chunk_bytes)
    if position.offset == 0:
        return Opened(source, source, Trail())
    try:
        if source.compression is None and _is_regular(name):
            source.close()
            last, offset = _bytes_before(name, position), position.offset
            source = open_source(name, chunk_bytes, offset=position.offset)
            return Opened(source, source, Trail(last), lambda: _lines_before(name, offset))
        return _passed_over(name, source, position, pull)
    except _ReplacedError:
        source.close()
        source = _open(name, chunk_bytes)
        return Opened(source, source, Trail(), replaced=True)
    except BaseException:
        source.close()
        raise


def _open(name: str, chunk_bytes: int) -> Source:
    if name != STDIN:
        return open_source(name, chunk_bytes)
    source = open_source(sys.stdin.buffer, chunk_bytes, decompress=True)
    source.name = "standard input"
    return source


def _is_regular(name: str) -> bool:
    return name != STDIN and stat.S_ISREG(os.stat(name).st_mode)


def _bytes_before(name: str, position: Position) -> bytes:
    """Return the bytes before the position of a plain file."""
    with open(name, "rb") as file:
        if fingerprint(file.read(position.head_bytes)) != position.head:
            raise _ReplacedError
        tail_bytes = min(position.offset, FINGERPRINT_BYTES)
        file.seek(position.offset - tail_bytes)
        last = file.read(tail_bytes)
    if fingerprint(last) != position.tail:
        raise _ReplacedError
    return last


def _lines_before(name: str, offset: int) -> Lines:
    lines = Lines()
    with open_source(name) as source:
        for chunk in source:
            lines.pass_by(chunk[:offset])
            offset -= len(chunk)
            if offset <= 0:
                break
    return lines


def _passed_over(name: str, source: Source, position: Position, pull: Pull) -> Opened:
    """Read `source` up to the position."""
    head = bytearray()
    while len(head) < position.head_bytes and (chunk := pull(source)) is not None:
        head += chunk
    chunks = itertools.chain([memoryview(head)], source)
    if fingerprint(head[: position.head_bytes]) != position.head:
        return Opened(source, chunks, Trail(), replaced=True)
    if position.end_size is not None and position.end_size == source.size:
        return Opened(source, iter(()), Trail())  # read to its end, and not grown since
    trail, lines, left = Trail(), Lines(), position.offset
    while (chunk := pull(chunks)) is not None:
        if len(chunk) < left:
            trail.pass_by(chunk)
            lines.pass_by(chunk)
            left -= len(chunk)
            continue
        trail.pass_by(chunk[:left])
        lines.pass_by(chunk[:left])
        if trail.fingerprint() != position.tail:
            break
        return Opened(source, itertools.chain([chunk[left:]], source), trail, lambda: lines)
    if _is_regular(name):
        raise _ReplacedError
    raise SourceError(
        errno.EINVAL,
        "begins like the stream that was read into this log before, but differs from it before "
        f"byte {position.offset}; use --restart to take it for a new one",
        source.name,
    )
