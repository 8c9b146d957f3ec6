"""RegexSet: against RE2 itself, run on each line; and what it works out about regexes."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

re2 = pytest.importorskip("re2")

from fastcore.errors import Error  # noqa: E402
from fastcore.text import RegexError, RegexSet  # noqa: E402
from fastcore.text.required import required  # noqa: E402


def options(ignore_case: bool, is_text: bool) -> Any:
    made = re2.Options()
    made.case_sensitive = not ignore_case
    made.log_errors = False
    made.encoding = re2.Options.Encoding.UTF8 if is_text else re2.Options.Encoding.LATIN1
    return made


def searches(regex: Any, text: bytes, ignore_case: bool = False) -> bool:
    return re2.search(regex, text, options(ignore_case, isinstance(regex, str))) is not None


def chunked(rows: list[Any]) -> Any:
    return pyarrow.chunked_array([rows[:2], [], rows[2:]], pyarrow.string())


def lines_of(data: bytes) -> list[bytes]:
    return data.split(b"\n")[: -1 if data.endswith(b"\n") or not data else None]


def expected(regexes: list[Any], data: bytes, ignore_case: bool = False) -> list[tuple[int, ...]]:
    out, at = [], 0
    for number, line in enumerate(lines_of(data)):
        for index, regex in enumerate(regexes):
            if searches(regex, line, ignore_case):
                out.append((number, at, at + len(line), index))
        at += len(line) + 1
    return out


def rows(found: Any) -> list[tuple[int, ...]]:
    columns = (found.number, found.start, found.end, found.pattern)
    return list(zip(*(column.tolist() for column in columns), strict=True))


LOG = b"""\
ERROR: disk sda1 failed after 17 s
fine
2024 WARN low memory user=root
user=admin key=AKIAABCDEFGHIJKLMNOP

  trailing ERROR: 12
