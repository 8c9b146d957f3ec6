"""What is known about a part of a regex, and how that of a whole comes out of it.

Four things (the idea is Russ Cox's, "Regular Expression Matching with a Trigram Index", 2012, and
RE2's own Prefilter's):

    exact     every text that the part matches, where they are few
    prefix    what its matches begin with: one of these (the empty text says nothing)
    suffix    what they end with
    best      each match contains one of these; of all such sets, the most selective
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

__all__ = [
    "ANYTHING",
    "EITHER_CASE",
    "EMPTY",
    "LETTERS",
    "TEXTS_MAX",
    "Part",
    "Sequence",
    "any_of",
    "either",
    "exactly",
    "is_either",
    "repeated",
]

Texts = frozenset[str]

# Sets up to this size are multiplied; beyond, a part is known by its best literals only.
TEXTS_MAX = 64
_ALTERNATIVES_MAX = 4096
_LITERAL_MAX = 48
_REPEATS_MAX = 16
# A set whose literals are expected in more than this share of places is of no use.
_RATE_MAX = 1 / 300
# Below this one, fewer literals are better than rarer ones.
_RATE_RARE = 3e-8

_NOTHING: Texts = frozenset([""])
LETTERS = frozenset(string.ascii_lowercase)

# An ASCII letter in either case stands in a text as a character of its own, from a plane for
# private use; `required` turns it back. Where a regex has such characters itself, it is "anything".
EITHER_CASE = 0x10FF00


def either(letter: str) -> str:
    """Return the character that stands for an ASCII letter in either case."""
    return chr(EITHER_CASE + ord(letter.lower()))


def is_either(char: str) -> bool:
    """Say whether a character stands for a letter in either case."""
    return ord(char) >= EITHER_CASE


@dataclass(frozen=True)
class Part:
    """What is known about a part; see the top."""

    exact: Texts | None
    prefix: Texts
    suffix: Texts
    best: Texts | None


def _share(char: str) -> float:
    """How frequent a character is in logs and prose, roughly."""
    if is_either(char):
        return 1.2 * _share(chr(ord(char) - EITHER_CASE))
    if char in "etaoinsr 0123456789":
        return 0.06
    if char in "lcdpumhg./:-":
        return 0.035
    if char in LETTERS or char in '=",_':
        return 0.02
    return 0.008


def _rate(texts: Texts | None) -> float:
    """In which share of places one of `texts` is expected, roughly."""
    if texts is None:
        return 2.0
    total = 0.0
    for text in texts:
        rate = 1.0
        for char in text[:12]:
            rate *= _share(char)
        total += rate
    return total


def _better(a: Texts | None, b: Texts | None) -> Texts | None:
    """Of two sets, the more selective; of two equally good ones, the smaller."""
    rates = _rate(a), _rate(b)
    if max(rates) < _RATE_RARE and a is not None and b is not None:
        return a if len(a) <= len(b) else b
    return a if rates[0] <= rates[1] else b


def _times(a: Texts, b: Texts) -> Texts | None:
    """Every text of `a` before every one of `b`; None if these are too many or too long."""
    if len(a) * len(b) > TEXTS_MAX or max(map(len, a)) + max(map(len, b)) > _LITERAL_MAX:
        return None
    return frozenset(x + y for x, y in product(a, b))


def exactly(texts: Iterable[str]) -> Part:
    """Return a part that matches these texts and no other."""
    exact = frozenset(texts)
    return Part(exact, exact, exact, exact if _rate(exact) <= _RATE_MAX else None)


EMPTY = exactly([""])
ANYTHING = Part(None, _NOTHING, _NOTHING, None)


class Sequence:
    """Parts one after the other, as one part."""

    def __init__(self) -> None:
        self._run: Texts = _NOTHING  # what the text so far ends with
        self._prefix: Texts | None = None  # None: `_run` is all of it
        self._best: Texts | None = None

    def add(self, part: Part) -> None:
        longer = _times(self._run, part.exact if part.exact is not None else part.prefix)
        if part.exact is not None and longer is not None:
            if len(longer) > len(self._run):
                self._consider(self._run)
            self._run = longer
            return
        begins = self._run if longer is None else longer
        self._consider(begins)
        self._consider(part.best)
        if self._prefix is None:
            self._prefix = begins
        self._run = part.suffix if len(part.suffix) <= TEXTS_MAX else _NOTHING

    def _consider(self, texts: Texts | None) -> None:
        if texts is not None and "" not in texts and _rate(texts) <= _RATE_MAX:
            self._best = _better(self._best, texts)

    def part(self) -> Part:
        self._consider(self._run)
        if self._prefix is None:
            return Part(self._run, self._run, self._run, self._best)
        return Part(None, self._prefix, self._run, self._best)


def any_of(parts: list[Part]) -> Part:
    """Return alternatives as one part."""
    if len(parts) == 1:
        return parts[0]
    exact: set[str] = set()
    prefix: set[str] = set()
    suffix: set[str] = set()
    best: set[str] = set()
    are_exact = has_best = True
    for part in parts:
        are_exact &= part.exact is not None
        exact.update(part.exact or ())
        prefix |= part.prefix
        suffix |= part.suffix
        has_best &= part.best is not None
        best.update(part.best or ())
    return Part(
        frozenset(exact) if are_exact and len(exact) <= TEXTS_MAX else None,
        frozenset(prefix) if len(prefix) <= TEXTS_MAX else _NOTHING,
        frozenset(suffix) if len(suffix) <= TEXTS_MAX else _NOTHING,
        frozenset(best) if has_best and len(best) <= _ALTERNATIVES_MAX else None,
    )


def repeated(part: Part, least: int, most: int | None) -> Part:
    """Return a part that is repeated, without end where `most` is None."""
    if most == 0:
        return EMPTY
    if least == 0:
        if most == 1 and part.exact is not None and len(part.exact) < TEXTS_MAX:
            return exactly(part.exact | _NOTHING)
        return ANYTHING
    whole = Sequence()
    for _ in range(min(least, _REPEATS_MAX)):
        whole.add(part)
    if least != most or least > _REPEATS_MAX:
        whole.add(ANYTHING)
    return whole.part()
