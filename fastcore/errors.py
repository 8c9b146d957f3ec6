"""The exception tree. Every error of fastcore derives from `Error`.

Each class also inherits the builtin that a caller would expect, so that
``except ValueError`` or ``except OSError`` around other libraries' code keeps
working when fastcore takes their place.
"""

from __future__ import annotations

from json.decoder import JSONDecodeError
from typing import Any

__all__ = [
    "AuthenticationFailed",
    "BackendUnavailable",
    "ClientClosed",
    "ClosedError",
    "CommitTimeoutError",
    "CorruptionError",
    "DecodeError",
    "Error",
    "GroupMismatch",
    "LockedError",
    "MessageExpired",
    "MessageSettled",
    "MissingLogError",
    "PathError",
    "PayloadTooLarge",
    "QueueError",
    "QueueNameError",
    "ReadOnlyError",
    "SourceError",
    "StorageFull",
    "TruncatedError",
    "WalError",
]


class Error(Exception):
    """The root of all errors that fastcore raises by itself."""


class DecodeError(Error, JSONDecodeError):
    """The input is not what RFC 8259 calls JSON, or passes a limit.

    Parameters
    ----------
    msg : str
        What is wrong, without the place.
    pos : int
        Byte offset of the first wrong byte, counted from the start of the stream.
    lineno, colno : int
        The same place as a line and a column, both from 1, columns in bytes.
    record : int
        Index of the record that holds it, from 0.
    excerpt : str
        The text around the place.

    Attributes
    ----------
    msg, pos, lineno, colno, record, excerpt
        As above.
    completed : list
        From `fastcore.json.Decoder.feed`: the values of the same chunk before the error.
    doc : str
        The excerpt, where `json.JSONDecodeError` keeps the whole document.
    """

    def __init__(
        self, msg: str, pos: int, lineno: int, colno: int, record: int = 0, excerpt: str = ""
    ) -> None:
        text = f"{msg}: line {lineno} column {colno} (byte {pos}, record {record})"
        if excerpt:
            text += f", near {excerpt!r}"
        # JSONDecodeError.__init__ would count lines in a document that nobody holds.
        ValueError.__init__(self, text)
        self.msg = msg
        self.doc = excerpt
        self.pos = pos
        self.lineno = lineno
        self.colno = colno
        self.record = record
        self.excerpt = excerpt
        self.completed: list[Any] = []

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, int, int, int, int, str]]:
        return type(self), (
            self.msg,
            self.pos,
            self.lineno,
            self.colno,
            self.record,
            self.excerpt,
        )


class PathError(Error, ValueError):
    """A path is not one that a single forward pass can follow; says where and why."""


class SourceError(Error, OSError):
    """A source cannot be opened or read to its end; `filename` is its name."""


class WalError(Error, OSError):
    """A write-ahead log could not do what was asked; `errno` is the system's, if it refused."""


class CorruptionError(WalError):
    """A log's bytes contradict their checksums.

    Attributes
    ----------
    segment : int
        Number of the file, as in ``wal_000001.bin``.
    offset : int
        Where in that file, in bytes.
    seq : int
        The record that should have been there.
    """

    segment = 0
    offset = 0
    seq = 0


class MissingLogError(WalError, FileNotFoundError):
    """There is no log at the path, and the mode does not make one."""


class CommitTimeoutError(WalError, TimeoutError):
    """The records are not on stable storage yet; they may be at any moment."""


class LockedError(WalError):
    """Another process (or another `Log` of this one) writes to this log."""


class ReadOnlyError(WalError):
    """The log was opened for reading."""


class TruncatedError(WalError):
    """The records asked for were removed: by `truncate_before`, `max_bytes` or `max_age`."""


class ClosedError(WalError):
    """The log was closed, or belongs to the process that this one was forked from."""


class QueueError(Error):
    """A task queue could not do what was asked; the message says what to do."""


class BackendUnavailable(QueueError, ConnectionError):
    """The server, or the process that serves the directory, does not answer.

    After a publish: the messages may have been stored or not. Publish again with
    the same `id` to have them stored once.
    """


class AuthenticationFailed(BackendUnavailable, PermissionError):
    """The server answers and refuses the user, the password or the certificate."""


class MessageExpired(QueueError, TimeoutError):
    """`ack_wait` passed before the message was settled: it is being delivered again."""


class MessageSettled(QueueError):
    """The message was acknowledged, given back or terminated before."""


class QueueNameError(QueueError, ValueError):
    """A stream, group or consumer cannot have this name on every backend."""


class PayloadTooLarge(QueueError, ValueError):
    """A message is larger than the backend takes; nothing of the batch was stored."""


class StorageFull(QueueError, OSError):
    """No space is left for messages; what was confirmed is safe."""


class GroupMismatch(QueueError):
    """Something of this name exists on the server and is not what this client makes."""


class ClientClosed(QueueError):
    """The client was closed, or never opened with ``async with``."""
