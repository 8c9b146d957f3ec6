"""The text room: literals, case, lines, columns, prefixes, regexes, hard texts; beside all peers.

"hyperscan C" is its library with a callback in C that only counts; "hyperscan" the Python package,
which calls back into Python. Both report overlapping matches, the others leftmost-longest ones:
each is held against the engine of its own kind.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import native_hyperscan
import numpy as np
import peers
import pytest
import workloads

from fastcore.text import Matcher, PrefixTable, RegexSet

MIB = 1 << 20
HYPERSCAN = native_hyperscan.load()
HYPERSCAN_C = f"hyperscan C {HYPERSCAN.version}" if HYPERSCAN else ""
Engine = Callable[[], Any]


def installed(*modules: str) -> list[str]:
    return [name for name in modules if peers.having(name, lambda _: {"": lambda: None})]


PYTHON_PEERS = installed("ahocorasick_rs", "hyperscan", "ahocorasick", "re")
MANY = ["fastcore", "fastcore overlapping", *([HYPERSCAN_C] * bool(HYPERSCAN)), *PYTHON_PEERS]


class Callbacks:
    """The Python package of Hyperscan, counting matches."""

    def __init__(self, patterns: Sequence[bytes], flags: int = 0, *, regex: bool = False) -> None:
        import hyperscan

        self.database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        self.database.compile(
            expressions=patterns if regex else [re.escape(pattern) for pattern in patterns],
            ids=list(range(len(patterns))),
            elements=len(patterns),
            flags=flags,
        )
        self.ends: list[int] = []

    def scan(self, data: bytes) -> list[int]:
        """The end of every match."""
        ends = self.ends = []
        append = ends.append
        self.database.scan(data, match_event_handler=lambda i, start, end, flags, _: append(end))
        return ends


@cache
def leftmost(patterns: tuple[bytes, ...], data: bytes, ignore_case: bool = False) -> int:
    """How many matches there are, from the peer that needs no trick for it."""
    if ignore_case:
        data = data.lower()
        patterns = tuple(pattern.lower() for pattern in patterns)
    if "ahocorasick_rs" in PYTHON_PEERS:
        return len(peers.ahocorasick_rs(patterns).find_matches_as_indexes(data))
    longest_first = sorted(patterns, key=len, reverse=True)
    return len(re.findall(b"|".join(map(re.escape, longest_first)), data))


def engine_of(name: str, patterns: list[bytes], data: bytes, ignore_case: bool = False) -> Engine:
    """What counts the matches of `patterns`; a test that asks too much of a peer is skipped."""
    flags = native_hyperscan.CASELESS if ignore_case else 0
    if name == "fastcore":
        matcher = Matcher(patterns, ignore_case=ignore_case)
        return lambda: len(matcher.findall(data))
    if name == "fastcore overlapping":
        every = Matcher(patterns, ignore_case=ignore_case, match="overlapping")
        return lambda: len(every.findall(data))
    if name == HYPERSCAN_C:
        assert HYPERSCAN is not None
        database = HYPERSCAN.compile(patterns, flags)
        return lambda: database.count(data)
    if name == "hyperscan":
        if len(patterns) > 500:
            pytest.skip("minutes, of one callback a match")
        callbacks = Callbacks(patterns, flags)
        return lambda: len(callbacks.scan(data))
    if name == "re":
        if len(patterns) > 50:
            pytest.skip("minutes: an alternation is tried one by one")
        longest_first = sorted(patterns, key=len, reverse=True)
        regex = re.compile(b"|".join(map(re.escape, longest_first)), re.I * ignore_case)
        return lambda: len(regex.findall(data))
    if ignore_case:
        pytest.skip("it does not ignore case")
    if name == "ahocorasick":
        automaton = peers.pyahocorasick(patterns)
        text = data.decode("latin-1")
        return lambda: sum(1 for _ in automaton.iter(text))
    crate = peers.ahocorasick_rs(patterns)
    return lambda: len(crate.find_matches_as_indexes(data))


def measure(
    benchmark: Any, name: str, patterns: list[bytes], source: Any, ignore_case: bool = False
) -> None:
    data = source.data
    benchmark.extra_info.update(source.info())
    found = benchmark(engine_of(name, patterns, data, ignore_case))
    if name in ("fastcore", "re", "ahocorasick_rs"):
        assert found == leftmost(tuple(patterns), data, ignore_case)
    elif HYPERSCAN is not None:
        flags = native_hyperscan.CASELESS if ignore_case else 0
        assert found == HYPERSCAN.compile(patterns, flags).count(data)


# --- literals --------------------------------------------------------------------------------

ONE = {"rare": b"OutOfMemory", "frequent": b"INFO"}


@pytest.mark.parametrize("literal", ONE)
@pytest.mark.parametrize("engine", MANY)
def test_findall__one_literal(benchmark: Any, engine: str, literal: str) -> None:
    size = workloads.quick(256 * MIB, 2 * MIB)
    measure(benchmark, engine, [ONE[literal]], workloads.server_logs(size))


@pytest.mark.parametrize("literal", ["rare", "frequent"])
@pytest.mark.parametrize("engine", MANY)
def test_findall__one_literal_any_case(benchmark: Any, engine: str, literal: str) -> None:
    measure(benchmark, engine, [ONE[literal].lower()], workloads.server_logs(), True)


COUNTS = [5, 50, 500, 5000, 50_000]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("engine", MANY)
def test_findall__rare_literals(benchmark: Any, engine: str, count: int) -> None:
    benchmark.extra_info.update(axis="patterns", patterns=count)
    measure(benchmark, engine, workloads.indicators(count), workloads.server_logs())


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("engine", MANY)
def test_findall__frequent_literals(benchmark: Any, engine: str, count: int) -> None:
    benchmark.extra_info.update(axis="patterns", patterns=count)
    measure(benchmark, engine, workloads.tokens(count), workloads.server_logs())


@pytest.mark.parametrize("count", [5, 50, 500])
@pytest.mark.parametrize("engine", MANY)
def test_findall__rare_literals_any_case(benchmark: Any, engine: str, count: int) -> None:
    measure(benchmark, engine, workloads.indicators(count), workloads.server_logs(), True)


BUILDERS: dict[str, Callable[[list[bytes]], Any]] = {"fastcore": Matcher}
if "ahocorasick_rs" in PYTHON_PEERS:
    BUILDERS["ahocorasick_rs"] = peers.ahocorasick_rs
if HYPERSCAN:
    BUILDERS[HYPERSCAN_C] = HYPERSCAN.compile


@pytest.mark.parametrize("engine", BUILDERS)
def test_build__rare_literals(benchmark: Any, engine: str) -> None:
    patterns = workloads.indicators(workloads.quick(50_000, 2000))
    benchmark.extra_info.update(items=len(patterns), origin="generated")
    made = benchmark.pedantic(BUILDERS[engine], (patterns,), rounds=workloads.quick(5, 1))
    if engine == "fastcore":
        benchmark.extra_info["memory_bytes"] = made.nbytes
        assert made.count(b" ".join(patterns[:100])) >= 100


# --- text that is not ASCII ------------------------------------------------------------------

PHRASES = ["Шерлок Холмс", "Джон Уотсон", "Ирен Адлер", "инспектор Лестрейд"]
STR_ENGINES = ["fastcore", *installed("ahocorasick_rs", "re")]


@pytest.mark.parametrize("engine", STR_ENGINES)
def test_findall__russian_phrases(benchmark: Any, engine: str) -> None:
    """Of str, with offsets in code points."""
    source = workloads.prose("ru")
    text = source.data.decode()
    benchmark.extra_info.update(source.info())
    regex = re.compile("|".join(map(re.escape, PHRASES)))
    want = [match.span() for match in regex.finditer(text)]
    if engine == "fastcore":
        matcher = Matcher(PHRASES)
        found = benchmark(matcher.findall, text)
        assert list(zip(found.start.tolist(), found.end.tolist(), strict=True)) == want
    elif engine == "re":
        assert benchmark(lambda: [match.span() for match in regex.finditer(text)]) == want
    else:
        import ahocorasick_rs

        crate = ahocorasick_rs.AhoCorasick(PHRASES, ahocorasick_rs.MatchKind.LeftmostLongest)
        got = benchmark(crate.find_matches_as_indexes, text)
        assert [(start, end) for _, start, end in got] == want


@pytest.mark.parametrize("engine", ["fastcore", "re", "casefold"])
def test_findall__russian_phrase_any_case(benchmark: Any, engine: str) -> None:
    source = workloads.prose("ru")
    text = source.data.decode()
    benchmark.extra_info.update(source.info())
    regex = re.compile(re.escape(PHRASES[0]), re.I)
    want = len(regex.findall(text))
    matcher = Matcher(PHRASES[:1], ignore_case=True)
    asked: dict[str, Engine] = {
        "fastcore": lambda: len(matcher.findall(text)),
        "re": lambda: len(regex.findall(text)),
        "casefold": lambda: text.casefold().count(PHRASES[0].casefold()),
    }
    assert benchmark(asked[engine]) == want


# --- lines and columns -----------------------------------------------------------------------

ERRORS = [b"Exception", b"segfault", b"OutOfMemory", b"Broken pipe", b"refused"]
LINE_SETS = {"5 literals": lambda: ERRORS, "500 literals": lambda: workloads.indicators(500)}
RG = shutil.which("rg")


@pytest.mark.parametrize("literals", LINE_SETS)
@pytest.mark.parametrize("engine", ["fastcore", *(["rg -c (process)"] * bool(RG))])
def test_lines__log_file(benchmark: Any, engine: str, literals: str) -> None:
    """A gigabyte; rg's time has its start in it, some milliseconds."""
    source = workloads.server_logs(workloads.quick(1024 * MIB, 2 * MIB))
    patterns = LINE_SETS[literals]()
    benchmark.extra_info.update(source.info())
    regex = re.compile(b"|".join(map(re.escape, patterns)))
    sample = source.data[: source.data.rfind(b"\n", 0, MIB) + 1]
    assert len(Matcher(patterns).lines(sample)) == sum(
        regex.search(line) is not None for line in sample.splitlines()
    )
    with tempfile.TemporaryDirectory() as folder:
        log, words = Path(folder, "log"), Path(folder, "words")
        log.write_bytes(source.data)
        words.write_bytes(b"\n".join(patterns) + b"\n")
        if engine == "fastcore":
            benchmark(lambda: len(Matcher(patterns).lines(log)))
            return
        command = [str(RG), "-a", "-c", "-F", "-f", str(words), str(log)]
        out = benchmark(lambda: subprocess.run(command, capture_output=True).stdout)
        assert int(out or 0) == len(Matcher(patterns).lines(log))


