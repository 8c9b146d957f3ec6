"""The matcher: one literal, or a million, in text, bytes, columns and lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fastcore._matches import Lines, Match, Matches
from fastcore._native import text as _native
from fastcore._sources import open_source
from fastcore.text.scanner import Scanner

__all__ = ["Lines", "Match", "Matcher", "Matches"]

# Chunks of a file: large enough for the search to matter more than the call.
_CHUNK_BYTES = 1 << 20


class Matcher(_native.Matcher):
    """Finds literals; made once, used often, shared between threads.

    Parameters
    ----------
    patterns : iterable of str, or of bytes
        All of one type, none empty; 1 to 1,000,000 of them is what it is made for. Equal ones
        are allowed. No patterns match nothing.
    ignore_case : bool, default False
        ASCII letters for bytes; for str, Unicode simple case folding, which keeps the number of
        code points ("ß" and "ẞ" are equal, "ß" and "ss" are not).
    match : {"leftmost-longest", "leftmost-first", "overlapping"}
        Which matches are reported. Leftmost: the first by its start, the longest there, or the
        one listed first, and then the next one behind its end. Overlapping: every occurrence of
        every pattern, in order of end, then start.
    whole_words : bool, default False
        Only matches with no word character (alphanumeric, or ``_``; of ASCII for bytes) right
        before or right after them.

    Raises
    ------
    TypeError
        Patterns of mixed or other types; while searching, a haystack of another type than the
        patterns.
    ValueError
        An empty pattern, or an unknown `match`.

    Notes
    -----
    A search takes time linear in the haystack, whatever the patterns; kernels run without the
    GIL. Offsets are code points for str and bytes for bytes. Pattern texts stay available as
    ``patterns``; ``kernel`` names the engine and the instruction set, ``nbytes`` the memory.

    Examples
    --------
    >>> m = Matcher(["Samwise", "Sam"])
    >>> m.find("call Samwise")
    Match(pattern=0, start=5, end=12)
    >>> m.count("Sam, Samwise and Sam")
    3
    >>> m.contains_each(["Sam", None, "Frodo"]).tolist()
    [True, False, False]
    >>> [tuple(match) for match in Matcher([b"ab", b"b"], match="overlapping").findall(b"ab")]
    [(0, 0, 2), (1, 1, 2)]
    """

    def lines(self, source: Any, *, invert: bool = False) -> Lines:
        r"""Return the lines of `source` that have a match.

        Parameters
        ----------
        source : path, bytes-like, binary file or iterable of bytes-like
            Read once, in bounded memory: it need not fit. Patterns of type str are searched
            for in their UTF-8 encoding.
        invert : bool, default False
            The lines without a match instead.

        Returns
        -------
        Lines
            Numbers from 0; offsets in bytes, without the newline. Lines end at ``"\n"``, which
            is part of none, so that a pattern with a newline in it matches no line.

        Raises
        ------
        SourceError
            `source` cannot be read.

        Examples
        --------
        >>> found = Matcher([b"ERROR"]).lines(b"ok\nERROR: disk\nok\n")
        >>> found.number.tolist(), found.start.tolist(), found.end.tolist()
        ([1], [3], [14])
        """
        newline: Any = "\n" if self.is_text else b"\n"
        within = [pattern for pattern in self.patterns if newline not in pattern]
        matcher = self if len(within) == len(self.patterns) else self._of(within)
        scan = _native.LineScan(matcher, invert)
        with open_source(source, _CHUNK_BYTES) as chunks:
            for chunk in chunks:
                scan.feed(chunk)
        scan.feed(b"", last=True)
        return Lines(*scan.result())

    def replace(self, haystack: Any, replacement: Any) -> Any:
        """Return `haystack` with every match replaced.

        Parameters
        ----------
        haystack : str or bytes-like
        replacement : str or bytes, or a sequence of them
            Of the patterns' type; a sequence has one for each pattern. Taken literally.

        Returns
        -------
        str or bytes

        Raises
        ------
        ValueError
            The matcher is an overlapping one, or the sequence is of another length.

        Examples
        --------
        >>> Matcher(["cat", "dog"]).replace("cat, dog", ["dog", "cat"])
        'dog, cat'
        """
        if self.match == "overlapping":
            raise ValueError("replace() needs a leftmost matcher: overlapping matches share text")
        wanted = str if isinstance(haystack, str) else (bytes, bytearray, memoryview)
        one = isinstance(replacement, (str, bytes, bytearray, memoryview))
        texts = [replacement] if one else list(replacement)
        for text in texts:
            if not isinstance(text, wanted):
                raise TypeError(
                    f"replacement must be {'str' if wanted is str else 'bytes'}, like the "
                    f"haystack, not {type(text).__name__}"
                )
        if not one and len(texts) != len(self):
            raise ValueError(
                f"replacement must be one text or one for each of the {len(self)} patterns, "
                f"not {len(texts)}"
            )
        found = self.findall(haystack)
        source = haystack if isinstance(haystack, str) else memoryview(haystack).cast("B")
        pieces: list[Any] = []
        at = 0
        for pattern, start, end in found:
            pieces += (source[at:start], texts[0 if one else pattern])
            at = end
        pieces.append(source[at:])
        empty: Any = "" if isinstance(haystack, str) else b""
        return empty.join(pieces)

    def scanner(self) -> Scanner:
        """Return a new `Scanner`, which finds matches across the chunks of a stream."""
        return Scanner(self)

    def _of(self, patterns: Iterable[Any]) -> Matcher:
        return Matcher(
            patterns,
            ignore_case=self.ignore_case,
            match=self.match,
            whole_words=self.whole_words,
        )

    def __reduce__(self) -> tuple[Callable[..., Matcher], tuple[Any, ...]]:
        return _remake, (self.patterns, self.ignore_case, self.match, self.whole_words)

    def __repr__(self) -> str:
        options = [f"match={self.match!r}"]
        options += ["ignore_case=True"] if self.ignore_case else []
        options += ["whole_words=True"] if self.whole_words else []
        shown = ", ".join(map(_short, self.patterns[:3])) + (", ..." if len(self) > 3 else "")
        return f"<Matcher of {len(self)} patterns [{shown}], {', '.join(options)}, {self.kernel}>"


def _short(pattern: Any) -> str:
    return repr(pattern) if len(pattern) <= 40 else f"{pattern[:37]!r}..."


def _remake(patterns: tuple[Any, ...], ignore_case: bool, match: str, whole_words: bool) -> Matcher:
    return Matcher(patterns, ignore_case=ignore_case, match=match, whole_words=whole_words)
