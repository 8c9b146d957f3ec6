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
    TruncatedError,
    WalError,
)
from fastcore.wal.check import Damage, Report, repair, verify
from fastcore.wal.cursor import Cursor
from fastcore.wal.log import Log, WalStats, open

__all__ = [
    "ClosedError",
    "CommitTimeoutError",
    "CorruptionError",
    "Cursor",
    "Damage",
    "LockedError",
    "Log",
    "MissingLogError",
    "ReadOnlyError",
    "Record",
    "Report",
    "TruncatedError",
    "WalError",
    "WalStats",
    "open",
    "repair",
    "verify",
]