COLUMN_SETS = {
    "5": lambda: ERRORS,
    "50": lambda: workloads.tokens(50),
    "500": lambda: workloads.indicators(500),
}


@cache
def column() -> list[str]:
    rows = workloads.server_logs(workloads.quick(160 * MIB, 2 * MIB)).data.splitlines()
    return [row.decode("latin-1") for row in rows[:1_000_000]]


@pytest.mark.parametrize("literals", COLUMN_SETS)
@pytest.mark.parametrize(
    "engine", ["fastcore", *(["polars contains_any", "polars regex"] * bool(installed("polars")))]
)
def test_contains_each__log_lines(benchmark: Any, engine: str, literals: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    rows = column()
    patterns = [pattern.decode("latin-1") for pattern in COLUMN_SETS[literals]()]
    benchmark.extra_info.update(items=len(rows), origin=workloads.server_logs().origin)
    regex = "|".join(map(re.escape, patterns))
    if engine == "fastcore":
        matcher, arrow = Matcher(patterns), pyarrow.array(rows)
        found = benchmark(matcher.contains_each, arrow)
    else:
        import polars

        series = polars.Series(rows)
        if engine == "polars regex":
            if len(patterns) > 50:
                pytest.skip("its regex engine refuses it, or takes minutes")
            found = benchmark(series.str.contains, regex).to_numpy()
        else:
            found = benchmark(series.str.contains_any, patterns).to_numpy()
    compiled = re.compile(regex) if len(patterns) <= 50 else None
    for row in range(0, len(rows), 997):
        if compiled is None:
            want = any(pattern in rows[row] for pattern in patterns)
        else:
            want = compiled.search(rows[row]) is not None
        assert bool(found[row]) is want


@cache
def routes(count: int) -> tuple[list[str], list[str]]:
    """Prefixes like the paths of a router, and a million keys; four of five have one."""
    chance = random.Random(workloads.SEED)

    def word(least: int, most: int) -> str:
        return "".join(chance.choices("abcdefghijklmnop", k=chance.randint(least, most)))

    prefixes = sorted({f"/{word(2, 6)}/{word(3, 8)}/" for _ in range(count)})
    keys = [
        (chance.choice(prefixes) if chance.random() < 0.8 else f"/{word(6, 6)}/") + word(10, 30)
        for _ in range(workloads.quick(1_000_000, 20_000))
    ]
    return prefixes, keys


@pytest.mark.parametrize("count", [1000, workloads.quick(100_000, 2000)])
@pytest.mark.parametrize("engine", ["fastcore", *installed("ahocorasick_rs"), "dict by length"])
def test_longest_each__routes(benchmark: Any, engine: str, count: int) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    prefixes, keys = routes(count)
    benchmark.extra_info.update(items=len(keys), origin="generated")
    index_of = {prefix: index for index, prefix in enumerate(prefixes)}
    lengths = sorted({len(prefix) for prefix in prefixes}, reverse=True)

    def by_length(key: str) -> int:
        return next((index_of[key[:n]] for n in lengths if key[:n] in index_of), -1)

    if engine == "dict by length":
        found = benchmark(lambda: [by_length(key) for key in keys])
    elif engine == "fastcore":
        table, arrow = PrefixTable(prefixes), pyarrow.array(keys)
        found = benchmark(table.longest_each, arrow).tolist()
    else:
        import ahocorasick_rs

        crate = ahocorasick_rs.AhoCorasick(prefixes, ahocorasick_rs.MatchKind.LeftmostLongest)

        def longest(key: str) -> int:
            hits = crate.find_matches_as_indexes(key)
            return hits[0][0] if hits and hits[0][1] == 0 else -1

        found = benchmark(lambda: list(map(longest, keys)))
    assert found[:5000] == [by_length(key) for key in keys[:5000]]


# --- regexes ---------------------------------------------------------------------------------

RULES = [
    r"\bERROR\b.*\d",
    r"(?i)failed password for (invalid user )?\w+",
    r"session (opened|closed) for user \w+",
    r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}: Connection refused",
    r"mod_jk child workerEnv in error state [0-9]+",
    r'Exception in thread "[^"]*"',
    r"AKIA[0-9A-Z]{16}",
    r"ghp_[0-9A-Za-z]{36}",
    r"-----BEGIN (RSA|EC|OPENSSH) PRIVATE KEY-----",
    r"xox[bp]-[0-9]{8,14}-[a-zA-Z0-9]{18,26}",
    r"(?i)out of memory",
    r"segfault at [0-9a-f]+",
    r'HTTP/1\.[01]" 5\d\d ',
    r"GET /[^ ]*\.php\b",
    r"Googlebot/\d\.\d",
    r"POSSIBLE BREAK-IN ATTEMPT!",
    r"promiscuous mode",
    r"Broken pipe|Connection reset by peer",
    r"token=[0-9a-f]{32,}",
    r"slf4j\.Logger\w+",
]


