"""The keywords that all functions of fastcore.json share, checked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fastcore.errors import DecodeError
from fastcore.json.paths import Path, parse

__all__ = ["DecoderStats", "Numbers", "OnError", "OnMismatch"]

OnError: TypeAlias = "Literal['raise', 'skip'] | Callable[[DecodeError], object]"
OnMismatch: TypeAlias = "Literal['raise', 'null']"
Numbers: TypeAlias = "Literal['float', 'decimal']"

MAX_DEPTH = 1024
MAX_RECORD_BYTES = 64 << 20
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class DecoderStats:
    """What a decoder has done so far.

    Attributes
    ----------
    bytes : int
        Taken in, whether decoded already or not.
    records : int
        Good ones, delivered.
    skipped : int
        Bad ones passed over, by ``on_error``.
    errors : int
        Bad ones in all.
    position : int
        Offset in the stream just after the last record that is over with: where a
        reader that starts anew finds the next one.
    """

    bytes: int
    records: int
    skipped: int
    errors: int
    position: int


@dataclass(frozen=True, slots=True)
class Options:
    """Checked keywords, as the native readers take them."""

    on_error: OnError
    on_mismatch: OnMismatch
    validate: bool
    max_depth: int
    max_record_bytes: int
    numbers: Numbers
    root: tuple[tuple[int, bool, Path], ...] | None = None


def _positive(name: str, value: object, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if not 1 <= value <= most:
        raise ValueError(f"{name} must be from 1 to {most}, not {value}")
    return value


def _root(path: object) -> tuple[tuple[int, bool, Path], ...] | None:
    """The paths of the records inside each top-level value; None: these are the records."""
    if not isinstance(path, str):
        raise TypeError(f"root must be a path (a str) or None, not {type(path).__name__}")
    paths = parse(path)
    return None if () in paths else tuple((0, False, steps) for steps in paths)


def check_options(
    *,
    on_error: OnError = "raise",
    on_mismatch: OnMismatch = "raise",
    validate: bool = True,
    max_depth: int = MAX_DEPTH,
    max_record_bytes: int = MAX_RECORD_BYTES,
    numbers: Numbers = "float",
    root: str | None = None,
) -> Options:
    """Check the common keywords; errors name the one that is wrong."""
    if not callable(on_error) and on_error not in ("raise", "skip"):
        raise ValueError(f"on_error must be 'raise', 'skip' or a function, not {on_error!r}")
    if on_mismatch not in ("raise", "null"):
        raise ValueError(f"on_mismatch must be 'raise' or 'null', not {on_mismatch!r}")
    if numbers not in ("float", "decimal"):
        raise ValueError(f"numbers must be 'float' or 'decimal', not {numbers!r}")
    return Options(
        on_error,
        on_mismatch,
        bool(validate),
        _positive("max_depth", max_depth, 1 << 30),
        _positive("max_record_bytes", max_record_bytes, 1 << 40),
        numbers,
        None if root is None else _root(root),
    )
