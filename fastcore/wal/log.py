"""Opening a log, and what waits: following it, and committing from asyncio."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from operator import index
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, SupportsIndex

import numpy as np

from fastcore._native import wal as _native
from fastcore._native.wal import Record
from fastcore.errors import TruncatedError, WalError
from fastcore.wal.cursor import Cursor, close_all
from fastcore.wal.index import TimeIndex

if TYPE_CHECKING:  # numpy.typing takes as long to import as all of fastcore
    import numpy.typing as npt
    from numpy.typing import ArrayLike, DTypeLike

__all__ = ["Log", "WalStats", "open"]


class WalStats(NamedTuple):
    """Figures about a log; the times are nanoseconds, all from `syncs` on are since `open`."""

    first_seq: int
    next_seq: int
    durable_seq: int
    segments: int
    segment_bytes: int
    """Of all segment files, those made ready too."""
    ring_bytes: int
    ring_used: int
    """Bytes of the ring that are not in a segment yet."""
    written_bytes: int
    """To segments, since `open`."""
    syncs: int
    sync_ns: int
    """Time spent in all of them."""
    sync_ns_max: int
    rolls: int
    """Segments begun."""
    recycled: int
    """Of the files for them, how many had been used before."""
    removed: int
    """Segments that `truncate_before`, `max_bytes` and `max_age` removed."""


class Log(_native.Log):
    """An open log; `fastcore.wal.open` makes one. All methods may be called from any thread."""

    _time_index: TimeIndex | None = None

    async def acommit(self, seq: SupportsIndex | None = None) -> int:
        """Do as `commit`, without holding up the event loop.

        Parameters
        ----------
        seq : int, optional
            The last record to wait for; default all that are in the log now.

        Returns
        -------
        int
            The last record that is on stable storage.
        """
        import asyncio  # takes longer to import than the rest of fastcore, and few need it

        return await asyncio.to_thread(self.commit, seq)

    def append_array(self, timestamps: ArrayLike | None, values: ArrayLike) -> range:
        """Append a record for each row of an array, without a loop in Python.

        Parameters
        ----------
        timestamps : array of int64 or datetime64, shape (n,), or None
            Nanoseconds since 1970; None: now, for all of them.
        values : array, shape (n,) or (n, k)
            Of any type of fixed width. A row's bytes, as they are in memory, are the payload.

        Returns
        -------
        range
            The sequence numbers.

        Raises
        ------
        TypeError
            The values are Python objects, or the timestamps no integers.
        ValueError
            The shapes do not fit each other, or a row is longer than a payload may be.

        Examples
        --------
        >>> import tempfile, numpy, fastcore.wal
        >>> directory = tempfile.TemporaryDirectory()
        >>> with fastcore.wal.open(directory.name + "/log") as log:
        ...     seqs = log.append_array([10, 20], numpy.array([[1.5, 2.5], [3.5, 4.5]]))
        ...     times, values = log.read_array("float64")
        >>> seqs, times.tolist(), values.tolist()
        (range(0, 2), [10, 20], [[1.5, 2.5], [3.5, 4.5]])
        >>> directory.cleanup()
        """
        rows = np.ascontiguousarray(values)
        if rows.dtype.hasobject:
            raise TypeError(f"values must be of a type of fixed width, not {rows.dtype}")
        if np.ndim(values) == 0:
            raise ValueError("values must have a row for each record, not be a scalar")
        count = len(rows)
        row_bytes = rows.dtype.itemsize * int(np.prod(rows.shape[1:], dtype=np.int64))
        return self._append_rows(
            None if timestamps is None else _times(timestamps, count).data,
            rows.reshape(-1).view(np.uint8).data if rows.size else b"",
            row_bytes,
            count,
        )

    def read_array(
        self,
        dtype: DTypeLike,
        start: SupportsIndex | None = None,
        stop: SupportsIndex | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
        """Read records of one size into arrays; the inverse of `append_array`.

        Parameters
        ----------
        dtype : data type
            Of fixed width. The payloads are one item each, or the same number of items.
        start, stop : int, optional
            The records with start <= seq < stop; default all that there are.

        Returns
        -------
        timestamps : ndarray of int64, shape (n,)
        values : ndarray of dtype, shape (n,) or, with k > 1 items a record, (n, k)
            Arrays of their own. In the files there is a header between two rows, so a dense
            array cannot be a view of them; the bytes are checked and copied in one go.

        Raises
        ------
        ValueError
            A record has another size than the first, or its size is no multiple of the item's.
        CorruptionError, TruncatedError
            As from `replay`.
        """
        item = np.dtype(dtype)
        if item.hasobject:
            raise TypeError(f"dtype must be of fixed width, not {item}")
        first = self.first_seq if start is None else max(start.__index__(), self.first_seq)
        end = self.next_seq if stop is None else min(stop.__index__(), self.next_seq)
        count = max(end - first, 0)
        record = next(self.replay(first, end), None) if count else None
        row_bytes = item.itemsize if record is None else len(record.payload)
        if row_bytes == item.itemsize:
            shape: tuple[int, ...] = (count,)
        elif item.itemsize == 0 or row_bytes % item.itemsize or item.subdtype is not None:
            raise ValueError(
                f"record {first} has {row_bytes} bytes; items of {item} have {item.itemsize}"
            )
        else:
            shape = (count, row_bytes // item.itemsize)
        times = np.empty(count, np.int64)
        values = np.empty(shape, item)
        data = values.reshape(-1).view(np.uint8).data if values.size and row_bytes else bytearray()
        done = _native.read_rows(self, first, row_bytes, times.data, data) if count else 0
        if done < count:
            raise TruncatedError(f"record {first + done} was removed to free space")
        return times, values

    def seek(self, timestamp: SupportsIndex) -> int:
        """Return the number of the first record whose time is at or after `timestamp`.

        Parameters
        ----------
        timestamp : int
            Nanoseconds since 1970.

        Returns
        -------
        int
            `next_seq` where there is no such record. Times may be out of order: all records
            before the one found are of earlier times, those behind it may be of any.

        Notes
        -----
        A sparse index, kept in the folder ``index`` with LMDB, finds the block of some hundred
        KiB that holds the record. It is brought up to date here and when the log is closed,
        by reading the records that are new since. Whatever happens to it, it is made again.
        """
        self._check_open()
        try:
            time_ns = index(timestamp)
        except TypeError:
            kind = type(timestamp).__name__
            raise TypeError(f"timestamp must be an int, not {kind}") from None
        if time_ns >= 1 << 63:
            return self.next_seq
        return self._index().seek(max(time_ns, -(1 << 63)))

    def cursor(self, name: str) -> Cursor:
        """Return the cursor of this name: a durable place in the log.

        Parameters
        ----------
        name : str
            1 to 255 bytes in UTF-8.

        Returns
        -------
        Cursor
            Its `seq` is what was last saved, or the first record of the log.

        Examples
        --------
        >>> import tempfile, fastcore.wal
        >>> directory = tempfile.TemporaryDirectory()
        >>> with fastcore.wal.open(directory.name + "/log") as log:
        ...     seqs = log.append_many([b"a", b"b", b"c"])
        ...     cursor = log.cursor("mailer")
        ...     for record in log.replay(cursor.seq, 2):
        ...         cursor.save(record.seq + 1)
        >>> with fastcore.wal.open(directory.name + "/log", "r") as log:
        ...     log.cursor("mailer").seq
        2
        >>> directory.cleanup()
        """
        self._check_open()
        return Cursor(self, name)

    def close(self) -> None:
        """Commit, and let go of the log. Closing twice is fine."""
        if not self.closed and self.mode == "a" and self._stats()["segments"] > 1:
            try:
                self.commit()
                self._index().close()
            except WalError:
                pass  # the close says what it was
        super().close()
        close_all(self)

    def _index(self) -> TimeIndex:
        if self._time_index is None:
            self._time_index = TimeIndex(self)
        return self._time_index

    def stats(self) -> WalStats:
        """Return figures about the log: what is on disk, and what was done since `open`."""
        figures = self._stats()
        return WalStats(
            first_seq=self.first_seq,
            next_seq=self.next_seq,
            durable_seq=self.durable_seq,
            **figures,
        )

    def follow(self, start: SupportsIndex | None = None, *, poll_ms: float = 1) -> Iterator[Record]:
        """Yield records as they come, from this process or another, without an end.

        Parameters
        ----------
        start : int, optional
            The first record; default the first there is.
        poll_ms : float, default 1
            How long to wait between two looks when there is nothing new, in milliseconds.

        Yields
        ------
        Record
            In order. A record may be seen before it is durable: compare with `durable_seq`
            where a power cut must not take back what was acted on. Where records were removed
            before they were read, it goes on with the first there is: `seq` makes a jump.

        Raises
        ------
        ClosedError
            The log was closed.
        """
        pause = _pause(poll_ms)
        records = self._follower(start)
        while True:
            try:
                yield from records
            except TruncatedError:
                records = self._follower(None)
                continue
            time.sleep(pause)

    async def afollow(
        self, start: SupportsIndex | None = None, *, poll_ms: float = 1
    ) -> AsyncIterator[Record]:
        """Do as `follow`, for ``async for``."""
        from asyncio import sleep

        pause = _pause(poll_ms)
        records = self._follower(start)
        while True:
            try:
                for record in records:
                    yield record
            except TruncatedError:
                records = self._follower(None)
                continue
            await sleep(pause)


def _times(timestamps: ArrayLike, count: int) -> npt.NDArray[np.int64]:
    """The timestamps as one contiguous array of int64."""
    times = np.asarray(timestamps)
    if times.dtype.kind == "M":
        times = times.astype("datetime64[ns]").view(np.int64)
    elif times.size == 0:
        times = times.astype(np.int64)
    if times.dtype.kind not in "iu":
        raise TypeError(f"timestamps must be integers or datetime64, not {times.dtype}")
    if times.shape != (count,):
        raise ValueError(f"timestamps of shape {times.shape} for {count} rows of values")
    if times.dtype == np.uint64 and times.size and int(times.max()) >= 1 << 63:
        raise ValueError("timestamps must fit 64 bits, signed")
    return np.ascontiguousarray(times, np.int64)


def _pause(poll_ms: float) -> float:
    if not poll_ms > 0:
        raise ValueError(f"poll_ms must be more than 0, not {poll_ms!r}")
    return poll_ms / 1000


def open(
    path: str | PathLike[str],
    mode: Literal["a", "r"] = "a",
    *,
    segment_bytes: int = 64 * 1024 * 1024,
    durability: Literal["sync", "batch", "async"] = "batch",
    batch_bytes: int = 1024 * 1024,
    batch_ms: int = 5,
    recovery: Literal["tail", "strict", "salvage"] = "tail",
    create: bool = True,
    max_bytes: int | None = None,
    max_age: float | None = None,
) -> Log:
    """Open the log in the directory `path`, recovering what a crash left.

    Parameters
    ----------
    path : str or os.PathLike
        A directory. One process at a time may write to it, any number may read.
    mode : {"a", "r"}, default "a"
        Append and read, or read only. Reading takes no lock and changes nothing.
    segment_bytes : int, default 64 MiB
        Size of the files that are begun from now on, 16 KiB to 1 GiB. A payload
        may be as long as this less 8 KiB.
    durability : {"batch", "sync", "async"}, default "batch"
        When appended records go to stable storage. ``"sync"``: before `append`
        returns; threads that append at the same time share one sync.
        ``"batch"``: a thread of the log syncs after `batch_bytes` or `batch_ms`.
        ``"async"``: the kernel writes back when it likes. With all three,
        `Log.commit` waits until they are.
    batch_bytes : int, default 1 MiB
        Sync when so many bytes are waiting.
    batch_ms : int, default 5
        Sync when the oldest waits so long, in milliseconds, 1 to 3600000.
    recovery : {"tail", "strict", "salvage"}, default "tail"
        ``"tail"``: a record at the end that a crash left incomplete is cut; it was
        never confirmed. Damage to records that were is a `CorruptionError`.
        ``"strict"``: that tail is one too. ``"salvage"``: the whole log is read
        first, and damage stepped over: `replay` makes a jump where records are
        lost. In mode "a" the log is then made whole, as by `repair` without a
        backup.
    create : bool, default True
        Make the directory and the log where there is none.
    max_bytes : int, optional
        Remove the oldest segments when all of them, with the next one that is made
        ready, have more bytes. The one that is written to stays.
    max_age : float, optional
        Remove segments whose last record was appended longer ago, in seconds. The
        one that is written to stays.

    Returns
    -------
    Log
        A context manager; leaving it closes the log, which commits.

    Raises
    ------
    LockedError
        Somebody writes to this log. Not raised for mode "r".
    CorruptionError
        Bytes contradict their checksums; has `segment`, `offset` and `seq`.
    MissingLogError
        No log is there, and the mode or `create` does not allow to make one;
        also a `FileNotFoundError`.
    WalError
        The system refused: no right, no space for the first segment, ...

    Notes
    -----
    The format is described, byte by byte, in docs/format/wal.md, the promises
    in docs/guide/wal.md.

    Examples
    --------
    >>> import tempfile, fastcore.wal
    >>> directory = tempfile.TemporaryDirectory()
    >>> with fastcore.wal.open(directory.name + "/log") as log:
    ...     seq = log.append(b"first", timestamp=1)
    ...     many = log.append_many([b"second", b"third"], timestamps=[2, 3])
    ...     durable = log.commit()
    >>> seq, many, durable
    (0, range(1, 3), 2)
    >>> with fastcore.wal.open(directory.name + "/log", "r") as log:
    ...     for record in log.replay(start=1):
    ...         print(record.seq, record.timestamp, bytes(record.payload))
    1 2 b'second'
    2 3 b'third'
    >>> directory.cleanup()
    """
    return Log(
        path,
        mode,
        segment_bytes=segment_bytes,
        durability=durability,
        batch_bytes=batch_bytes,
        batch_ms=batch_ms,
        recovery=recovery,
        create=create,
        max_bytes=max_bytes,
        max_age=max_age,
    )
