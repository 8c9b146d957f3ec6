"""Literals that a text must contain for a regex to match it.

Whatever matches ``\\b(ERROR|WARN): \\w+ failed`` contains ``"ERROR: "`` or ``"WARN: "``; to find
literals is many times cheaper than to run a regex. `required` reads RE2's syntax and works out,
from the inside of a regex to its outside, what `fastcore.text.parts` knows about each part.

A part that it cannot say anything about is "anything", and so is all that it cannot read: the
answer may then be less selective, never wrong. It is for regexes that RE2 has accepted.
"""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass, field

from fastcore.text.parts import (
    ANYTHING,
    EITHER_CASE,
    EMPTY,
    LETTERS,
    TEXTS_MAX,
    Part,
    Sequence,
    any_of,
    either,
    exactly,
    is_either,
    repeated,
)

__all__ = ["Required", "required"]

# Larger classes are "anything".
_CLASS_MAX = 10
_SIMPLE_ESCAPES = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_OCTAL = "01234567"


@dataclass(frozen=True)
class Required:
    """What `required` found out about a regex.

    Attributes
    ----------
    literals : frozenset of str, or None
        Every match contains one of these; None if nothing useful is known.
    ignore_case : bool
        ASCII letters of the literals, which are in lower case then, count in either case.
    by_line : bool
        On lines of text the regex means the same under the flag ``m`` with newlines never
        matched: it may be run over many lines at once.
    """

    literals: frozenset[str] | None
    ignore_case: bool
    by_line: bool


@dataclass
class _Group:
    """A group that is open: its finished alternatives, and the one being read."""

    flags: frozenset[str]  # outside
    alternatives: list[Part] = field(default_factory=list)
    atoms: list[Part] = field(default_factory=list)

    def end_alternative(self) -> None:
        whole = Sequence()
        for atom in self.atoms:
            whole.add(atom)
        self.alternatives.append(whole.part())
        self.atoms = []


class _UnknownError(Exception):
    """Something that this parser does not know."""


