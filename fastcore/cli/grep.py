"""``fastcore grep``: the lines of files that match, as grep has it, at the matcher's speed."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fastcore.cli import terminal
from fastcore.cli.arguments import Parser, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

__all__ = ["parser", "run"]

EPILOG = """\
examples:
  fastcore grep -F "connection refused" app.log
  fastcore grep -c -e 'ERROR|FATAL' -e 'timeout after [0-9]+' *.log.gz
  fastcore grep -n -i -F -f words.txt access.log
  journalctl -f | fastcore grep -v healthcheck

patterns: regexes of RE2, which need google-re2 (pip install 'fastcore-native[regex]') unless they
are plain text; with -F, plain text. Files may be plain, gzip or zstd.

exit codes: 0 some line was selected; 1 none; 2 wrong use or an error.
"""

PATH, NUMBER, SEPARATOR, MATCH = "35", "32", "36", "1;31"  # grep's colours

# What a regex may hold and still be plain text.
_PLAIN = re.compile(r"[^\\.+*?()|\[\]{}^$]*")


def parser() -> Parser:
    """Return the parser of the arguments after ``fastcore grep``."""
    made = Parser(
        "grep",
        usage="[-F] [-c | -n] [-i] [-v] {PATTERN | -e RE... | -f FILE...} [FILE...]",
        description="Print the lines that match; of standard input without FILE.",
        epilog=EPILOG,
    )
    add = made.add_argument
    add("-e", "--regexp", action="append", default=[], metavar="RE", help="a pattern; repeatable")
    add("-f", "--file", action="append", default=[], metavar="FILE", help="patterns, one per line")
    add("-F", "--fixed-strings", action="store_true", help="patterns are plain text, not regexes")
    add("-i", "--ignore-case", action="store_true", help="let case not matter")
    add("-v", "--invert-match", action="store_true", help="the lines that do not match")
    add("-c", "--count", action="store_true", help="only how many lines, per file")
    add("-n", "--line-number", action="store_true", help="with the number of each line, from 1")
    add("operands", nargs="*", metavar="FILE", help='files to search; "-" is standard input')
    return made


def run(arguments: argparse.Namespace) -> int:
    """Search every file; one that cannot be read does not keep the others from being."""
    from fastcore.errors import Error

    patterns, files = _patterns(arguments)
    selector = _Selector(patterns, arguments)
    with_names = len(files) > 1
    selected, failed = 0, False
    for name in files:
        try:
            selected += _search(name, selector, arguments, with_names)
        except BrokenPipeError:
            raise
        except (Error, OSError) as error:
            from fastcore.cli import describe

            sys.stdout.flush()
            terminal.note(describe(error))
            failed = True
    sys.stdout.flush()
    return 2 if failed else 0 if selected else 1


def _patterns(arguments: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Return the patterns and the files; a pattern with newlines is several."""
    files = list(arguments.operands)
    given = list(arguments.regexp)
    for name in arguments.file:
        with open(name, "rb") if name != "-" else sys.stdin.buffer as file:
            text = os.fsdecode(file.read()).replace("\r\n", "\n")
        given += text.removesuffix("\n").split("\n") if text else []
    if not arguments.regexp and not arguments.file:
        if not files:
            raise UsageError("fastcore grep: give PATTERN, -e RE or -f FILE; see --help")
        given.append(files.pop(0))
    return [part for pattern in given for part in pattern.split("\n")], files or ["-"]


