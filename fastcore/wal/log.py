"""Opening a log, and what waits: following it, and committing from asyncio."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from os import PathLike
from typing import Literal, SupportsIndex

from fastcore._native import wal as _native
from fastcore._native.wal import Record

__all__ = ["Log", "open"]


class Log(_native.Log):
    """An open log; `fastcore.wal.open` makes one. All methods may be called from any thread."""

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
            where a power cut must not take back what was acted on.

        Raises
        ------
        ClosedError
            The log was closed.
        """
        pause = _pause(poll_ms)
        at = self.first_seq if start is None else start.__index__()
        while True:
            for record in self.replay(at):
                yield record
                at = record.seq + 1
            time.sleep(pause)

    async def afollow(
        self, start: SupportsIndex | None = None, *, poll_ms: float = 1
    ) -> AsyncIterator[Record]:
        """Do as `follow`, for ``async for``."""
        from asyncio import sleep

        pause = _pause(poll_ms)
        at = self.first_seq if start is None else start.__index__()
        while True:
            for record in self.replay(at):
                yield record
                at = record.seq + 1
            await sleep(pause)


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
    recovery: Literal["tail", "strict"] = "tail",
    create: bool = True,
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
    recovery : {"tail", "strict"}, default "tail"
        What to do with a record at the end that a crash left incomplete: cut it,
        or raise `CorruptionError`. It was never confirmed. Damage to records
        that were is an error in both.
    create : bool, default True
        Make the directory and the log where there is none.

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
    )
