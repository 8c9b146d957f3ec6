"""Looking for damage in a whole log, and making it whole again."""

from __future__ import annotations

import os
import shutil
from datetime import datetime, timezone
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from fastcore._native import wal as _native

__all__ = ["Damage", "Report", "repair", "verify"]


class Damage(NamedTuple):
    """A stretch of a log that does not verify."""

    what: str
    """``"frames"`` of a segment, its ``"header"`` alone, whole ``"segments"`` in between, a
    ``"file"`` at either end of which nothing can be read, or bytes at the ``"end"``."""
    segment: int
    """Number of the file, as in ``wal_000001.bin``, and where in it:"""
    offset: int
    seq: int
    """The record that should be there."""
    records: int
    """How many are lost; 0 where that cannot be known."""
    next_segment: int
    """Where the log goes on:"""
    next_offset: int


class Report(NamedTuple):
    """What `verify` or `repair` found."""

    path: str
    segments: int
    bytes: int
    """Of the segment files."""
    records: int
    """That are there and verify."""
    first_seq: int
    next_seq: int
    lost: int
    """Records in the damaged stretches."""
    lost_before: int
    """Records that an earlier repair gave up."""
    torn: bool
    """The log ends in an incomplete record, as it does after a crash; `open` cuts it."""
    damage: tuple[Damage, ...]
    backup: str | None = None
    """Where `repair` put the files as they were."""

    @property
    def ok(self) -> bool:
        """Nothing is damaged. A torn end is no damage."""
        return not self.damage


def verify(path: str | PathLike[str]) -> Report:
    """Read every byte of a log's records and check it; nothing is changed.

    Parameters
    ----------
    path : str or os.PathLike
        The log's directory. Somebody may be writing to it.

    Returns
    -------
    Report
        `Report.ok` is True when all that should be there is there.

    Raises
    ------
    MissingLogError
        There is no log.

    Examples
    --------
    >>> import tempfile, fastcore.wal
    >>> directory = tempfile.TemporaryDirectory()
    >>> with fastcore.wal.open(directory.name + "/log") as log:
    ...     seqs = log.append_many([b"a", b"b", b"c"])
    >>> report = fastcore.wal.verify(directory.name + "/log")
    >>> report.ok, report.records, report.next_seq
    (True, 3, 3)
    >>> directory.cleanup()
    """
    return _report(path, *_native.check(path, False), None)


def repair(path: str | PathLike[str], *, backup: bool = True) -> Report:
    """Make a damaged log whole: what does not verify becomes a gap, all else stays as it is.

    Parameters
    ----------
    path : str or os.PathLike
        The log's directory. Nobody may be writing to it.
    backup : bool, default True
        First copy the files that will be changed to a new folder ``damaged-<time>`` in it.

    Returns
    -------
    Report
        What was damaged, and where the copies are. Numbers of records do not change: where
        some are lost, `Log.replay` makes a jump.

    Raises
    ------
    LockedError
        Somebody writes to the log.
    MissingLogError
        There is no log.
    """
    found = _native.check(path, False)
    kept = None
    if found[2] and backup:
        kept = _back_up(Path(os.fsdecode(path)), [Damage(*item) for item in found[2]])
    figures, torn, damage = _native.check(path, True)
    if damage:
        _remove_index(Path(os.fsdecode(path)))
    return _report(path, figures, torn, damage, kept)


def _report(
    path: str | PathLike[str],
    figures: dict[str, int],
    torn: bool,
    damage: list[tuple[str, int, int, int, int, int, int]],
    backup: Path | None,
) -> Report:
    return Report(
        os.fsdecode(path),
        **figures,
        torn=torn,
        damage=tuple(Damage(*item) for item in damage),
        backup=None if backup is None else str(backup),
    )


def _back_up(log: Path, damage: list[Damage]) -> Path:
    now = datetime.now(timezone.utc)
    folder = log / f"damaged-{now:%Y%m%dT%H%M%S.%fZ}"
    folder.mkdir()
    numbers = {
        number for item in damage for number in range(item.segment, max(item.next_segment, 1) + 1)
    }
    for number in sorted(numbers | {item.segment for item in damage}):
        file = log / f"wal_{number:06}.bin"
        if file.exists():
            with open(shutil.copy2(file, folder), "rb") as copy:
                os.fsync(copy.fileno())
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
    return folder


def _remove_index(log: Path) -> None:
    """It is made again, out of what is there now. The cursors stay."""
    (log / "index" / "stamp").unlink(missing_ok=True)
