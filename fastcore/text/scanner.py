"""Matches in a text that comes in chunks, as if it came whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastcore._matches import Matches
from fastcore._native import text as _native

__all__ = ["Scanner"]

# Bytes before and after a match that tell whether a word ends there: one character.
_CHARACTER_BYTES = 4

# Patterns up to this length are looked for in every chunk; longer ones wait for more of them.
_PROMPT_BYTES = 4096


class Scanner:
    """What `Matcher.scanner` returns: `feed` it chunks, then `close` it.

    One thread at a time. Memory: the last chunk, and of those before as much as a match may
    still begin in: a few bytes more than the longest pattern (twice, where that is over 4 KiB).

    Notes
    -----
    A match is reported once nothing that follows can change it. For the leftmost kinds that is
    when a pattern of the greatest length, begun at the same place, would have ended; so `close`
    has to be called for the last ones.

    Examples
    --------
    >>> from fastcore.text import Matcher
    >>> scanner = Matcher([b"needle"]).scanner()
    >>> [tuple(match) for chunk in (b"a nee", b"dle, ") for match in scanner.feed(chunk)]
    [(0, 2, 8)]
    >>> len(scanner.close())
    0
    """

    def __init__(self, matcher: _native.Matcher) -> None:
        self._stream = _native.Stream(matcher)
        self._overlapping = matcher.match == "overlapping"
        self._words = matcher.whole_words
        self._longest = self._stream.longest
        self._done = 0  # leftmost: no match starts before it; overlapping: none ends before it
        self._searched = 0
        self._end = 0
        self._closed = False

    def feed(self, chunk: Any) -> Matches:
        """Take the next chunk; return the matches that are certain now.

        Parameters
        ----------
        chunk : str or bytes-like
            Of the patterns' type.

        Returns
        -------
        Matches
            With offsets from the start of the stream.

        Raises
        ------
        ValueError
            The scanner is closed.
        """
        if self._closed:
            raise ValueError("the scanner is closed; Matcher.scanner() makes a new one")
        end = self._end = self._stream.offset + self._stream.append(chunk)
        if self._longest > _PROMPT_BYTES and end - self._searched < self._longest:
            return _none()
        return self._search(end, end - _CHARACTER_BYTES if self._words else end)

    def close(self) -> Matches:
        """End the stream; return the matches that were still uncertain. Closing twice is fine."""
        if self._closed:
            return _none()
        self._closed = True
        found = self._search(self._end, self._end, last=True)
        self._stream.drop(self._end)
        return found

    def _search(self, end: int, sure: int, last: bool = False) -> Matches:
        """Report what ends by `sure` (a place in the stream) whatever follows."""
        self._searched = end
        if self._overlapping:
            found = self._stream.search(self._done - self._longest + 1)
            found = found.where((found.end > self._done) & (found.end <= sure))
            self._done = max(self._done, sure)
            keep = self._done - self._longest + 1
        else:
            limit = end if last else sure - self._longest
            found = self._stream.search(self._done)
            found = found.where(found.start <= limit)
            if len(found):
                self._done = max(self._done, int(found.end[-1]))
            self._done = max(self._done, limit + 1)
            keep = self._done
        found = self._stream.to_points(found)
        self._stream.drop(min(keep, end) - _CHARACTER_BYTES)
        return found


def _none() -> Matches:
    none = np.zeros(0, np.int64)
    return Matches(none.astype(np.uint32), none, none.copy())
