"""Files that give text where bytes are wanted."""

from __future__ import annotations

import warnings
from typing import Any

__all__ = ["bytes_reader", "utf8reader", "warn_of_text"]


def warn_of_text() -> None:
    """Say that text is encoded again on its way in."""
    warnings.warn(
        "JSON is read as bytes, and this source gives str: it is encoded again, piece by piece. "
        "Open files in binary mode ('rb') instead.",
        DeprecationWarning,
        stacklevel=2,
    )


class utf8reader:
    """A file of bytes over one of text."""

    def __init__(self, str_reader: Any) -> None:
        self.str_reader = str_reader

    def read(self, n: int) -> bytes:
        """Read `n` characters; return their bytes."""
        text: str = self.str_reader.read(n)
        return text.encode("utf-8")


def bytes_reader(f: Any) -> Any:
    """Return `f` if it reads bytes, else something over it that does."""
    if isinstance(f.read(0), bytes):
        return f
    warn_of_text()
    return utf8reader(f)
