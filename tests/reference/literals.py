"""What a matcher finds, by trying every pattern at every place."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

Found = list[tuple[int, int, int]]


@functools.cache
def simple_fold(char: str) -> str:
    """Unicode simple case folding of one character, out of what `str` knows."""
    whole = char.casefold()
    if len(whole) == 1:
        return whole
    lower = char.lower()
    return lower if len(lower) == 1 else char


def fold(text: Any) -> Any:
    """Simple case folding for str, ASCII case folding for bytes."""
    return text.lower() if isinstance(text, bytes) else "".join(map(simple_fold, text))


def is_word(text: Any, at: int) -> bool:
    if not 0 <= at < len(text):
        return False
    kind = rb"\w" if isinstance(text, bytes) else r"\w"
    return re.match(kind, text[at : at + 1]) is not None


def occurrences(
    patterns: Sequence[Any], text: Any, *, ignore_case: bool = False, whole_words: bool = False
) -> Found:
    """(pattern, start, end) of every occurrence, in order of end, then start, then pattern."""
    searched = fold(text) if ignore_case else text
    found = []
    for index, pattern in enumerate(patterns):
        wanted = fold(pattern) if ignore_case else pattern
        for start in range(len(text) - len(wanted) + 1):
            end = start + len(wanted)
            if searched[start:end] != wanted:
                continue
            if whole_words and (is_word(text, start - 1) or is_word(text, end)):
                continue
            found.append((index, start, end))
    return sorted(found, key=lambda match: (match[2], match[1], match[0]))


def leftmost(found: Found, better: Callable[[tuple[int, int, int]], Any]) -> Found:
    out, at = [], 0
    for start in sorted({start for _, start, _ in found}):
        if start >= at:
            best = min((match for match in found if match[1] == start), key=better)
            out.append(best)
            at = best[2]
    return out


def find_all(patterns: Sequence[Any], text: Any, match: str, **options: bool) -> Found:
    """What `Matcher(patterns, match=match, **options).findall(text)` is to find."""
    found = occurrences(patterns, text, **options)
    if match == "overlapping":
        return found
    if match == "leftmost-first":
        return leftmost(found, lambda m: m[0])
    return leftmost(found, lambda m: (-m[2], m[0]))
