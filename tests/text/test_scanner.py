"""Scanner: chunks of every kind against the same text searched whole; and replace()."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcore.text import Matcher

KINDS = ("leftmost-longest", "leftmost-first", "overlapping")


def scanned(matcher: Matcher, chunks: list[Any]) -> list[tuple[int, int, int]]:
    scanner = matcher.scanner()
    found = [tuple(match) for chunk in chunks for match in scanner.feed(chunk)]
    return found + [tuple(match) for match in scanner.close()]


def whole(matcher: Matcher, text: Any) -> list[tuple[int, int, int]]:
    return [tuple(match) for match in matcher.findall(text)]


@pytest.mark.parametrize("match", KINDS)
@pytest.mark.parametrize("options", [{}, {"whole_words": True}, {"ignore_case": True}])
def test_split_at_every_place(isa, match, options):
    texts = [("xabcab ab abcd AB aabb", ["ab", "abc", "b", "abcd", "ca"])]
    texts.append(("é\u212aß яЯя\U0001f600k ßk", ["k", "ß", "яя", "\U0001f600k", "kß"]))
    for text, patterns in texts:
        for strings in (True, False):
            hay: Any = text if strings else text.encode()
            matcher = Matcher(
                patterns if strings else [p.encode() for p in patterns], match=match, **options
            )
            want = whole(matcher, hay)
            assert want
            for first in range(len(hay) + 1):
                for second in range(first, len(hay) + 1):
                    chunks = [hay[:first], hay[first:second], hay[second:]]
                    assert scanned(matcher, chunks) == want
            assert scanned(matcher, [hay[i : i + 1] for i in range(len(hay))]) == want


@pytest.mark.parametrize("match", KINDS)
@settings(max_examples=60)
@given(
    patterns=st.lists(st.text("ab é", min_size=1, max_size=5), min_size=1, max_size=6),
    chunks=st.lists(st.text("ab é", max_size=12), max_size=12),
    words=st.booleans(),
)
def test_any_chunks(match, patterns, chunks, words):
    matcher = Matcher(patterns, match=match, whole_words=words)
    assert scanned(matcher, chunks) == whole(matcher, "".join(chunks))


@pytest.mark.parametrize("match", KINDS)
def test_a_long_pattern_in_small_chunks(match):
    needle = bytes(random.Random(2).choices(b"abc", k=6000))
    text = b"x" * 5000 + needle + b"ab" * 3000 + needle
    matcher = Matcher([needle, b"abab"], match=match)
    chunks = [text[i : i + 100] for i in range(0, len(text), 100)]
    assert scanned(matcher, chunks) == whole(matcher, text)


def test_matches_come_as_soon_as_they_are_certain():
    scanner = Matcher([b"ab", b"abcd"]).scanner()
    assert len(scanner.feed(b"ab")) == 0  # may become abcd
    assert [tuple(m) for m in scanner.feed(b"xx")] == [(0, 0, 2)]
    overlapping = Matcher([b"ab", b"abcd"], match="overlapping").scanner()
    assert [tuple(m) for m in overlapping.feed(b"ab")] == [(0, 0, 2)]


def test_closed_and_wrong():
    scanner = Matcher(["a"]).scanner()
    with pytest.raises(TypeError, match="chunk"):
        scanner.feed(b"a")
    assert len(scanner.close()) == len(scanner.close()) == 0
    with pytest.raises(ValueError, match="closed"):
        scanner.feed("a")
    empty = Matcher([]).scanner()
    assert len(empty.feed(b"abc")) == len(empty.close()) == 0


@given(st.text("abé", max_size=40), st.lists(st.text("abé", min_size=1, max_size=3), max_size=4))
def test_replace_puts_pieces_together(text, patterns):
    matcher = Matcher(patterns)
    each = [f"<{i}>" for i in range(len(patterns))]
    want, at = "", 0
    for pattern, start, end in matcher.findall(text):
        want += text[at:start] + each[pattern]
        at = end
    want += text[at:]
    assert matcher.replace(text, each) == want
    encoded = Matcher([p.encode() for p in patterns])
    assert encoded.replace(text.encode(), [e.encode() for e in each]) == want.encode()


def test_replace_of_one_pattern_is_str_replace():
    assert Matcher(["ab"]).replace("abcabab", "é") == "abcabab".replace("ab", "é")
    assert Matcher([b"ab"]).replace(bytearray(b"abab"), b"") == b""
    with pytest.raises(ValueError, match="overlapping"):
        Matcher(["a"], match="overlapping").replace("a", "b")
    with pytest.raises(ValueError, match="2 patterns"):
        Matcher(["a", "b"]).replace("a", ["x"])
    with pytest.raises(TypeError, match="replacement"):
        Matcher(["a"]).replace("a", b"x")
