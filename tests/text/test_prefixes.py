"""PrefixTable against str.startswith."""

from __future__ import annotations

import pickle
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference.literals import fold

from fastcore.text import PrefixTable


def model(prefixes: list[Any], text: Any, ignore_case: bool = False) -> list[int]:
    if ignore_case:
        prefixes, text = [fold(p) for p in prefixes], fold(text)
    found = [i for i, prefix in enumerate(prefixes) if text.startswith(prefix)]
    return sorted(found, key=lambda i: (len(prefixes[i]), i))


def check(prefixes: list[Any], texts: list[Any], ignore_case: bool = False) -> None:
    table = PrefixTable(prefixes, ignore_case=ignore_case)
    want = []
    for text in texts:
        every = [] if text is None else model(prefixes, text, ignore_case)
        longest = [i for i in every if len(prefixes[i]) == len(prefixes[every[-1]])]
        want.append(longest[0] if every else -1)
        if text is not None:
            assert table.all(text) == every
            assert table.longest(text) == want[-1]
    assert table.longest_each(texts).tolist() == want


TEXTS = st.lists(st.text("ab\0é", max_size=12), max_size=8)


@given(st.lists(st.text("ab\0é", min_size=1, max_size=11), max_size=12), TEXTS)
def test_text(prefixes, texts):
    check(prefixes, [*texts, None, *prefixes])


@given(st.lists(st.binary(min_size=1, max_size=3), max_size=12), st.lists(st.binary(max_size=4)))
def test_bytes(prefixes, texts):
    check(prefixes, [*texts, *prefixes])
    check(prefixes, [*texts, *prefixes], ignore_case=True)


@given(st.lists(st.text("kK\u212asSſß", min_size=1, max_size=3), max_size=9), TEXTS)
def test_case(prefixes, texts):
    check(prefixes, [*texts, *prefixes, *(p.upper() for p in prefixes if "ß" not in p)], True)


def test_many():
    chance = random.Random(4)
    prefixes = ["".join(chance.choices("abc/", k=chance.randint(1, 14))) for _ in range(3000)]
    texts = ["".join(chance.choices("abc/", k=chance.randint(0, 30))) for _ in range(300)]
    check(prefixes, texts + prefixes[:300])


def test_one_inside_the_other():
    check(["a" * k for k in range(1, 400)], ["a" * k for k in range(0, 500, 7)] + ["a" * 50 + "b"])


def test_arrow():
    pa = pytest.importorskip("pyarrow")
    table = PrefixTable(["/a", "/ab"])
    assert table.longest_each(pa.array(["/abc", None, "x", "/a"])).tolist() == [1, -1, -1, 0]


def test_attributes_and_errors():
    table = PrefixTable(["b", "a"], ignore_case=True)
    again = pickle.loads(pickle.dumps(table))
    assert again.prefixes == table.prefixes == ("b", "a")
    assert again.longest("ABC") == 1
    assert len(table) == 2
    assert "2 prefixes" in repr(table)
    assert table.nbytes > 2
    assert PrefixTable([]).longest("a") == PrefixTable([]).longest(b"a") == -1
    with pytest.raises(ValueError, match=r"prefixes\[1\] is empty"):
        PrefixTable(["a", ""])
    with pytest.raises(TypeError, match=r"prefixes\[1\]"):
        PrefixTable(["a", b"a"])
    with pytest.raises(TypeError, match="s must be str"):
        table.longest(b"a")
