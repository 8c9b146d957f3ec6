"""What searches return: a match, matches and lines, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:  # importing it takes longer than all of fastcore.text
    from numpy.typing import NDArray

__all__ = ["Lines", "Match", "Matches"]


class Match(NamedTuple):
    """One match: ``patterns[pattern]`` stands at ``haystack[start:end]``."""

    pattern: int
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Matches:
    """Matches in the order they were found, as arrays of one length.

    Attributes
    ----------
    pattern : ndarray of uint32
        Index into the matcher's patterns.
    start, end : ndarray of int64
        Code points for str, bytes for bytes; from the row's start where there are rows.
    row : ndarray of int64 or None
        Row of the column, where a column was searched.

    Examples
    --------
    >>> from fastcore.text import Matcher
    >>> found = Matcher(["cat", "dog"]).findall("a dog, a cat")
    >>> found.pattern.tolist(), found.start.tolist()
    ([1, 0], [2, 9])
    >>> list(found)[0]
    Match(pattern=1, start=2, end=5)
    """

    pattern: NDArray[np.uint32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    row: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.pattern)

    def __iter__(self) -> Iterator[Match]:
        return map(
            Match._make,
            zip(self.pattern.tolist(), self.start.tolist(), self.end.tolist(), strict=True),
        )

    def __getitem__(self, index: int) -> Match:
        return Match(int(self.pattern[index]), int(self.start[index]), int(self.end[index]))

    def where(self, keep: NDArray[np.bool_]) -> Matches:
        """Return those for which `keep` is true."""
        row = None if self.row is None else self.row[keep]
        return Matches(self.pattern[keep], self.start[keep], self.end[keep], row)

    @staticmethod
    def concatenate(parts: Sequence[Matches]) -> Matches:
        """Return the matches of all `parts`, whose rows are known, one after the other."""
        none = np.zeros(0, np.int64)
        return Matches(
            np.concatenate([*(part.pattern for part in parts), none.astype(np.uint32)]),
            np.concatenate([*(part.start for part in parts), none]),
            np.concatenate([*(part.end for part in parts), none]),
            np.concatenate([*(part.row for part in parts if part.row is not None), none]),
        )


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines of a text, as arrays of one length.

    Attributes
    ----------
    number : ndarray of int64
        From 0.
    start, end : ndarray of int64
        Bytes from the start of the stream; the newline is not part of the line.
    pattern : ndarray of uint32 or None
        From `RegexSet.lines`: the regex that the line matches. A line that matches several is
        there once for each of them.
    """

    number: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    pattern: NDArray[np.uint32] | None = None

    def __len__(self) -> int:
        return len(self.number)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        return zip(self.number.tolist(), self.start.tolist(), self.end.tolist(), strict=True)