class _Parser:
    """A pass over a regex, with a stack of open groups instead of recursion."""

    def __init__(self, regex: str, fold: bool, variants: Callable[[str], str]) -> None:
        self._regex = regex
        self._at = 0
        self._flags = frozenset("i") if fold else frozenset()
        self._variants = variants
        self.by_line = True

    def parse(self) -> Part:
        groups = [_Group(self._flags)]
        while self._at < len(self._regex):
            char = self._take()
            top = groups[-1]
            if char == "(":
                if self._opens_group():
                    groups.append(_Group(self._outer))
            elif char == ")" and len(groups) > 1:
                top.end_alternative()
                groups.pop()
                self._flags = top.flags
                groups[-1].atoms.append(any_of(top.alternatives))
            elif char == "|":
                top.end_alternative()
            elif char in "*+?" or (char == "{" and self._bounds()):
                self._repeat(char, top.atoms)
            elif char == "\\":
                self._escape(top.atoms)
            else:
                top.atoms.append(self._plain(char))
        if len(groups) != 1:
            raise _UnknownError
        groups[0].end_alternative()
        return any_of(groups[0].alternatives)

    def _take(self) -> str:
        if self._at >= len(self._regex):
            raise _UnknownError
        self._at += 1
        return self._regex[self._at - 1]

    def _take_until(self, end: str) -> str:
        stop = self._regex.find(end, self._at)
        if stop < 0:
            raise _UnknownError
        taken = self._regex[self._at : stop]
        self._at = stop + len(end)
        return taken

    def _plain(self, char: str) -> Part:
        if char == "[":
            return self._class()
        if char == ".":
            return ANYTHING
        if char in "^$":
            return EMPTY
        return self._literal(char)

    def _literal(self, char: str) -> Part:
        return self._one_of({char})

    def _one_of(self, chars: set[str]) -> Part:
        if any(map(is_either, chars)):
            return ANYTHING
        if "i" in self._flags:
            chars = {variant for char in chars for variant in (char, *self._variants(char))}
        both = {c for c in chars if c in LETTERS and c.upper() in chars}
        texts = {either(c) for c in both}
        texts |= {c for c in chars if not (c.isascii() and c.lower() in both)}
        return exactly(texts) if 0 < len(texts) <= _CLASS_MAX else ANYTHING

    # --- groups ------------------------------------------------------------------------------

    def _opens_group(self) -> bool:
        """After "(": is there a group, or just flags for the rest of the one at hand?"""
        self._outer = self._flags
        if not self._regex.startswith("?", self._at):
            return True
        self._at += 1
        if self._regex.startswith(("P<", "<"), self._at):
            self._take_until(">")
            return True
        on = True
        flags = set(self._flags)
        while (char := self._take()) not in ":)":
            if char == "-":
                on = False
            elif char not in "imsU":
                raise _UnknownError
            elif on:
                flags.add(char)
            else:
                flags.discard(char)
                self.by_line &= char != "m"
        self._flags = frozenset(flags)
        return char == ":"

    # --- repetition --------------------------------------------------------------------------

    def _bounds(self) -> bool:
        """After "{": are there bounds? Anything else is a brace that means itself."""
        stop = self._regex.find("}", self._at)
        least, comma, most = self._regex[self._at : max(stop, self._at)].partition(",")
        if not _is_number(least) or (most and not _is_number(most)):
            return False
        self._at = stop + 1
        self._least = int(least)
        self._most = int(most) if most else None if comma else self._least
        return True

    def _repeat(self, operator: str, atoms: list[Part]) -> None:
        if not atoms:
            raise _UnknownError
        if operator != "{":
            self._least = 1 if operator == "+" else 0
            self._most = 1 if operator == "?" else None
        if self._regex.startswith("?", self._at):  # not greedy: the same texts match
            self._at += 1
        atoms.append(repeated(atoms.pop(), self._least, self._most))

    # --- escapes -----------------------------------------------------------------------------

    def _escape(self, atoms: list[Part]) -> None:
        char = self._take()
        if char == "Q":
            stop = self._regex.find("\\E", self._at)
            quoted = self._regex[self._at : stop if stop >= 0 else len(self._regex)]
            self._at = stop + 2 if stop >= 0 else len(self._regex)
            atoms.extend(map(self._literal, quoted))
        elif char in "AzC":
            self.by_line = False
            atoms.append(ANYTHING if char == "C" else EMPTY)
        elif char in "bB":
            atoms.append(EMPTY)
        elif char in "dDsSwWpP":
            chars = self._set_escape(char)
            atoms.append(ANYTHING if chars is None else self._one_of(chars))
        else:
            atoms.append(self._literal(self._char_escape(char)))

    def _set_escape(self, char: str) -> set[str] | None:
        """One of \\d \\w \\pL ...: its characters, None for many."""
        if char in "pP" and self._take() == "{":
            self._take_until("}")
        return set(string.digits) if char == "d" else None

    def _char_escape(self, char: str) -> str:
        if char in _SIMPLE_ESCAPES:
            return _SIMPLE_ESCAPES[char]
        if char == "x":
            first = self._take()
            digits = self._take_until("}") if first == "{" else first + self._take()
            return chr(int(digits, 16))
        if char in _OCTAL:
            digits = char
            while len(digits) < 3 and self._regex[self._at : self._at + 1] in list(_OCTAL):
                digits += self._take()
            return chr(int(digits, 8))
        if char.isascii() and not char.isalnum():
            return char
        raise _UnknownError

    # --- classes -----------------------------------------------------------------------------

    def _class(self) -> Part:
        negated = self._regex.startswith("^", self._at)
        self._at += negated
        chars: set[str] | None = set()
        first = True
        while (char := self._take()) != "]" or first:
            first = False
            if char == "[" and self._regex.startswith(":", self._at):
                self._take_until(":]")
                chars = None
                continue
            if char == "\\":
                char = self._take()
                if char in "dDsSwWpP":
                    more = self._set_escape(char)
                    chars = None if chars is None or more is None else chars | more
                    continue
                char = self._char_escape(char)
            last = char
            if self._regex.startswith("-", self._at) and self._regex[self._at + 1 :][:1] != "]":
                self._at += 1
                last = self._take()
                if last == "\\":
                    last = self._char_escape(self._take())
            if chars is None or ord(last) - ord(char) > TEXTS_MAX:
                chars = None
            else:
                chars |= set(map(chr, range(ord(char), ord(last) + 1)))
        return ANYTHING if negated or chars is None else self._one_of(chars)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def required(regex: str, *, ignore_case: bool, variants: Callable[[str], str]) -> Required:
    """Work out which literals a match of `regex` must contain.

    Parameters
    ----------
    regex : str
        One that RE2 accepts; for a regex of bytes, its bytes as Latin-1.
    ignore_case : bool
        As if it began with ``(?i)``.
    variants : callable
        All characters that RE2 takes for the same as a given one where case is ignored.

    Examples
    --------
    >>> def both(char):
    ...     return char.lower() + char.upper()
    >>> found = required(r"\\b(ERROR|WARN): \\w+", ignore_case=False, variants=both)
    >>> sorted(found.literals), found.ignore_case
    (['ERROR: ', 'WARN: '], False)
    >>> found = required("(?i)x?Key=.*|pass(word)?", ignore_case=False, variants=both)
    >>> sorted(found.literals), found.ignore_case
    (['key=', 'pass'], True)
    >>> required("[a-z]+", ignore_case=False, variants=both).literals is None
    True
    """
    parser = _Parser(regex, ignore_case, variants)
    try:
        best = parser.parse().best
    except (_UnknownError, ValueError, OverflowError):
        return Required(None, False, False)
    if best is None:
        return Required(None, False, parser.by_line)
    fold = any(is_either(char) for text in best for char in text)
    texts = {_as_searched(text, fold) for text in best}
    # Of two literals, one in the other, the shorter finds both.
    short: list[str] = []
    for text in sorted(texts, key=lambda text: (len(text), text)):
        if len(texts) > TEXTS_MAX or not any(other in text for other in short):
            short.append(text)
    return Required(frozenset(short), fold, parser.by_line)


def _as_searched(text: str, fold: bool) -> str:
    chars = (chr(ord(c) - EITHER_CASE) if is_either(c) else c for c in text)
    if not fold:
        return "".join(chars)
    return "".join(c.lower() if c.isascii() else c for c in chars)
