"""How far each source has been read into a log, so that nothing is lost or doubled.

The position in the source that is being read is a *mark* in the log itself: a
value that recovery brings back exactly when it brings back all records appended
before it. One chunk of input is one step:

    append the records kept of the chunk
    set the mark: offset after the chunk's last record, counts, fingerprints

A crash between the two leaves records in the log that the mark does not know
of. They are found again: what a source gives is determined by its bytes and by
the options (the position holds a digest of them), so the records decoded after
the marked offset are compared with those in the log after the mark, and as long
as they agree they are passed over instead of appended.

There is one mark, for the source read last. When another source begins, the
position in the mark moves to a small file of its own in the folder `positions`
beside the segments; only after that file is on stable storage is the mark
overwritten. Together with the position go the ranges of the log that may begin
with unmarked records of that source (`ahead`). They may go on with records of
other programs: these differ from what is decoded, and end the passing over.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from fastcore.cli.arguments import UsageError

if TYPE_CHECKING:
    from fastcore.wal import Log

__all__ = ["FINGERPRINT_BYTES", "Ahead", "Lines", "Position", "Store", "Trail", "fingerprint"]

# How much of a stream's beginning, and of what comes before the position, is compared.
FINGERPRINT_BYTES = 4096

MARK = "fastcore.ingest"
FOLDER = "positions"

# Bump when the meaning of a field changes: older positions are then refused, not misread.
VERSION = 1

# Of a path, as much as a mark has room for.
_SOURCE_BYTES_MAX = 512


def fingerprint(data: bytes | bytearray) -> str:
    """Return a short digest of `data`."""
    return hashlib.blake2b(data, digest_size=12).hexdigest()


@dataclass
class Position:
    """Where in a source the log stands.

    Attributes
    ----------
    source : str
        Its path or ``"-"``, for people.
    recipe : str
        Digest of the options that decide which records are kept and how they look.
    key : str
        The source's name in the store: a digest of ``"-"`` or of the absolute path.
    offset : int
        Bytes of the (decompressed) stream whose records are in the log or were dropped.
    read, kept, skipped : int
        Records decoded, appended, and passed over as invalid, up to `offset`.
    head_bytes, head : int, str
        Length and fingerprint of the beginning of the stream.
    tail : str
        Fingerprint of the `FINGERPRINT_BYTES` before `offset`.
    end_size : int or None
        Size of the file when it had been read to its end, else None.
    running : bool
        Records may have been appended since: cleared on every orderly end.
    ahead : list of (start, stop)
        Ranges of sequence numbers that may begin with records decoded after `offset`.
    """

    source: str
    recipe: str
    key: str
    offset: int = 0
    read: int = 0
    kept: int = 0
    skipped: int = 0
    head_bytes: int = 0
    head: str = ""
    tail: str = ""
    end_size: int | None = None
    running: bool = False
    ahead: list[tuple[int, int]] = field(default_factory=list)
    version: int = VERSION

    @classmethod
    def at_start(cls, source: str, recipe: str) -> Position:
        """Return the position of a source of which nothing has been read."""
        shown = os.fsencode(source)[-_SOURCE_BYTES_MAX:].decode("utf-8", "replace")
        return cls(shown, recipe, _key(source))


def _key(source: str) -> str:
    whole = source if source == "-" else os.path.abspath(source)
    return hashlib.blake2b(os.fsencode(whole), digest_size=16).hexdigest()


class Store:
    """The positions of all sources of one log.

    Parameters
    ----------
    log : Log
        Open for writing: its lock guards the positions too.
    path : str
        The log's directory.
    """

    def __init__(self, log: Log, path: str) -> None:
        self._log = log
        self._folder = Path(path, FOLDER)

    def load(self, source: str) -> Position | None:
        """Return the stored position of `source`, None if there is none.

        Raises
        ------
        UsageError
            Another version of fastcore wrote it.
        """
        key = _key(source)
        marked = self._marked()
        if marked is not None and marked.key == key:
            return marked
        try:
            return self._decoded((self._folder / f"{key}.json").read_bytes())
        except FileNotFoundError:
            return None

    def _marked(self) -> Position | None:
        """Return the position in the mark, with what may have been appended after it."""
        mark = self._log._get_mark(MARK)
        if mark is None:
            return None
        sequence, value = mark
        position = self._decoded(value)
        if position.running and sequence < self._log.next_seq:
            position.ahead.append((sequence, self._log.next_seq))
        position.running = False
        return position

    def _decoded(self, value: bytes) -> Position:
        values: dict[str, Any] = orjson.loads(value)
        if values.get("version") != VERSION:
            raise UsageError(
                f"the position of {values.get('source')} in this log was stored by another "
                "version of fastcore; use that version, or another --wal"
            )
        position = Position(**values)
        position.ahead = [(start, stop) for start, stop in position.ahead]
        return position

    def begin(self, position: Position) -> None:
        """Make `position` the one in the mark; the one that is there moves to its file."""
        marked = self._marked()
        if marked is not None and marked.key != position.key:
            self._log.commit()  # the file must not know of more records than the log
            self._folder.mkdir(exist_ok=True)
            _write_durably(self._folder / f"{marked.key}.json", orjson.dumps(vars(marked)))
        position.running = True
        self.save(position)

    def save(self, position: Position) -> None:
        """Set the mark behind everything that has been appended to the log."""
        self._log._set_mark(MARK, orjson.dumps(vars(position)))


def _write_durably(path: Path, data: bytes) -> None:
    """Replace a file so that a crash at any moment leaves the old one or the new one."""
    beside = path.with_suffix(".new")
    with open(beside, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    if os.name != "nt":  # Windows cannot open a folder, and writes its entries through
        for folder in (path.parent, path.parent.parent):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class Ahead:
    """The records that the log may hold already of what is decoded next.

    Each range begins with some of ours, in order, and may go on with another
    program's. Truncated ranges are taken as ours: nothing else is known of them.
    """

    def __init__(self, log: Log, ranges: list[tuple[int, int]]) -> None:
        self._log = log
        self._ranges = list(ranges)
        self._records: Iterator[Any] | None = None

    def __bool__(self) -> bool:
        return bool(self._ranges)

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """What has not been looked at yet."""
        return list(self._ranges)

    def count_known(self, payloads: list[bytes]) -> int:
        """Return how many of the first of `payloads` are in the log already."""
        known = 0
        while self._ranges and known < len(payloads):
            start, stop = self._ranges[0]
            if start == stop:
                self._next_range()
            elif start < self._log.first_seq:  # freed by truncate_before
                known += 1
                self._ranges[0] = (start + 1, stop)
            else:
                if self._records is None:
                    self._records = self._log.replay(start, stop)
                if next(self._records).payload != payloads[known]:
                    self._next_range()
                    continue
                known += 1
                self._ranges[0] = (start + 1, stop)
        return known

    def _next_range(self) -> None:
        del self._ranges[0]
        self._records = None


class Trail:
    """What is remembered of the bytes that went by: enough to recognise the stream again.

    Parameters
    ----------
    last : bytes
        The `FINGERPRINT_BYTES` before the first byte that will pass by; empty at the start of
        the stream.
    """

    def __init__(self, last: bytes = b"") -> None:
        self._last = last
        self._first: bytes | None = None if last else b""

    def advance(self, position: Position, chunk: memoryview, upto: int, offset: int) -> None:
        """Move `position` to `offset`, the place of chunk[upto]; `chunk` has not passed by yet."""
        if self._first is not None:
            head = _head(self._first, chunk[:upto])
            position.head_bytes, position.head = len(head), fingerprint(head)
        position.tail = fingerprint(_tail(self._last, chunk[:upto]))
        position.offset = offset

    def pass_by(self, chunk: memoryview) -> None:
        """Take note of the next bytes of the stream."""
        if self._first is not None:
            self._first = _head(self._first, chunk)
        self._last = _tail(self._last, chunk)

    def fingerprint(self) -> str:
        """Return the fingerprint of the last bytes that went by."""
        return fingerprint(self._last)


def _head(first: bytes, chunk: memoryview) -> bytes:
    return first + bytes(chunk[: FINGERPRINT_BYTES - len(first)])


def _tail(last: bytes, chunk: memoryview) -> bytes:
    return (last + bytes(chunk[-FINGERPRINT_BYTES:]))[-FINGERPRINT_BYTES:]


@dataclass
class Lines:
    """How many lines there are before a place in a stream, and where the last one begins."""

    count: int = 0
    last_start: int = 0
    _offset: int = 0

    def pass_by(self, chunk: memoryview) -> None:
        """Take note of the next bytes of the stream."""
        part = bytes(chunk)
        if newlines := part.count(b"\n"):
            self.count += newlines
            self.last_start = self._offset + part.rindex(b"\n") + 1
        self._offset += len(part)
