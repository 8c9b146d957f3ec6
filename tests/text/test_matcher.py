"""Matcher: every match kind and option against a model that tries everything, on every ISA."""

from __future__ import annotations

import copy
import gzip
import itertools
import pickle
import random
import re
import sys
import threading
import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.literals import find_all, leftmost, simple_fold

import fastcore
from fastcore.text import Match, Matcher

KINDS = ("leftmost-longest", "leftmost-first", "overlapping")


def found(matcher: Matcher, text: Any) -> list[tuple[int, int, int]]:
    return [tuple(match) for match in matcher.findall(text)]


def check(patterns: list[Any], text: Any, match: str, **options: bool) -> None:
    """Every way to ask must give what the model gives."""
    matcher = Matcher(patterns, match=match, **options)
    want = find_all(patterns, text, match, **options)
    assert found(matcher, text) == want
    assert [tuple(m) for m in matcher.finditer(text)] == want
    assert matcher.count(text) == len(want)
    assert matcher.contains(text) is bool(want)
    assert matcher.find(text) == (Match(*want[0]) if want else None)


ALPHABET_SETS = st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=8)


@pytest.mark.parametrize("match", KINDS)
@given(patterns=ALPHABET_SETS, text=st.text("ab", max_size=60), whole_words=st.booleans())
def test_small_alphabet_agrees_with_the_model(match, patterns, text, whole_words):
    check(patterns, text, match, whole_words=whole_words)
    check([p.encode() for p in patterns], text.encode(), match, whole_words=whole_words)