ERROR: 3 user=admin
\xff\xfe user=root \xc3\xa9
end"""

REGEXES = [
    r"\b(ERROR|WARN)\b.*\d",
    r"user=(root|admin)\b",
    r"AKIA[0-9A-Z]{16}",
    r"^$",
    r"^end$",
    r"\Aend\z",
    r"(?-m:^)fine",
    r"\d+ s?$",
    r"a*",
    r"[^a-z]+$",
    r"(?s).",
    r"\s",
    r"x\n",
    r"é",
    r"(?i)error: \d",
]


@pytest.mark.parametrize("newline", [b"\n", b""])
def test_lines_are_those_of_re2_line_by_line(newline: bytes) -> None:
    data = LOG + newline
    for chosen in [*([regex] for regex in REGEXES), REGEXES]:
        assert rows(RegexSet(chosen).lines(data)) == expected(chosen, data), chosen
        as_bytes = [regex.encode() for regex in chosen]
        assert rows(RegexSet(as_bytes).lines(data)) == expected(as_bytes, data), chosen


@pytest.mark.parametrize("ignore_case", [False, True])
def test_matches_are_those_of_re2(ignore_case: bool) -> None:
    rules = RegexSet(REGEXES, ignore_case=ignore_case)
    for line in lines_of(LOG):
        text = line.decode("utf-8", "replace")
        found = [
            i for i, regex in enumerate(REGEXES) if searches(regex, text.encode(), ignore_case)
        ]
        assert rules.matches(text) == found
        assert rules.contains(text) == bool(found)


ATOMS = st.one_of(
    st.sampled_from(
        [
            *"abkKsSé.ж",
            *(r"\d", r"\w", r"\W", r"\s", r"\b", r"\B", r"\pL", r"\PL", r"\x61", r"\141", r"\."),
            *("[ab]", "[^a]", "[a-c]", "[[:alpha:]]", r"[\d_]", "[]a]", "[a-]", "[Kk]", "^", "$"),
            *(
                r"\A",
                r"\z",
                r"\C",
                r"\Qa.b\E",
                "(?i)",
                "(?-i)",
                "(?m)",
                "(?-m)",
                "(?s)",
                "a{",
                "(?U)",
            ),
        ]
    ),
    st.text("abk", min_size=1, max_size=4),
)


def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map("|".join),
        st.tuples(st.sampled_from(["(", "(?:", "(?i:", "(?P<n>", "(?-i:"]), inner).map(
            lambda pair: f"{pair[0]}{pair[1]})"
        ),
        st.tuples(
            inner, st.sampled_from(["*", "+", "?", "*?", "{2}", "{0,2}", "{1,}", "{0}", "{3,4}?"])
        ).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


WORDS = st.recursive(ATOMS, extend, max_leaves=12)
TEXTS = st.lists(
    st.sampled_from([*"abckKsS.é1 \nЖж", "ab", "kk", "abk", "\u212a", "\u017f", "a.b"]), max_size=24
).map("".join)


def is_accepted(regex: Any) -> bool:
    try:
        re2.compile(regex, options(False, isinstance(regex, str)))
    except re2.error:
        return False
    return True


@given(st.lists(WORDS.filter(is_accepted), min_size=1, max_size=3), TEXTS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_regexes_on_any_lines(regexes: list[str], text: str, ignore_case: bool) -> None:
    data = text.encode()
    rules = RegexSet(regexes, ignore_case=ignore_case)
    assert rows(rules.lines(data)) == expected(regexes, data, ignore_case)
    assert rules.matches(text) == [
        i for i, regex in enumerate(regexes) if searches(regex, data, ignore_case)
    ]


@given(WORDS.map(str.encode).filter(is_accepted), TEXTS, st.booleans())
@settings(max_examples=200, deadline=None)
def test_bytes_are_characters(regex: bytes, text: str, ignore_case: bool) -> None:
    data = text.encode()
    rules = RegexSet([regex], ignore_case=ignore_case)
    assert rows(rules.lines(data)) == expected([regex], data, ignore_case)


@pytest.mark.parametrize(
    ("regex", "literals"),
    [
        (r"foo\d+quux", {"quux"}),
        ("(?:foobar|quux)+$", {"foobar", "quux"}),
        (r"\bAKIA[A-Z2-7]{16}\b", {"AKIA"}),
        ("x(yz|zz)Q", {"xyzQ", "xzzQ"}),
        ("(?i)cloudflare", {"cloudflare"}),
        ("[Aa]tlas", {"atlas"}),
        (r"hooks\.slack\.com/(?:a|b)/.*", {"hooks.slack.com/"}),
        ("(secret){2,}", {"secretsecret"}),
        (r"\Qa+b\E_c", {"a+b_c"}),
        ("(abc)?[a-z]*", None),
        (r"\w+\s\w+", None),
        ("long|", None),
        ("", None),
    ],
)
def test_required_literals(regex: str, literals: set[str] | None) -> None:
    found = required(regex, ignore_case=False, variants=lambda c: c.lower() + c.upper()).literals
    if literals is None:
        assert found is None
    else:
        assert found == literals


def test_deep_nesting_and_long_repeats_take_no_stack_and_no_time() -> None:
    deep = "(" * 900 + "needle" + ")" * 900
    assert RegexSet([deep]).prefilter == ["needle"]
    rules = RegexSet(["((a{10}){10}){9}", "(?:" + "|".join(f"w{i:05}" for i in range(900)) + ")"])
    assert rules.matches("a" * 900) == [0]
    assert rules.matches("x w00899") == [1]


def test_prefilter_has_the_patterns_type() -> None:
    assert RegexSet(["needle.", "other"]).prefilter == ["needle", "other"]
    assert RegexSet([b"needle\xff."]).prefilter == [b"needle\xff"]
    assert RegexSet([r"\w+"]).prefilter == []


def test_sources_chunks_and_long_lines(tmp_path: Path) -> None:
    rules = RegexSet([r"needle \d", r"^x+$"])
    data = b"needle 1\n" + b"x" * 5_000_000 + b"\nneedle\nneedle 2"
    wanted = expected(list(rules.patterns), data)
    assert len(wanted) == 3
    path = tmp_path / "log"
    path.write_bytes(data)
    chunks = [data[i : i + 999_983] for i in range(0, len(data), 999_983)]
    for source in (data, bytearray(data), path, str(path), io.BytesIO(data), chunks):
        assert rows(rules.lines(source)) == wanted
    assert rows(rules.lines(b"")) == []
    small = b"a\nneedle 7\n\nneedle 8\n"
    for cut in range(len(small)):
        assert rows(rules.lines([small[:cut], small[cut:]])) == expected(
            list(rules.patterns), small
        )


@pytest.mark.parametrize("regexes", [[r"user=(root|admin)\b"], [r"^$", r"\d$", "(?i)ERR"]])
@pytest.mark.parametrize("make", [list, np.array, pyarrow.array, chunked])
def test_columns(regexes: list[str], make: Callable[[list[Any]], Any]) -> None:
    lines = [line.decode("utf-8", "replace") for line in lines_of(LOG)]
    rules = RegexSet(regexes)
    want = [rules.contains(line) for line in lines]
    assert rules.contains_each(make(lines)).tolist() == want
    if make is not np.array:
        assert rules.contains_each(make([None, *lines, None])).tolist() == [False, *want, False]
    in_bytes = RegexSet([regex.encode() for regex in regexes])
    texts = lines_of(LOG)
    assert in_bytes.contains_each(texts).tolist() == [in_bytes.contains(text) for text in texts]


def test_no_regexes_match_nothing() -> None:
    rules = RegexSet([])
    assert len(rules) == 0
    assert rules.matches("x") == rules.matches(b"x") == []
    assert not rules.contains("x")
    assert len(rules.lines(b"a\nb\n")) == 0


@pytest.mark.parametrize(
    ("patterns", "index", "reason", "pos"),
    [
        (["ok", "a(b"], 1, "missing )", None),
        (["a)b"], 0, "unexpected )", None),
        (["x[z-a]"], 0, "invalid character class range", 2),
        ([r"(a)\1"], 0, r"invalid escape sequence", 3),
        (["ok", "ok", "a**(?=b)"], 2, "bad repetition operator", 1),
        (["(?=b)"], 0, "invalid perl operator", 0),
        ([b"ok", b"[\xff"], 1, "missing ]", 0),
        (["a{1001}"], 0, "invalid repetition size", 1),
        (["\ud800"], 0, "lone surrogate", 0),
    ],
)
def test_a_refused_regex_is_named(
    patterns: list[Any], index: int, reason: str, pos: int | None
) -> None:
    with pytest.raises(RegexError) as caught:
        RegexSet(patterns)
    error = caught.value
    assert isinstance(error, ValueError)
    assert isinstance(error, Error)
    assert error.pattern == index
    assert reason in error.reason
    assert error.pos == pos
    assert f"patterns[{index}]" in str(error)
    assert repr(patterns[index]) in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_wrong_types() -> None:
    with pytest.raises(TypeError, match=r"patterns\[1\] bytes"):
        RegexSet(["a", b"b"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="not one str"):
        RegexSet("abc")
    with pytest.raises(TypeError, match="haystack must be str"):
        RegexSet(["a"]).matches(b"a")
    with pytest.raises(TypeError, match="haystack must be bytes-like"):
        RegexSet([b"a"]).contains("a")
    with pytest.raises(TypeError, match="not int"):
        RegexSet([b"a"]).contains(7)


def test_pickles_and_threads() -> None:
    rules = RegexSet(REGEXES, ignore_case=True)
    copy = pickle.loads(pickle.dumps(rules))
    assert copy.patterns == rules.patterns
    assert copy.ignore_case
    wanted = rows(rules.lines(LOG))
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda: results.append(rows(copy.lines(LOG)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [wanted] * 4


def test_without_google_re2_the_error_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['re2'] = None\n"
        "import fastcore, fastcore.text\n"
        "try: fastcore.text.RegexSet(['a'])\n"
        "except ImportError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "pip install 'fastcore-native[regex]'" in run.stdout


def test_it_is_not_imported_with_the_package() -> None:
    script = "import sys, fastcore.text; print('re2' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
