"""What `fastcore ingest` makes of a record: which fields, which records, which time.

The digest of a `Recipe` is stored with each source's position, since a position
is of use only to the same recipe. `fastcore.cli.extract` applies it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from fastcore.cli.arguments import UsageError

__all__ = ["NANOSECONDS", "Recipe", "parse_selection", "read_patterns"]

NANOSECONDS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}


@dataclass(frozen=True)
class Recipe:
    """The options that decide what the log gets.

    Attributes
    ----------
    selections : tuple of (name, path)
        The payload is a JSON object of these; without any it is the record's own text.
    patterns : tuple of str
        Records that contain one of them are kept; without any, and without `regexes`, all are.
    regexes : tuple of str
        Records that one of them matches are kept as well.
    ignore_case : bool
        As for `fastcore.text.Matcher`.
    match_field : str or None
        Path of the string to look into; None: the record's JSON text.
    timestamp : str or None
        Path of the time of a record; None: the time of its appending.
    timestamp_unit : {"s", "ms", "us", "ns"}
        What a number there counts.
    on_error : {"raise", "skip"}
        What happens at invalid JSON.
    """

    selections: tuple[tuple[str, str], ...] = ()
    patterns: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()
    ignore_case: bool = False
    match_field: str | None = None
    timestamp: str | None = None
    timestamp_unit: str = "ns"
    on_error: Literal["raise", "skip"] = "raise"

    def digest(self) -> str:
        """Return a fingerprint of all of it."""
        return hashlib.blake2b(json.dumps(asdict(self)).encode(), digest_size=12).hexdigest()


def parse_selection(text: str) -> tuple[str, str]:
    """Split ``NAME=PATH``; a path alone is its own name.

    An equals sign inside a JSONPath or a JSON Pointer is part of the path.

    >>> parse_selection("user.id"), parse_selection("id=user.id"), parse_selection("$['a=b']")
    (('user.id', 'user.id'), ('id', 'user.id'), ("$['a=b']", "$['a=b']"))
    """
    name, equals, path = text.partition("=")
    if not equals or text.startswith(("$", "/")):
        return text, text
    if not (name and path):
        raise UsageError(f"--select takes PATH or NAME=PATH, not {text!r}")
    return name, path


def read_patterns(lines: bytes, name: str) -> Sequence[str]:
    """Split the contents of a pattern file: one per line, empty lines mean nothing."""
    try:
        text = lines.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: patterns must be UTF-8: {error}") from None
    return [line for line in text.replace("\r\n", "\n").split("\n") if line]
