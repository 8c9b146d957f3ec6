"""Finding a record by its time: a sparse index in LMDB, which can be thrown away at any moment.

The log is cut into blocks of some hundred KiB. For each the index holds where it starts and the
latest time of all records up to its end. That latest time never falls from block to block, so

    the first record at or after t  is in  the first block whose latest time is at least t

also where times are out of order, and a binary search finds that block. What the index says is
used only after it was checked: an entry carries a checksum, and the identity of the segment it
speaks of; it must follow the entry before it without a gap; and the record it leads to is verified
as any other. On any doubt the whole index is removed and made anew from the segments.

LMDB is opened without syncs, so that keeping the index costs next to nothing; its file may be in
any state after the power was lost. Reading such a file could crash the process, so `_Stamp` says
whether it can be trusted: when it was closed well, its size and checksum; while it is in use, in
which boot of the machine.
"""

from __future__ import annotations

import shutil
import struct
import threading
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastcore._native.wal import Block, Blocks
from fastcore.errors import WalError

if TYPE_CHECKING:
    import lmdb

    from fastcore.wal.log import Log

__all__ = ["TimeIndex"]

FOLDER = "index"
MAP_BYTES = 1 << 30
CLOSE_BLOCKS_MAX = 1024  # closing a log does not wait for more than some hundred MiB to be read
_VALUE = struct.Struct("<QqqQQQQQI")
_KEY = struct.Struct(">Q")

# LMDB does not allow the same file to be opened twice in a process.
_in_use = threading.Lock()


class _Doubt(Exception):
    """The index contradicts itself or the segments."""