@pytest.mark.parametrize("match", KINDS)
@given(
    patterns=st.lists(st.text("abA ", min_size=3, max_size=6), min_size=2, max_size=9),
    text=st.text("abA ", max_size=80),
    ignore_case=st.booleans(),
    whole_words=st.booleans(),
    padding=st.sampled_from([0, 40, 400]),
)
def test_patterns_of_three_bytes_and_more(match, patterns, text, ignore_case, whole_words, padding):
    text = "-" * padding + text + "-" * padding + "".join(patterns)
    check(patterns, text, match, ignore_case=ignore_case, whole_words=whole_words)
    rows = [text, text[: len(text) // 2], "", text[3:]]
    matcher = Matcher(patterns, match=match, ignore_case=ignore_case, whole_words=whole_words)
    assert matcher.count_each(rows).tolist() == [matcher.count(row) for row in rows]


@pytest.mark.parametrize("match", KINDS)
@given(
    patterns=st.lists(st.text("abA ", min_size=5, max_size=14), min_size=13, max_size=30),
    text=st.text("abA ", max_size=120),
    ignore_case=st.booleans(),
    whole_words=st.booleans(),
    padding=st.sampled_from([0, 40, 4000]),
)
def test_many_patterns_of_five_bytes_and_more(
    match, patterns, text, ignore_case, whole_words, padding
):
    """Long enough for grams: hits everywhere, so that some searches go over to the automaton."""
    text = "-" * padding + text + "-" * padding + "".join(patterns[:9])
    check(patterns, text, match, ignore_case=ignore_case, whole_words=whole_words)
    rows = [text, text[: len(text) // 2], "", text[3:], *patterns]
    matcher = Matcher(patterns, match=match, ignore_case=ignore_case, whole_words=whole_words)
    assert matcher.count_each(rows).tolist() == [matcher.count(row) for row in rows]
    assert matcher.contains_each(rows).tolist() == [matcher.contains(row) for row in rows]


def counted_by_place(patterns: list[bytes], text: bytes) -> list[tuple[int, int, int]]:
    """All occurrences, by a dictionary of the patterns of each length."""
    by_length: dict[int, dict[bytes, list[int]]] = {}
    for index, pattern in enumerate(patterns):
        by_length.setdefault(len(pattern), {}).setdefault(pattern, []).append(index)
    return sorted(
        (
            (index, start, start + length)
            for length, wanted in by_length.items()
            for start in range(len(text) - length + 1)
            for index in wanted.get(text[start : start + length], ())
        ),
        key=lambda match: (match[2], match[1], match[0]),
    )


@pytest.mark.parametrize("shortest", [5, 6, 9, 16])
@pytest.mark.parametrize("count", [13, 900, 3000])
def test_grams_find_what_is_everywhere(isa, count, shortest):
    """Many patterns, with and without neighbours in the text, over several tiles."""
    chance = random.Random(count + shortest)
    letters = b"abcdefgh./- "
    patterns = [
        bytes(chance.choices(letters, k=chance.randint(shortest, shortest + 40)))
        for _ in range(count)
    ]
    patterns[-3:] = patterns[0], patterns[1][:shortest], patterns[2] + b"a"
    pieces = chance.choices(patterns, k=500)
    spaces = [bytes(chance.choices(b"0123xyz", k=chance.choice([0, 3, 200]))) for _ in pieces]
    text = b"".join(itertools.chain(*zip(spaces, pieces, strict=True)))
    every = counted_by_place(patterns, text)
    matcher = Matcher(patterns, match="overlapping")
    assert matcher.kernel.startswith("grams")
    assert found(matcher, text) == every
    for kind, better in (
        ("leftmost-longest", lambda m: (-m[2], m[0])),
        ("leftmost-first", lambda m: m[0]),
    ):
        assert found(Matcher(patterns, match=kind), text) == leftmost(every, better)
    bounds = sorted(chance.choices(range(len(text)), k=40))
    rows = [text[a:b] for a, b in zip([0, *bounds], [*bounds, len(text)], strict=True)]
    each = matcher.find_each(rows)
    want = [(n, *m) for n, row in enumerate(rows) for m in counted_by_place(patterns, row)]
    assert list(zip(each.row.tolist(), *map(list, zip(*each, strict=True)), strict=True)) == want


# Letters whose folding changes their length in UTF-8, or meets ASCII; words and non-words.
ODD = "kK\u212aſsSßẞȺⱥıİiIяЯ _-é\U00010400\U00010428\ud800"


@pytest.mark.parametrize("match", KINDS)
@given(
    patterns=st.lists(st.text(ODD, min_size=1, max_size=3), min_size=1, max_size=6),
    text=st.text(ODD, max_size=40),
    ignore_case=st.booleans(),
    whole_words=st.booleans(),
)
def test_unicode_agrees_with_the_model(match, patterns, text, ignore_case, whole_words):
    check(patterns, text, match, ignore_case=ignore_case, whole_words=whole_words)


@pytest.mark.parametrize("match", KINDS)
@given(
    patterns=st.lists(st.binary(min_size=1, max_size=4), min_size=1, max_size=6),
    text=st.binary(max_size=60),
    ignore_case=st.booleans(),
    whole_words=st.booleans(),
)
def test_bytes_agree_with_the_model(match, patterns, text, ignore_case, whole_words):
    check(
        patterns, text + b"".join(patterns), match, ignore_case=ignore_case, whole_words=whole_words
    )


@pytest.mark.parametrize("length", [*range(0, 70), 127, 128, 129, 255, 256, 257, 300])
def test_one_literal_at_every_place(isa, length):
    for needle in (b"q", b"qu", b"quz", b"qu" + b"x" * 30 + b"z"):
        matcher = Matcher([needle])
        assert matcher.find(b"x" * length) is None
        for at in range(length - len(needle) + 1):
            text = b"x" * at + needle + b"x" * (length - at - len(needle))
            assert found(matcher, text) == [(0, at, at + len(needle))]


@pytest.mark.parametrize("match", KINDS)
@pytest.mark.parametrize("size", [200, 3_000, 40_000])
def test_long_texts_agree_with_re(isa, match, size):
    """Across tiles, lanes and batches; `re` alternation is leftmost-first."""
    chance = random.Random(size)
    text = "".join(chance.choices("abc", k=size))
    patterns = sorted({"".join(chance.choices("abc", k=chance.randint(3, 9))) for _ in range(40)})
    chance.shuffle(patterns)
    if match == "overlapping":
        want = sorted(
            (
                (index, m.start(), m.start() + len(pattern))
                for index, pattern in enumerate(patterns)
                for m in re.finditer(f"(?={pattern})", text)
            ),
            key=lambda m: (m[2], m[1]),
        )
    else:
        order = sorted(patterns, key=len, reverse=True) if match == KINDS[0] else patterns
        index = {pattern: i for i, pattern in enumerate(patterns)}
        want = [(index[m[0]], *m.span()) for m in re.finditer("|".join(order), text)]
    matcher = Matcher(patterns, match=match)
    assert found(matcher, text) == want
    assert [tuple(m) for m in matcher.finditer(text)] == want
    assert found(Matcher([p.encode() for p in patterns], match=match), text.encode()) == want


@pytest.mark.parametrize("size", [5_000, 100_000])
def test_one_literal_agrees_with_re_in_long_texts(isa, size):
    chance = random.Random(size)
    text = bytes(chance.choices(b"ab", k=size))
    for needle in (b"a", b"ab", b"abba", b"a" * 9, b"ab" * 20, b"b" + b"a" * 12):
        want = [m.span() for m in re.finditer(needle, text)]
        assert [m[1:] for m in found(Matcher([needle]), text)] == want
        every = [m.start() for m in re.finditer(b"(?=" + needle + b")", text)]
        assert Matcher([needle], match="overlapping").findall(text).start.tolist() == every


@pytest.mark.parametrize("match", KINDS)
def test_many_patterns_of_every_length(isa, match):
    """More states than have rows, and a pattern much longer than a lane of a tile."""
    chance = random.Random(3)
    patterns = [bytes(chance.choices(range(97, 123), k=chance.randint(2, 40))) for _ in range(3000)]
    patterns.append(bytes(chance.choices(b"xyz", k=9000)))
    pieces = [*chance.choices(patterns, k=400), patterns[-1], patterns[-1][:-1], patterns[-1]]
    text = b"".join(
        itertools.chain(*zip(pieces, chance.choices([b"", b" ", b"a"], k=403), strict=False))
    )
    matcher = Matcher(patterns, match=match)
    got = found(matcher, text)
    for index, start, end in got:
        assert text[start:end] == patterns[index]
    if match == "overlapping":
        unique = {pattern: [] for pattern in patterns}
        for index, start, _ in got:
            unique[patterns[index]].append((start, index))
        for pattern, places in unique.items():
            copies = [i for i, p in enumerate(patterns) if p == pattern] if len(places) else [0]
            every = [m.start() for m in re.finditer(b"(?=" + pattern + b")", text)]
            assert sorted(places) == [(start, i) for start in every for i in copies]
    else:
        order = sorted(patterns, key=len, reverse=True) if match == KINDS[0] else patterns
        want = [m.span() for m in re.finditer(b"|".join(order), text)]
        assert [m[1:] for m in got] == want


def test_equal_patterns():
    assert found(Matcher(["a", "a"]), "aa") == [(0, 0, 1), (0, 1, 2)]
    assert found(Matcher(["ab", "b", "ab"], match="overlapping"), "ab") == [
        (0, 0, 2),
        (2, 0, 2),
        (1, 1, 2),
    ]
    assert found(Matcher(["ab", "AB"], match="overlapping", ignore_case=True), "aB") == [
        (0, 0, 2),
        (1, 0, 2),
    ]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda b: np.frombuffer(b, "u1")])
def test_every_buffer(kind):
    assert Matcher([b"lo", b"he"]).count(kind(b"hello")) == 2


def test_find_with_bounds_counts_as_a_slice_does():
    matcher = Matcher(["é"])
    text = "aéaéa"
    for start, end in itertools.product([None, *range(-7, 8)], repeat=2):
        at = text[slice(start, end)].find("é")
        first = slice(start, end).indices(len(text))[0]
        want = None if at < 0 else Match(0, at + first, at + first + 1)
        assert matcher.find(text, start or 0, end) == want
        raw = Matcher([b"e"])
        data = b"aeaea"
        at = data[slice(start, end)].find(b"e")
        want = None if at < 0 else Match(0, at + first, at + first + 1)
        assert raw.find(data, start or 0, end) == want


def test_words_end_at_the_bounds_of_find():
    matcher = Matcher([b"cat"], whole_words=True)
    assert matcher.find(b"concat") is None
    assert matcher.find(b"concat", 3) == Match(0, 3, 6)


def test_latin_and_astral_text():
    for text in ("naïve café", "\U0001f600 a \U0001f600", "日本語テキスト"):
        for char in text:
            want = [i for i, other in enumerate(text) if other == char]
            assert Matcher([char]).findall(text).start.tolist() == want


def test_no_patterns_match_nothing():
    empty = Matcher([])
    assert len(empty) == 0
    assert empty.count("abc") == empty.count(b"abc") == 0
    assert empty.find("abc") is None
    assert empty.contains_each(["a", None]).tolist() == [False, False]
    assert len(empty.lines(b"a\nb\n")) == 0


@pytest.mark.parametrize(
    ("patterns", "error", "says"),
    [
        (["a", b"b"], TypeError, r"patterns\[1\]"),
        ([b"a", "b"], TypeError, r"patterns\[1\]"),
        ([1], TypeError, "str or all be bytes"),
        ("abc", TypeError, "list"),
        (b"abc", TypeError, "list"),
        (["a", ""], ValueError, r"patterns\[1\] is empty"),
        ([b""], ValueError, r"patterns\[0\] is empty"),
    ],
)
def test_bad_patterns(patterns, error, says):
    with pytest.raises(error, match=says):
        Matcher(patterns)


def test_bad_arguments():
    with pytest.raises(ValueError, match="leftmost-longest"):
        Matcher(["a"], match="standard")
    with pytest.raises(TypeError, match="haystack"):
        Matcher(["a"]).find(b"a")
    with pytest.raises(TypeError, match="haystack"):
        Matcher([b"a"]).find("a")
    with pytest.raises(TypeError, match="haystack"):
        Matcher([b"a"]).count(3)
    with pytest.raises(ValueError, match="contiguous"):
        Matcher([b"a"]).count(memoryview(b"abcd")[::2])


def test_attributes_and_pickle():
    matcher = Matcher(["Sam", "Frodo"], ignore_case=True, match="overlapping", whole_words=True)
    assert matcher.patterns == ("Sam", "Frodo")
    assert len(matcher) == 2
    assert matcher.nbytes > 8
    assert fastcore.cpu.info().kernels["find_byte"] in matcher.kernel
    text = repr(matcher)
    assert "Sam" in text
    assert "overlapping" in text
    for other in (pickle.loads(pickle.dumps(matcher)), copy.deepcopy(matcher)):
        assert other.patterns == matcher.patterns
        assert found(other, "sam FRODO frodos") == found(matcher, "sam FRODO frodos")
    assert "..." in repr(Matcher(["x" * 1000, "b", "c", "d"]))


def test_shared_between_threads():
    """The automaton that a hard text asks for is made once, by whichever thread comes first."""
    needle = b"a" * 200 + b"b"
    matcher = Matcher([needle], match="overlapping")
    text = b"a" * 5000 + needle + b"a" * 5000
    results = []
    barrier = threading.Barrier(4)

    def search():
        barrier.wait()
        results.append(found(matcher, text))

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[(0, 5000, 5201)]] * 4


ADVERSARIAL = {
    "a^k": [b"a" * k for k in range(1, 200)],
    "a^k b": [b"a" * k + b"b" for k in range(1, 200)],
    "b a^k": [b"b" + b"a" * k for k in range(1, 200)],
    "one of a": [b"a" * 1000],
    "middle": [b"a" * 500 + b"b" + b"a" * 500],
    "last": [b"a" * 1000 + b"b"],
    "short and long": [b"a", b"a" * 100_000 + b"b"],
    "a^k from 5": [b"a" * k for k in range(5, 200)],
    "one gram": [b"aaaa%04d" % k for k in range(200)],
    "a few": [b"a" * k for k in range(3, 14)],
}


@pytest.mark.parametrize("match", KINDS)
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_adversarial_sets_are_right(isa, match, name):
    patterns = ADVERSARIAL[name]
    text = b"a" * 3000 + b"b" + b"a" * 3000
    got = found(Matcher(patterns, match=match), text)
    if match == "overlapping":
        want = sum(len(re.findall(b"(?=" + pattern + b")", text)) for pattern in patterns)
        assert len(got) == want
        assert got == sorted(got, key=lambda m: (m[2], m[1]))
    else:
        order = sorted(patterns, key=len, reverse=True) if match == KINDS[0] else patterns
        assert [m[1:] for m in got] == [m.span() for m in re.finditer(b"|".join(order), text)]


def test_a_pattern_of_a_megabyte():
    needle = random.Random(1).randbytes(1 << 20)
    matcher = Matcher([needle, needle[1:], b"not there"])
    assert found(matcher, b"xx" + needle + b"x" + needle[1:]) == [
        (0, 2, 2 + (1 << 20)),
        (1, 3 + (1 << 20), 2 + (2 << 20)),
    ]


@pytest.mark.parametrize("ignore_case", [False, True])
def test_every_code_point_folds_as_str_does(ignore_case):
    points = [chr(p) for p in range(sys.maxunicode + 1) if unicodedata.category(chr(p)) != "Cn"]
    cased = [char for char in points if simple_fold(char) != char]
    assert len(cased) > 1300
    for char in cased:
        matcher = Matcher([simple_fold(char)], ignore_case=ignore_case)
        assert matcher.contains("." + char) is ignore_case
    for char in random.Random(0).sample(points, 3000):
        same = Matcher([char], ignore_case=True)
        assert same.contains(char + "é")


@settings(max_examples=30)
@given(st.lists(st.text("abcdefgh\n", max_size=12), max_size=30), st.integers(1, 9))
def test_lines_agree_with_a_loop(rows, chunk_bytes):
    text = "\n".join(rows).encode()
    for whole_words, invert in itertools.product([False, True], repeat=2):
        matcher = Matcher([b"ab", b"c", b"gh"], whole_words=whole_words)
        check_lines(matcher, text, invert, chunk_bytes)


def check_lines(matcher: Matcher, text: bytes, invert: bool, chunk_bytes: int) -> None:
    want, at = [], 0
    for number, line in enumerate(text.split(b"\n")):
        last = at + len(line) == len(text)
        if not (last and not line):
            hay = line.decode() if matcher.is_text else line
            if matcher.contains(hay) != invert:
                want.append((number, at, at + len(line)))
        at += len(line) + 1
    assert list(matcher.lines(text, invert=invert)) == want
    chunks = [text[i : i + chunk_bytes] for i in range(0, len(text), chunk_bytes)]
    assert list(matcher.lines(chunks, invert=invert)) == want


@settings(max_examples=50)
@given(st.text(ODD.replace("\ud800", "") + "\n", max_size=80), st.integers(1, 9))
def test_lines_of_unicode_agree_with_a_loop(text, chunk_bytes):
    for patterns in (["k"], ["ßs", "я"], ["\u212aſ", "ⱥ"]):
        for words in (False, True):
            matcher = Matcher(patterns, ignore_case=True, whole_words=words)
            check_lines(matcher, text.encode(), False, chunk_bytes)


def test_lines_across_chunks_of_every_size(isa):
    chance = random.Random(5)
    rows = ["".join(chance.choices("abc ", k=chance.randint(0, 90))) for _ in range(60)]
    text = "\n".join(rows).encode()
    matcher = Matcher([b"abcab", b"cc", b"aaaaaa"])
    for chunk_bytes in [*range(1, 40), 63, 64, 65, 1000]:
        check_lines(matcher, text, False, chunk_bytes)


def test_a_pattern_with_a_newline_matches_no_line():
    assert len(Matcher([b"a\nb"]).lines(b"a\nb\n")) == 0
    assert list(Matcher([b"a\nb", b"b"]).lines(b"a\nb\n")) == [(1, 2, 3)]


def test_a_line_longer_than_memory_would_like():
    """What is kept of a line is a few times the longest pattern, not the line."""
    chunk = b"x" * 100_000
    scan = fastcore._native.text.LineScan(Matcher([b"needle"]), False)
    for _ in range(50):
        scan.feed(chunk)
        assert scan.kept_bytes < 100
    scan.feed(b"needle" + chunk)
    scan.feed(b"\nno\n", last=True)
    assert [column.tolist() for column in scan.result()] == [[0], [0], [5_100_006]]


def test_lines_of_files(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(b"a\nb\na\n"))
    matcher = Matcher(["a"])
    with open(path, "rb") as file:
        assert len(matcher.lines(file)) == 0  # a file object is not decompressed
    for source in (path, str(path), [b"a\n", b"b\na", b"\n"], bytearray(b"a\nb\na\n")):
        assert matcher.lines(source).number.tolist() == [0, 2]
    with pytest.raises(fastcore.Error):
        matcher.lines(tmp_path / "missing")
    with pytest.raises(TypeError):
        matcher.lines(7)