class _Selector:
    """Which lines of a block of text are selected."""

    def __init__(self, patterns: list[str], arguments: argparse.Namespace) -> None:
        from fastcore.text import Matcher, RegexSet

        self._invert = arguments.invert_match
        self._all = "" in patterns  # an empty pattern is in every line
        fold = arguments.ignore_case
        self._matcher: Any = None
        self._rules: Any = None
        plain = arguments.fixed_strings or all(map(_PLAIN.fullmatch, patterns))
        try:
            if plain:
                self._matcher = Matcher(_typed(filter(None, patterns)), ignore_case=fold)
            else:
                self._rules = RegexSet(_typed(patterns), ignore_case=fold)
        except ImportError as error:
            raise UsageError(f"fastcore grep: {error}; or use -F for plain text") from None

    def select(self, block: bytes) -> tuple[Ints, Ints, Ints, int]:
        """Return the numbers (from 0), starts and ends of the lines, and how many there are."""
        import numpy as np

        from fastcore.text import line_offsets

        bounds = line_offsets(block)
        count = len(bounds) - 1
        if self._all:
            chosen = np.arange(0 if self._invert else count)
        elif self._matcher is not None:
            chosen = self._matcher.lines(block, invert=self._invert).number
        else:
            chosen = np.unique(self._rules.lines(block).number)
            if self._invert:
                chosen = np.setdiff1d(np.arange(count), chosen, assume_unique=True)
        return chosen, bounds[chosen], bounds[chosen + 1], count

    def spans(self, line: bytes) -> Iterator[tuple[int, int]]:
        """Yield what to show in colour, from left to right."""
        if self._invert:
            return
        if self._rules is not None:
            yield from self._rules.spans(line)
        elif self._matcher.is_text:
            # Offsets in code points are turned into bytes by way of the text before them.
            text = line.decode("utf-8", "surrogateescape")
            for match in self._matcher.findall(text):
                before = text[: match.start].encode("utf-8", "surrogateescape")
                inside = text[match.start : match.end].encode("utf-8", "surrogateescape")
                yield len(before), len(before) + len(inside)
        else:
            for match in self._matcher.findall(line):
                yield match.start, match.end


def _typed(patterns: Any) -> list[Any]:
    """Str where all of them are text; where the command line has other bytes, bytes."""
    given = list(patterns)
    try:
        for pattern in given:
            pattern.encode("utf-8")
    except UnicodeEncodeError:
        return [os.fsencode(pattern) for pattern in given]
    return given


def _search(name: str, selector: _Selector, arguments: argparse.Namespace, with_names: bool) -> int:
    """Print what is selected of one file; return how many lines that is."""
    from fastcore._sources import open_source
    from fastcore.text.regex import blocks

    # Unbuffered, so that lines of a pipe come through as they are written.
    standard: Any = sys.stdin.buffer
    source: Any = open_source(standard.raw, decompress=True) if name == "-" else name
    shown = os.fsencode("(standard input)" if name == "-" else name)
    write, paint = sys.stdout.buffer.write, _painter()
    total = before = 0
    for block in blocks(source):
        numbers, starts, ends, count = selector.select(block)
        total += len(numbers)
        if not arguments.count:
            for number, start, end in zip(
                numbers.tolist(), starts.tolist(), ends.tolist(), strict=True
            ):
                if with_names:
                    write(paint(shown, PATH) + paint(b":", SEPARATOR))
                if arguments.line_number:
                    write(paint(b"%d" % (before + number + 1), NUMBER) + paint(b":", SEPARATOR))
                line = block[start:end].removesuffix(b"\n")
                write((line if paint is _plain else _painted(line, selector)) + b"\n")
            if len(numbers):
                sys.stdout.buffer.flush()
        before += count
    if arguments.count:
        if with_names:
            write(paint(shown, PATH) + paint(b":", SEPARATOR))
        write(b"%d\n" % total)
    return total


def _plain(text: bytes, colour: str) -> bytes:
    return text


def _colour(text: bytes, colour: str) -> bytes:
    return b"\x1b[%sm%s\x1b[m" % (colour.encode(), text)


def _painter() -> Callable[[bytes, str], bytes]:
    return _plain if terminal.is_plain() or not terminal.is_terminal(1) else _colour


def _painted(line: bytes, selector: _Selector) -> bytes:
    pieces, at = [], 0
    for start, end in selector.spans(line):
        if start >= at and end > start:
            pieces += [line[at:start], _colour(line[start:end], MATCH)]
            at = end
    return b"".join([*pieces, line[at:]])
