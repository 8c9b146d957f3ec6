"""Sets of regular expressions: RE2 decides, our literals tell it where to look.

    source -> blocks of whole lines -> literals found in a block -> (regex, line) pairs
                                    -> of each regex its lines, joined -> RE2 -> those that match

Most lines of a log have none of the literals, and cost no more than the search for them. What is
left is given to RE2 in one piece for each regex, since a call of RE2 from Python takes longer than
a line. There, with newlines never matched (``never_nl``) and ``^`` and ``$`` at each line (the flag
``m``), a regex means what it means in each line. The few for which that does not hold (with
``\\A``, ``\\z``, ``\\C`` or the flag ``m`` switched off) are run line by line.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fastcore._matches import Lines
from fastcore._native.text import texts_of
from fastcore._sources import open_source
from fastcore.errors import Error
from fastcore.text.matcher import Matcher
from fastcore.text.scan import line_offsets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastcore.text.required import Required

    Ints = NDArray[np.int64]
    Finder = Callable[[bytes, int], int]  # the first match at or after a place, or -1

__all__ = ["RegexError", "RegexSet", "blocks"]

_BLOCK_BYTES = 1 << 22
# Of a block, beyond this share of lines the whole block is as quick to search as those lines.
_MOST_LINES = 0.5


class RegexError(Error, ValueError):
    """RE2 refuses a regex.

    Attributes
    ----------
    pattern : int
        Its index.
    reason : str
        What RE2 says.
    pos : int or None
        Where in the regex, as far as RE2 tells.
    """

    def __init__(self, pattern: int, regex: Any, reason: str, pos: int | None) -> None:
        self.pattern = pattern
        self.reason = reason
        self.pos = pos
        where = "" if pos is None else f" at position {pos}"
        super().__init__(f"patterns[{pattern}] is not a regex of RE2: {reason}{where}: {regex!r}")
        self._regex = regex

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return RegexError, (self.pattern, self._regex, self.reason, self.pos)


class RegexSet:
    """Finds which of many regular expressions match; made once, shared between threads.

    Needs google-re2: ``pip install 'fastcore-native[regex]'``.

    Parameters
    ----------
    patterns : iterable of str, or of bytes
        All of one type, in RE2's syntax: Perl's without backreferences and look-around. In str,
        a character is a code point; in bytes, a byte.
    ignore_case : bool, default False
        As if each began with ``(?i)``.

    Raises
    ------
    ImportError
        google-re2 is not installed.
    RegexError
        RE2 refuses a regex; it is a `ValueError` and says which one, where and why.
    TypeError
        Patterns of mixed or other types; while searching, a haystack of another type than the
        patterns.

    Notes
    -----
    Time is linear in the haystack for each regex, as RE2 promises. Of each regex the literals are
    worked out that its matches must contain (`prefilter`); one without any has to be run on
    everything.

    Examples
    --------
    >>> rules = RegexSet([r"\\b(ERROR|WARN): \\w+", r"user=(root|admin)\\b"])
    >>> rules.matches("WARN: disk full, user=root")
    [0, 1]
    >>> found = rules.lines(b"fine\\nERROR: disk\\nuser=root ERROR: no\\n")
    >>> found.number.tolist(), found.pattern.tolist()
    ([1, 2, 2], [0, 0, 1])
    >>> sorted(rules.prefilter)
    ['ERROR: ', 'WARN: ', 'user=admin', 'user=root']
    """

    def __init__(
        self, patterns: Iterable[str] | Iterable[bytes], *, ignore_case: bool = False
    ) -> None:
        self.patterns = _checked(patterns)
        self.ignore_case = bool(ignore_case)
        self._is_text = bool(self.patterns) and isinstance(self.patterns[0], str)
        re2 = _re2()
        self._regexes = [
            _compiled(re2, regex, self.ignore_case, index)
            for index, regex in enumerate(self.patterns)
        ]
        self._by_line: list[Finder] | None = None
        self._any_always: Finder | None = None
        self._required = [
            _required_of(regex, self.ignore_case, self._is_text) for regex in self.patterns
        ]
        literals: dict[str, list[int]] = {}
        fold = any(found.ignore_case for found in self._required)
        self._always = []
        for index, found in enumerate(self._required):
            if found.literals is None:
                self._always.append(index)
            for literal in found.literals or ():
                text = _lower_ascii(literal) if fold else literal
                regexes = literals.setdefault(text, [])
                if not regexes or regexes[-1] != index:
                    regexes.append(index)
        self._literals = tuple(literals)
        coding = "utf-8" if self._is_text else "latin-1"
        self._matcher = Matcher(
            [literal.encode(coding) for literal in literals],
            ignore_case=fold,
            match="overlapping",
        )
        # The regexes of literal i are regex_of[first[i] : first[i + 1]].
        self._regex_of = np.array([i for users in literals.values() for i in users], np.int64)
        self._first = np.cumsum([0, *map(len, literals.values())], dtype=np.int64)

    @property
    def prefilter(self) -> list[Any]:
        """The literals that are searched for; where case is ignored, in lower case."""
        if self._is_text:
            return list(self._literals)
        return [literal.encode("latin-1") for literal in self._literals]

    def __len__(self) -> int:
        return len(self.patterns)

    def __repr__(self) -> str:
        return (
            f"<RegexSet of {len(self)} regexes, {len(self._literals)} literals for "
            f"{len(self) - len(self._always)} of them>"
        )

    def __reduce__(self) -> tuple[Callable[..., RegexSet], tuple[Any, ...]]:
        return functools.partial(RegexSet, ignore_case=self.ignore_case), (self.patterns,)

    def matches(self, haystack: Any) -> list[int]:
        """Return the indices of the regexes that match somewhere in `haystack`, ascending.

        Parameters
        ----------
        haystack : str or bytes-like
            Of the patterns' type.
        """
        return list(self._matching(haystack))

    def contains(self, haystack: Any) -> bool:
        """Return whether any regex matches somewhere in `haystack`."""
        return next(self._matching(haystack), None) is not None

    def lines(self, source: Any) -> Lines:
        r"""Return the lines of `source` that a regex matches, one entry for each regex.

        Parameters
        ----------
        source : path, bytes-like, binary file or iterable of bytes-like
            Read once: memory is some 4 MiB and the longest line. Regexes of type str see it as
            UTF-8.

        Returns
        -------
        Lines
            In order of number, then pattern. A line is searched without its ``"\n"``.

        Raises
        ------
        SourceError
            `source` cannot be read.
        """
        parts: list[tuple[Ints, Ints, Ints, Ints]] = []
        number = offset = 0
        for block in blocks(source):
            bounds = line_offsets(block)
            regex, line = self._lines_of(block, bounds)
            end = bounds[line + 1]
            ends_with_newline = block.endswith(b"\n")
            last = len(bounds) - 2
            end = end - ((line < last) | ends_with_newline)
            parts.append((line + number, bounds[line] + offset, end + offset, regex))
            number += last + 1
            offset += len(block)
        none = np.zeros(0, np.int64)
        columns = [np.concatenate([none, *(part[i] for part in parts)]) for i in range(4)]
        return Lines(columns[0], columns[1], columns[2], columns[3].astype(np.uint32))

    def contains_each(self, column: Any) -> NDArray[np.bool_]:
        """Return, for each row of `column`, whether a regex matches in it; False for nulls.

        Parameters
        ----------
        column
            As in `Matcher.contains_each`.

        Examples
        --------
        >>> RegexSet(["b+c", "^x"]).contains_each(["abbc", None, "ax"]).tolist()
        [True, False, False]
        """
        rows = None
        if not self._always and self.patterns:
            # A column of str wants literals of that type; where they fold, they fold more.
            literals = Matcher(self.prefilter, ignore_case=self._matcher.ignore_case)
            rows = np.flatnonzero(literals.contains_each(column))
        count, texts = texts_of(column, self._is_text, rows)
        out = np.zeros(count, np.bool_)
        numbers = range(count) if rows is None else rows.tolist()
        for row, text in zip(numbers, texts, strict=True):
            if text is not None:
                out[row] = any(regex.search(text) is not None for regex in self._regexes)
        return out

    def spans(self, haystack: Any) -> list[tuple[int, int]]:
        """Return where regexes match in `haystack`, as ordered pieces that do not overlap.

        Parameters
        ----------
        haystack : bytes-like
            Regexes of type str see it as UTF-8; offsets are bytes in any case.

        Examples
        --------
        >>> RegexSet(["b+", "bc", "d"]).spans(b"abbcd")
        [(1, 4), (4, 5)]
        """
        found = sorted(
            match.span() for regex in self._regexes for match in regex.finditer(bytes(haystack))
        )
        out: list[tuple[int, int]] = []
        for start, end in found:
            if out and start < out[-1][1]:
                out[-1] = out[-1][0], max(end, out[-1][1])
            elif end > start:
                out.append((start, end))
        return out

    def _matching(self, haystack: Any) -> Iterator[int]:
        data = self._encoded(haystack)
        # A haystack with the type of the other kind of patterns is refused before a match is.
        found = np.unique(self._matcher.findall(data).pattern)
        parts = [self._regex_of[self._first[i] : self._first[i + 1]] for i in found]
        for index in sorted({*self._always, *(int(i) for part in parts for i in part)}):
            if self._regexes[index].search(data) is not None:
                yield index

    def _encoded(self, haystack: Any) -> Any:
        if isinstance(haystack, str):
            if not self._is_text and self.patterns:
                raise TypeError("haystack must be bytes-like, like the patterns, not str")
            return haystack.encode("utf-8", "surrogatepass")
        if self._is_text:
            raise TypeError(
                f"haystack must be str, like the patterns, not {type(haystack).__name__}"
            )
        try:
            view = memoryview(haystack)
        except TypeError:
            raise TypeError(
                f"haystack must be str or bytes-like, not {type(haystack).__name__}"
            ) from None
        if not view.contiguous:
            raise ValueError("haystack must be a contiguous buffer")
        return view.cast("B") if view.nbytes else b""

    def _lines_of(self, block: bytes, bounds: Ints) -> tuple[Ints, Ints]:
        """Return the (regex, line) pairs of a block, in order of line, then regex."""
        pairs = self._candidates(block, bounds)
        none = np.zeros(0, np.int64)
        regexes, lines = [none], [none]
        for index, candidates in pairs:
            found = self._search(index, block, bounds, candidates)
            lines.append(found)
            regexes.append(np.full(len(found), index, np.int64))
        regex, line = np.concatenate(regexes), np.concatenate(lines)
        order = np.lexsort((regex, line))
        return regex[order], line[order]

    def _candidates(self, block: bytes, bounds: Ints) -> Iterator[tuple[int, Ints | None]]:
        """Yield each regex with the lines that it may match: None for all."""
        lines = self._lines_of_always(block, bounds)
        for index in self._always:
            yield index, lines
        found = self._matcher.findall(block)
        if not len(found):
            return
        line = np.searchsorted(bounds, found.start, "right") - 1
        count = len(self._literals)
        pair = _distinct(line * count + found.pattern)  # (line, literal)
        line, literal = pair // count, pair % count
        users = self._first[literal + 1] - self._first[literal]
        # Every literal's regexes, one after the other: a run of its own for each pair.
        run = np.arange(users.sum()) - np.repeat(np.cumsum(users) - users, users)
        regex = self._regex_of[np.repeat(self._first[literal], users) + run]
        pair = _distinct(regex * len(bounds) + np.repeat(line, users))
        regex, line = pair // len(bounds), pair % len(bounds)
        begins = np.flatnonzero(np.diff(regex, prepend=-1))
        for begin, end in zip(begins, [*begins[1:], len(regex)], strict=True):
            yield int(regex[begin]), line[begin:end]

    def _search(self, index: int, block: bytes, bounds: Ints, candidates: Ints | None) -> Ints:
        """Return which of the candidate lines a regex matches."""
        count = len(bounds) - 1
        if candidates is None or (
            self._required[index].by_line and len(candidates) > _MOST_LINES * count
        ):
            candidates = np.arange(count)
        starts, ends = bounds[candidates].tolist(), bounds[candidates + 1].tolist()
        if not self._required[index].by_line:
            search = self._regexes[index].search
            hits = []
            for line, start, end in zip(candidates.tolist(), starts, ends, strict=True):
                text = block[start:end]
                if search(text[:-1] if text.endswith(b"\n") else text) is not None:
                    hits.append(line)
            return np.array(hits, np.int64)
        joined = block
        if len(candidates) != count:
            pieces = [block[start:end] for start, end in zip(starts, ends, strict=True)]
            joined = b"".join(pieces)
            bounds = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
        return candidates[_hit_lines(self._finders()[index], joined, bounds)]

    def _lines_of_always(self, block: bytes, bounds: Ints) -> Ints | None:
        """Return the lines that the regexes without literals may match: None for all.

        Two of them are run as one first; what `\\Q` begins might not end with its regex.
        """
        joinable = [
            index
            for index in self._always
            if self._required[index].by_line and "\\Q" not in self._text(index)
        ]
        if len(joinable) < 2 or len(joinable) != len(self._always):
            return None
        if self._any_always is None:
            joined = "|".join(f"(?:{self._text(index)})" for index in joinable)
            regex = joined if self._is_text else joined.encode("latin-1")
            re2 = _re2()
            try:
                made = _compiled(re2, regex, self.ignore_case, joinable[0], by_line=True)
            except RegexError:  # too large together
                return None
            self._any_always = _finder(re2, made)
        return _hit_lines(self._any_always, block, bounds)

    def _text(self, index: int) -> str:
        regex = self.patterns[index]
        return regex if isinstance(regex, str) else regex.decode("latin-1")

    def _finders(self) -> list[Finder]:
        """The regexes compiled for many lines at once; two threads may both do that, once."""
        if self._by_line is None:
            re2 = _re2()
            self._by_line = [
                _finder(re2, _compiled(re2, regex, self.ignore_case, index, by_line=True))
                if self._required[index].by_line
                else _finds_nothing
                for index, regex in enumerate(self.patterns)
            ]
        return self._by_line


def _re2() -> Any:
    try:
        import re2
    except ImportError as error:
        raise ImportError(
            "RegexSet needs google-re2, which is not installed: "
            "pip install 'fastcore-native[regex]'"
        ) from error
    return re2


def _checked(patterns: Any) -> tuple[Any, ...]:
    if isinstance(patterns, (str, bytes, bytearray)):
        raise TypeError(
            f"patterns must be a list of str or of bytes, not one {type(patterns).__name__}"
        )
    given = tuple(patterns)
    wanted = str if given and isinstance(given[0], str) else bytes
    for index, regex in enumerate(given):
        if not isinstance(regex, wanted):
            raise TypeError(
                f"patterns must all be str or all be bytes; patterns[0] is "
                f"{type(given[0]).__name__}, patterns[{index}] {type(regex).__name__}"
            )
    return given


def _options(re2: Any, ignore_case: bool, is_text: bool) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.case_sensitive = not ignore_case
    options.encoding = re2.Options.Encoding.UTF8 if is_text else re2.Options.Encoding.LATIN1
    return options


def _compiled(re2: Any, regex: Any, ignore_case: bool, index: int, by_line: bool = False) -> Any:
    options = _options(re2, ignore_case, isinstance(regex, str))
    if by_line:
        options.never_nl = True
        flags: Any = "(?m)" if isinstance(regex, str) else b"(?m)"
        regex = flags + regex
    try:
        return re2.compile(regex, options)
    except UnicodeEncodeError as error:
        raise RegexError(index, regex, "it has a lone surrogate", error.start) from None
    except re2.error as error:
        said = error.args[0] if error.args else b"refused"
        reason = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise RegexError(index, regex, *_place(regex, reason)) from None


def _finder(re2: Any, regex: Any) -> Finder:
    """Return how `regex` is searched for: past the wrapper, which costs more than most searches."""
    try:
        match, anchor = regex._regexp.Match, re2._Anchor.UNANCHORED
    except AttributeError:  # another version of the wrapper

        def find(text: bytes, at: int) -> int:
            found = regex.search(text, at)
            return -1 if found is None else int(found.start())

        return find

    def find_directly(text: bytes, at: int) -> int:
        return int(match(anchor, text, at, len(text))[0][0])

    return find_directly


def _hit_lines(find: Finder, text: bytes, bounds: Ints) -> Ints:
    """Return which of the lines of `text`, given by their bounds, a regex matches."""
    places = []
    at, end = 0, len(text)
    # An empty match at the end belongs to the last line only where no newline ends that.
    limit = end - text.endswith(b"\n")
    while at < end and 0 <= (at := find(text, at)) <= limit:
        places.append(at)
        at = text.find(b"\n", at) + 1 or end
    return np.searchsorted(bounds[1:-1], np.array(places, np.int64), "right")


def _finds_nothing(text: bytes, at: int) -> int:
    return -1


def _distinct(numbers: Ints) -> Ints:
    """Return each number once, in order: numpy.unique, without its detour over a hash table."""
    numbers = np.sort(numbers)
    return numbers[np.flatnonzero(np.diff(numbers, prepend=-1))]


def _place(regex: Any, said: str) -> tuple[str, int | None]:
    """Split what RE2 says into the reason and the place of the part that it cites."""
    reason, _, cited = said.partition(": ")
    text = regex if isinstance(regex, str) else regex.decode("latin-1")
    # Of a parenthesis without its partner it does not say where: it cites the whole regex.
    if not cited or cited not in text or "missing )" in reason or "unexpected )" in reason:
        return reason, None
    return reason if cited == text else f"{reason}: {cited}", text.index(cited)


def _required_of(regex: Any, ignore_case: bool, is_text: bool) -> Required:
    from fastcore.text.required import required

    text = regex if is_text else regex.decode("latin-1")
    return required(
        text, ignore_case=ignore_case, variants=_variants_utf8 if is_text else _variants_latin1
    )


@functools.cache
def _every_character(is_text: bool) -> Any:
    if not is_text:
        return bytes(range(256))
    return "".join(map(chr, [*range(0xD800), *range(0xE000, 0x20000)])).encode()


@functools.lru_cache(maxsize=4096)
def _variants(char: str, is_text: bool) -> str:
    """Every character that RE2 takes for `char` where case is ignored: it is asked."""
    re2 = _re2()
    regex: Any = f"\\x{{{ord(char):x}}}"
    options = _options(re2, True, is_text)
    coding = "utf-8" if is_text else "latin-1"
    found = re2.findall(regex if is_text else regex.encode(), _every_character(is_text), options)
    return b"".join(found).decode(coding)


def _variants_utf8(char: str) -> str:
    return _variants(char, True)


def _variants_latin1(char: str) -> str:
    return _variants(char, False)


def _lower_ascii(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def blocks(source: Any) -> Iterator[bytes]:
    """Whole lines of a source, some MiB at a time."""
    kept: list[bytes] = []  # of a line whose end is still to come
    with open_source(source, _BLOCK_BYTES) as chunks:
        for chunk in chunks:
            for begin in range(0, len(chunk), _BLOCK_BYTES):
                piece = bytes(chunk[begin : begin + _BLOCK_BYTES])
                cut = piece.rfind(b"\n") + 1
                if cut:
                    yield b"".join([*kept, piece[:cut]])
                    kept = []
                if cut < len(piece):
                    kept.append(piece[cut:])
    if kept:
        yield b"".join(kept)
