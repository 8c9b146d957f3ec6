"""A line on the terminal that says how far the work is, how fast, and how long it will take."""

from __future__ import annotations

import shutil
import sys
import time

from fastcore._sources import Source
from fastcore.cli import terminal

__all__ = ["Progress"]

# Often enough to look alive, seldom enough to cost nothing.
REDRAW_SECONDS = 0.1


class Progress:
    """The progress of one source after another; silent where standard error is no terminal.

    Parameters
    ----------
    quiet : bool
        Say nothing in any case.
    """

    def __init__(self, quiet: bool) -> None:
        self._enabled = not quiet and terminal.is_terminal(2)
        self._plain = terminal.is_plain()
        self._drawn_bytes = 0
        self._next_draw = 0.0

    def begin(self, source: Source) -> None:
        """Start to measure at where `source` stands now."""
        self._source = source
        self._began = time.monotonic()
        self._began_at = source.position

    def update(self, unpacked_bytes: int, read: int, kept: int) -> None:
        """Redraw if it is time: bytes and records of this run so far."""
        if not self._enabled:
            return
        now = time.monotonic()
        if now >= self._next_draw:
            self._next_draw = now + REDRAW_SECONDS
            self._draw(self._line(now - self._began, unpacked_bytes, read, kept))

    def _line(self, seconds: float, unpacked_bytes: int, read: int, kept: int) -> str:
        source = self._source
        seconds = max(seconds, 1e-6)
        parts = [
            f"{terminal.size(unpacked_bytes / seconds)}/s",
            f"{terminal.count(round(read / seconds))} records/s",
            f"read {terminal.count(read)}",
            f"kept {terminal.count(kept)}",
        ]
        done = source.position - self._began_at
        if source.size:
            parts.insert(0, f"{min(100, 100 * source.position // source.size):3}%")
            if done and source.position <= source.size:
                left = (source.size - source.position) * seconds / done
                parts.append(f"{terminal.duration(left)} left")
        return f"{source.name}  " + "  ".join(parts)

    def _draw(self, line: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        line = line.encode("ascii", "replace").decode()
        if len(line) > width:  # the figures are worth more than the name's beginning
            line = line[-width:]
        erase = " " * max(0, self._drawn_bytes - len(line)) if self._plain else "\x1b[K"
        sys.stderr.write(f"\r{line}{erase}")
        sys.stderr.flush()
        self._drawn_bytes = len(line)

    def clear(self) -> None:
        """Remove the line, so that others can write."""
        if self._drawn_bytes:
            erase = " " * self._drawn_bytes + "\r" if self._plain else "\x1b[K"
            sys.stderr.write(f"\r{erase}")
            sys.stderr.flush()
            self._drawn_bytes = 0
        self._next_draw = 0.0
