"""Opening a log."""

from __future__ import annotations

from os import PathLike
from typing import Literal

from fastcore._native.wal import Log

__all__ = ["Log", "open"]


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
