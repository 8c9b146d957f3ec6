"""Tables of patterns, text and matches for each match kind, worked out by hand."""

from __future__ import annotations

import pytest

from fastcore.text import Matcher

STANDARD = "overlapping"
LONGEST = "leftmost-longest"
FIRST = "leftmost-first"

# kinds, patterns, text, (pattern, start, end)...
TABLE: list[tuple[tuple[str, ...], list[str], str, list[tuple[int, int, int]]]] = [
    ((STANDARD, LONGEST, FIRST), [], "abc", []),
    ((STANDARD, LONGEST, FIRST), ["a"], "", []),
    ((STANDARD, LONGEST, FIRST), ["a"], "aba", [(0, 0, 1), (0, 2, 3)]),
    ((STANDARD, LONGEST, FIRST), ["a", "b"], "bza", [(1, 0, 1), (0, 2, 3)]),
    ((STANDARD,), ["aa"], "aaaa", [(0, 0, 2), (0, 1, 3), (0, 2, 4)]),
    ((LONGEST, FIRST), ["aa"], "aaaaa", [(0, 0, 2), (0, 2, 4)]),
    # one is a prefix of the other
    ((FIRST,), ["ab", "abcd"], "abcd", [(0, 0, 2)]),
    ((LONGEST,), ["ab", "abcd"], "abcd", [(1, 0, 4)]),
    ((FIRST, LONGEST), ["abcd", "ab"], "abcd", [(0, 0, 4)]),
    ((STANDARD,), ["ab", "abcd"], "abcd", [(0, 0, 2), (1, 0, 4)]),
    # a longer one that begins alike does not come to its end
    ((FIRST, LONGEST), ["ab", "abcd"], "abce", [(0, 0, 2)]),
    ((FIRST, LONGEST), ["abcd", "bc", "b"], "abce", [(1, 1, 3)]),
    # what begins first wins over what ends first or is longer
    ((FIRST, LONGEST), ["bcdefg", "abc"], "abcdefg", [(1, 0, 3)]),
    ((FIRST, LONGEST), ["b", "abcd"], "abcd", [(1, 0, 4)]),
    ((STANDARD,), ["b", "abcd"], "abcd", [(0, 1, 2), (1, 0, 4)]),
    # suffixes
    ((STANDARD,), ["abcd", "bcd", "cd", "d"], "abcd", [(0, 0, 4), (1, 1, 4), (2, 2, 4), (3, 3, 4)]),
    ((LONGEST, FIRST), ["d", "cd", "bcd", "abcd"], "abcd", [(3, 0, 4)]),
    # after a match, the next begins behind its end
    ((FIRST, LONGEST), ["abab", "ab"], "ababab", [(0, 0, 4), (1, 4, 6)]),
    ((FIRST,), ["a", "ab", "abc"], "abcab", [(0, 0, 1), (0, 3, 4)]),
    ((LONGEST,), ["a", "ab", "abc"], "abcab", [(2, 0, 3), (1, 3, 5)]),
    # equal patterns: every one of them, or the first
    ((STANDARD,), ["ab", "ab"], "ab", [(0, 0, 2), (1, 0, 2)]),
    ((LONGEST, FIRST), ["ab", "ab"], "abab", [(0, 0, 2), (0, 2, 4)]),
    # the order of the list decides, where it does
    ((FIRST,), ["Sam", "Samwise"], "Samwise", [(0, 0, 3)]),
    ((LONGEST,), ["Sam", "Samwise"], "Samwise", [(1, 0, 7)]),
    (
        (FIRST,),
        ["append", "appendage", "app"],
        "append the app to the appendage",
        [(0, 0, 6), (2, 11, 14), (0, 22, 28)],
    ),
    (
        (LONGEST,),
        ["append", "appendage", "app"],
        "append the app to the appendage",
        [(0, 0, 6), (2, 11, 14), (1, 22, 31)],
    ),
]

# More patterns, none of which is in any text: they bring the other engines in.
OTHERS = [[], ["#" * 3 + str(i) for i in range(5)], [f"#{i:06}" for i in range(40)]]
CASES = [(kind, *row[1:]) for row in TABLE for kind in row[0]]


@pytest.mark.parametrize("others", OTHERS, ids=len)
@pytest.mark.parametrize("longer", [False, True], ids=["as it is", "each letter eight times"])
@pytest.mark.parametrize(("kind", "patterns", "text", "want"), CASES)
def test_table(isa, kind, patterns, text, want, longer, others):
    times = 8 if longer else 1

    def stretched(given: str) -> str:
        return "".join(f"{letter}<>=1234"[:times] for letter in given)

    wanted = [(index, start * times, end * times) for index, start, end in want]
    given = [*map(stretched, patterns), *others]
    matcher = Matcher(given, match=kind)
    assert [tuple(match) for match in matcher.findall(stretched(text))] == wanted
    folded = Matcher([pattern.swapcase() for pattern in given], match=kind, ignore_case=True)
    assert [tuple(match) for match in folded.findall(stretched(text))] == wanted
    as_bytes = Matcher([pattern.encode() for pattern in given], match=kind)
    scanner = as_bytes.scanner()
    fed = [
        tuple(match) for byte in stretched(text).encode() for match in scanner.feed(bytes([byte]))
    ]
    assert fed + [tuple(match) for match in scanner.close()] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "\xe9",
        "a\xe9\xff b",
        "\u07ff\u0800\uffff a\x7f\x80",
        "\ud800a\udfff",
        "\U00010000\u0439 \ud800",
    ],
)
def test_text_of_every_width_is_found_where_it_is(text):
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            padded, piece = "xy " * 30 + text + " z" * 30, text[start:end]
            at = padded.find(piece)
            assert Matcher([piece]).find(padded)[1:] == (at, at + len(piece))
