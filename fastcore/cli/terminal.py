"""What goes to a terminal and what goes to a pipe: the one place that decides."""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["bold", "count", "duration", "is_terminal", "note", "size", "write_json"]


def is_terminal(descriptor: int) -> bool:
    """Say whether people read this descriptor (1 or 2)."""
    try:
        return os.isatty(descriptor)
    except OSError:  # closed
        return False


def is_plain() -> bool:
    """Say whether escape sequences are unwelcome: https://no-color.org, or a dumb terminal."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM", "dumb") == "dumb"


def bold(text: str) -> str:
    """Return `text` in bold where standard output shows it."""
    return text if is_plain() or not is_terminal(1) else f"\x1b[1m{text}\x1b[0m"


def write_json(value: Any) -> None:
    """Write `value` to standard output as one line of JSON."""
    import orjson

    write_line(orjson.dumps(value))


def write_line(line: bytes) -> None:
    """Write bytes and a newline to standard output, after whatever was printed before."""
    sys.stdout.flush()
    sys.stdout.buffer.write(line + b"\n")


def note(text: str) -> None:
    """Print one line on standard error."""
    print("fastcore: " + " ".join(text.split()), file=sys.stderr)


def size(size_bytes: float) -> str:
    """Return a number of bytes for people, in powers of 1000.

    >>> size(999), size(17_106_256), size(2.5e9)
    ('999 B', '17.1 MB', '2.50 GB')
    """
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size_bytes < 999.5 or unit == "TB":
            break
        size_bytes /= 1000
    digits = 0 if unit == "B" or size_bytes >= 99.95 else 1 if size_bytes >= 9.995 else 2
    return f"{size_bytes:.{digits}f} {unit}"


def count(number: int) -> str:
    """Return a number with its thousands set apart.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,}"


def duration(seconds: float) -> str:
    """Return a time for people.

    >>> duration(0.0423), duration(9.96), duration(75), duration(7384)
    ('0.04 s', '10.0 s', '1:15', '2:03:04')
    """
    if seconds < 59.95:
        return f"{seconds:.{2 if seconds < 1 else 1}f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