def boot_id() -> bytes:
    """What is another after every start of the machine; empty where that is not known."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    except OSError:
        return b""


class _Entry:
    """A block, with the latest time of all records up to its end."""

    __slots__ = ("block", "latest")

    def __init__(self, block: Block, latest: int) -> None:
        self.block = block
        self.latest = latest

    def pack(self) -> tuple[bytes, bytes]:
        key = _KEY.pack(self.block.start)
        fields = self.block[1:]
        body = _VALUE.pack(fields[0], fields[1], self.latest, *fields[2:], 0)[:-4]
        return key, body + struct.pack("<I", zlib.crc32(key + body))

    @classmethod
    def unpack(cls, key: bytes, value: bytes) -> _Entry:
        if len(key) != _KEY.size or len(value) != _VALUE.size:
            raise _Doubt
        stop, own, latest, *place, check = _VALUE.unpack(value)
        if check != zlib.crc32(key + value[:-4]):
            raise _Doubt
        return cls(Block(_KEY.unpack(key)[0], stop, own, *place), latest)


def _remove(folder: Path) -> None:
    for name in ("stamp", "data.mdb", "lock.mdb"):
        path = folder / name
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError:
            continue  # not there, or not ours to remove: then it is not used either


class TimeIndex:
    """The index of one log. Any thread, any process."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._folder = Path(log.path) / FOLDER
        self._recent: list[_Entry] = []  # of blocks that are not in the file
        self._caught_up = (-1, -1)  # first_seq and durable_seq when that was last done
        self._use_file = True

    def seek(self, timestamp: int) -> int:
        """Return the number of the first record at or after `timestamp`."""
        with _in_use:
            for _ in range(2):
                try:
                    return self._seek(timestamp)
                except (_Doubt, WalError):
                    # If it is the log that is damaged, the search without the index says so.
                    self._discard()
            return self._find(timestamp, None)

    def close(self) -> None:
        """Take in what has become durable lately, and leave the file fit to be opened again."""
        with _in_use:
            try:
                self._catch_up(CLOSE_BLOCKS_MAX)
                _Stamp(self._folder).closed()
            except (_Doubt, WalError, OSError):
                self._discard()

    def _discard(self) -> None:
        self._recent.clear()
        self._caught_up = (-1, -1)
        if self._log.mode == "a":
            _remove(self._folder)
        else:
            self._use_file = False

    def _find(self, timestamp: int, entry: _Entry | None) -> int:
        first, end = self._log.first_seq, self._log.next_seq
        blocks = Blocks(self._log, first if entry is None else max(entry.block.start, first), end)
        if entry is not None:
            blocks.jump(entry.block)
        found = blocks.find(timestamp)
        return end if found is None else found

    def _seek(self, timestamp: int) -> int:
        first = self._log.first_seq
        if self._log.mode == "a":
            self._catch_up()
        entry = self._search_file(timestamp, first)
        if entry is None:
            entry = self._search_recent(timestamp)
        return self._log.next_seq if entry is None else self._find_in(timestamp, entry)

    def _find_in(self, timestamp: int, entry: _Entry) -> int:
        found = self._find(timestamp, entry)
        if found >= entry.block.stop and found < self._log.next_seq:
            raise _Doubt  # it had to be in this block
        return found

    # --- the file -----------------------------------------------------------------------------

    def _search_file(self, timestamp: int, first: int) -> _Entry | None:
        """The entry of the block, or None when it is behind all that is in the file."""
        with self._opened(write=False) as env:
            if env is None:
                self._extend_recent(first, None)
                return None
            with env.begin() as txn, txn.cursor() as cursor:
                last = self._entry(cursor) if cursor.last() else None
                if last is not None and last.block.stop <= first:
                    last = None  # all of it was removed
                self._extend_recent(first, last)
                if last is None or last.latest < timestamp:
                    return None
                low, high = first, last.block.start
                while low < high:  # the first entry with latest >= timestamp starts at low..high
                    middle = (low + high) // 2
                    if not cursor.set_range(_KEY.pack(middle)):
                        raise _Doubt
                    entry = self._entry(cursor)
                    if entry.latest >= timestamp:
                        high = middle
                    else:
                        low = entry.block.start + 1
                if not cursor.set_range(_KEY.pack(low)):
                    raise _Doubt
                entry = self._entry(cursor)
                self._check_before(cursor, entry, timestamp, first)
                return entry

    def _check_before(self, cursor: Any, entry: _Entry, timestamp: int, first: int) -> None:
        """The block before must join, and hold nothing of the time looked for."""
        if entry.block.start <= first:
            return
        if not cursor.prev():
            raise _Doubt
        before = self._entry(cursor)
        if before.block.stop != entry.block.start or before.latest >= timestamp:
            raise _Doubt

    @staticmethod
    def _entry(cursor: Any) -> _Entry:
        return _Entry.unpack(bytes(cursor.key()), bytes(cursor.value()))

    def _catch_up(self, blocks_max: int | None = None) -> None:
        """Take the durable records into the file that are not in it yet."""
        first, durable = self._log.first_seq, self._log.durable_seq
        if self._caught_up == (first, durable):
            return
        with self._opened(write=True) as env:
            if env is None:
                return
            with env.begin(write=True) as txn, txn.cursor() as cursor:
                last = self._forget(cursor, first)
                # Nothing may lead past the last record, or to a segment that is another's.
                if last is not None and (
                    last.block.stop > durable + 1
                    or not Blocks(self._log, durable, durable).jump(last.block)
                ):
                    raise _Doubt
                # The last block may have been cut short by the end of the log: it is made again.
                before = self._entry(cursor) if last is not None and cursor.prev() else None
                for entry in islice(self._entries(first, durable + 1, before), blocks_max):
                    txn.put(*entry.pack())
        self._caught_up = (first, durable) if blocks_max is None else (-1, -1)

    def _forget(self, cursor: Any, first: int) -> _Entry | None:
        """Drop the entries of removed blocks, and their times from the others; the last entry."""
        dropped = False
        while cursor.first():
            entry = self._entry(cursor)
            if entry.block.stop > first:
                break
            cursor.delete()
            dropped = True
        if dropped:
            latest = None
            for key, value in cursor.iternext():
                entry = _Entry.unpack(bytes(key), bytes(value))
                latest = entry.block.latest if latest is None else max(latest, entry.block.latest)
                if latest == entry.latest:
                    break  # from here on they are as if nothing had been removed
                cursor.put(*_Entry(entry.block, latest).pack())
        return self._entry(cursor) if cursor.last() else None

    def _entries(self, first: int, end: int, last: _Entry | None) -> Iterator[_Entry]:
        start = first if last is None else last.block.stop
        if start >= end:
            return
        blocks = Blocks(self._log, start, end)
        if last is not None:
            blocks.jump(last.block)
        latest = None if last is None else last.latest
        for block in blocks:
            latest = block.latest if latest is None else max(latest, block.latest)
            yield _Entry(block, latest)

    @contextmanager
    def _opened(self, write: bool) -> Iterator[lmdb.Environment | None]:
        """The LMDB environment, or None where there is none that can be used."""
        import lmdb

        stamp = _Stamp(self._folder)
        if not self._use_file or not stamp.is_good():
            if not write:
                yield None
                return
            _remove(self._folder)
        try:
            if write:
                self._folder.mkdir(exist_ok=True)
                stamp.in_use()
            env = lmdb.open(
                str(self._folder), map_size=MAP_BYTES, readonly=not write, sync=False,
                create=write, readahead=False,
            )  # fmt: skip
        except (lmdb.Error, OSError):
            yield None  # it only makes things faster: a full or a read-only disk does without
            return
        try:
            if (env.info()["last_pgno"] + 1) * env.stat()["psize"] > stamp.data_bytes():
                raise _Doubt
            yield env
        except lmdb.Error as error:
            raise _Doubt from error
        finally:
            env.close()

    # --- what is not in the file --------------------------------------------------------------

    def _extend_recent(self, first: int, last: _Entry | None) -> None:
        """Know the blocks from `last` to the end of the log."""
        recent = self._recent
        start = first if last is None else last.block.stop
        if recent and (recent[0].block.start != start or self._log.mode == "a"):
            recent.clear()
        if recent:
            recent.pop()  # it may have grown
        before = recent[-1] if recent else last
        recent.extend(self._entries(first, self._log.next_seq, before))

    def _search_recent(self, timestamp: int) -> _Entry | None:
        at = bisect_left(self._recent, timestamp, key=lambda entry: entry.latest)
        return self._recent[at] if at < len(self._recent) else None


class _Stamp:
    """Whether data.mdb can be read without fear; see above."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "stamp"
        self._data = folder / "data.mdb"

    def data_bytes(self) -> int:
        return self._data.stat().st_size

    def _closed_text(self) -> bytes:
        data = self._data.read_bytes()
        return b"closed %d %08x" % (len(data), zlib.crc32(data))

    def is_good(self) -> bool:
        try:
            text = self._path.read_bytes()
            if text.startswith(b"in use "):
                return text == b"in use " + boot_id() and boot_id() != b""
            return text == self._closed_text()
        except OSError:
            return False

    def in_use(self) -> None:
        self._path.write_bytes(b"in use " + boot_id())

    def closed(self) -> None:
        self._path.write_bytes(self._closed_text())
