"""A write-ahead log: what is confirmed survives a crash, at the speed of memory until you ask."""

from __future__ import annotations

from fastcore._native.wal import Record
from fastcore.errors import (
    ClosedError,
    CommitTimeoutError,
    CorruptionError,
    LockedError,
    MissingLogError,
    ReadOnlyError,
    WalError,
)
from fastcore.wal.log import Log, open

__all__ = [
    "ClosedError",
    "CommitTimeoutError",
    "CorruptionError",
    "LockedError",
    "Log",
    "MissingLogError",
    "ReadOnlyError",
    "Record",
    "WalError",
    "open",
]