def secrets() -> list[str]:
    """gitleaks' rules, or without FASTCORE_DATA a few of the same shape."""
    config = workloads.real("text/patterns/gitleaks.toml")
    if config is not None:
        return re.findall(r"regex = '''(.*?)'''", config.decode(), re.S)
    return [rf"\b({word}_[a-z0-9]{{32}})(?:['\"\s;]|$)" for word in ("sk", "pk", "rk", "tok")]


REGEX_SETS = {"20 rules": lambda: RULES, "gitleaks": secrets}
REGEX_ENGINES = ["fastcore", "re per line", "re2.Set per line", *installed("hyperscan")]


@pytest.mark.parametrize("rules", REGEX_SETS)
@pytest.mark.parametrize("engine", REGEX_ENGINES)
def test_lines__regexes(benchmark: Any, engine: str, rules: str) -> None:
    """Which lines match any of them."""
    re2 = pytest.importorskip("re2")
    regexes = REGEX_SETS[rules]()
    source = workloads.server_logs(workloads.quick(8 * MIB, MIB // 2))
    benchmark.extra_info.update(source.info())
    data, lines = source.data, source.data.splitlines()
    if engine == "fastcore":
        made = RegexSet(regexes)
        found = benchmark(lambda: np.unique(made.lines(data).number)).tolist()
    elif engine == "re2.Set per line":
        options = re2.Options()
        options.max_mem = 128 * MIB  # it refuses gitleaks' rules otherwise
        chosen = re2.Set.SearchSet(options)
        for regex in regexes:
            chosen.Add(regex)
        chosen.Compile()
        found = benchmark(lambda: [i for i, line in enumerate(lines) if chosen.Match(line)])
    elif rules == "gitleaks":
        pytest.skip("it does not take RE2's syntax")
    elif engine == "re per line":
        each = [re.compile(regex.encode()) for regex in regexes]
        found = benchmark(
            lambda: [i for i, line in enumerate(lines) if any(one.search(line) for one in each)]
        )
    else:
        callbacks = Callbacks(
            [regex.encode() for regex in regexes], native_hyperscan.MULTILINE, regex=True
        )

        def scan() -> Any:
            newlines = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
            return np.unique(np.searchsorted(newlines, np.array(callbacks.scan(data)) - 1))

        found = benchmark(scan).tolist()
    combined = [re2.compile(regex) for regex in regexes]
    picked = set(found)
    for number in range(0, len(lines), 503):
        assert (number in picked) is any(one.search(lines[number]) for one in combined)


# --- texts made to be hard -------------------------------------------------------------------

HARD = {
    "a^k b": [b"a" * k + b"b" for k in range(1, 501)],
    "b a^k": [b"b" + b"a" * k for k in range(1, 501)],
    "a^k b a^(500-k)": [b"a" * k + b"b" + b"a" * (500 - k) for k in range(1, 501)],
    "50, a^k b": [b"a" * k + b"b" for k in range(3, 53)],
}


@pytest.mark.parametrize("patterns", HARD)
@pytest.mark.parametrize("engine", ["fastcore", *installed("ahocorasick_rs")])
def test_count__hard_patterns(benchmark: Any, engine: str, patterns: str) -> None:
    data = b"a" * workloads.quick(2 * MIB, MIB // 4)
    benchmark.extra_info.update(bytes=len(data), origin="generated")
    assert benchmark(engine_of(engine, HARD[patterns], data)) == 0
