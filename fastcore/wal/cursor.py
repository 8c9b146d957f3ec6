"""Named places in a log: how far each of its readers has come."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex

from fastcore.errors import CommitTimeoutError, CorruptionError, WalError

if TYPE_CHECKING:
    import lmdb

    from fastcore.wal.log import Log

__all__ = ["Cursor"]

FILE = Path("index") / "cursors.mdb"
MAP_BYTES = 64 << 20
NAME_BYTES_MAX = 255
POLL_SECONDS = 0.001
WAIT_SECONDS_MAX = 10

# By the file's path: LMDB does not allow a second opening in a process.
_open: dict[str, lmdb.Environment] = {}
_open_lock = threading.Lock()

if hasattr(os, "register_at_fork"):
    # A child has no business with its parent's environments; it opens its own.
    os.register_at_fork(after_in_child=_open.clear)


class Cursor:
    """A durable place in a log, under a name; `Log.cursor` makes one.

    Cursors are kept beside the segments, in ``index/cursors.mdb``, so processes that only read the
    log can save theirs while another writes. The last one to save a name wins.
    """

    def __init__(self, log: Log, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, not {type(name).__name__}")
        self._key = name.encode()
        if not 0 < len(self._key) <= NAME_BYTES_MAX:
            raise ValueError(f"name must have 1 to {NAME_BYTES_MAX} bytes, not {len(self._key)}")
        self._log = log
        self.name = name

    @property
    def seq(self) -> int:
        """What was saved last; the log's first record where nothing was."""
        self._log._check_open()
        first = self._log.first_seq
        value = None
        with _environment(self._log, create=False) as env:
            if env is not None:
                with env.begin() as txn:
                    value = txn.get(self._key)
        return first if value is None else int.from_bytes(value, "little")

    def save(self, seq: SupportsIndex) -> None:
        """Set the place; it is on stable storage, with the records before it, on return.

        Parameters
        ----------
        seq : int
            By convention the next record to read, so that ``log.replay(cursor.seq)`` goes on.

        Raises
        ------
        ValueError
            There is no record before `seq` yet.
        """
        self._log._check_open()
        at = index(seq)
        if not 0 <= at <= self._log.next_seq:
            raise ValueError(f"seq must be 0 to {self._log.next_seq}, the next record, not {at}")
        self._wait_durable(at - 1)
        with _environment(self._log, create=True) as env:
            assert env is not None
            with env.begin(write=True) as txn:
                txn.put(self._key, at.to_bytes(8, "little"))

    def _wait_durable(self, last: int) -> None:
        """A place must not survive a power cut that its records do not."""
        if last < 0 or self._log.durable_seq >= last:
            return
        if self._log.mode == "a":
            self._log.commit(last)
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while self._log.durable_seq < last:  # the writer's business, in another process
            if time.monotonic() > deadline:
                raise CommitTimeoutError(
                    f"record {last} is not on stable storage after {WAIT_SECONDS_MAX} s: "
                    "its writer has not committed it"
                )
            time.sleep(POLL_SECONDS)

    def __repr__(self) -> str:
        return f"Cursor({self.name!r}, seq={self.seq})"


@contextmanager
def _environment(log: Log, create: bool) -> Iterator[lmdb.Environment | None]:
    """The LMDB environment, or None where there is none yet; LMDB's errors as the log's own."""
    import lmdb

    path = Path(log.path) / FILE
    try:
        # Held all the while: closing an environment that is being used would crash.
        with _open_lock:
            yield _opened(path, create)
    except (lmdb.InvalidError, lmdb.CorruptedError, lmdb.PageNotFoundError) as error:
        raise CorruptionError(
            f"the cursors in {path} cannot be read ({error}); the log can: remove that file to "
            "begin with new cursors"
        ) from error
    except lmdb.Error as error:
        raise WalError(f"cursors in {path}: {error}") from error


def _opened(path: Path, create: bool) -> lmdb.Environment | None:
    import lmdb

    name = os.path.realpath(path)
    there = path.exists()
    env = _open.get(name)
    if env is not None and there:
        return env
    if env is not None:  # somebody removed the file
        _open.pop(name).close()
    if not there and not create:
        return None
    path.parent.mkdir(exist_ok=True)
    env = lmdb.open(str(path), subdir=False, map_size=MAP_BYTES)
    if (env.info()["last_pgno"] + 1) * env.stat()["psize"] > path.stat().st_size:
        env.close()
        raise lmdb.CorruptedError("the file was cut short")
    if not there:
        for folder in (path.parent, path.parent.parent):
            _sync_directory(folder)
    _open[name] = env
    return env


def _sync_directory(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def close_all(log: Log) -> None:
    """Let go of what the cursors of a log have open in this process."""
    with _open_lock:
        env = _open.pop(os.path.realpath(Path(log.path) / FILE), None)
        if env is not None:
            env.close()
