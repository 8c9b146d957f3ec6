"""``fastcore ingest``: decode JSON, select fields, keep what matches, log it durably."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from fastcore._sources import CHUNK_BYTES
from fastcore.cli import terminal
from fastcore.cli.arguments import Parser, UsageError, at_least
from fastcore.cli.recipe import NANOSECONDS, Recipe, parse_selection, read_patterns
from fastcore.cli.resume import STDIN

if TYPE_CHECKING:
    from fastcore.cli.pipeline import Outcome

__all__ = ["parser", "run"]

DESCRIPTION = """\
Read JSON records from files (plain, gzip or zstd), or from standard input ("-"),
select fields, keep the records that match, and append one log record for each:
a compact JSON object of the selected fields, or the record as it stands.

The position in each source is stored in the log, together with its records. Run
the same command again, after whatever stopped it, and it goes on there: nothing
is lost, nothing is logged twice. A file that has grown gives its new records; a
file that was replaced is read from its start.
"""

EPILOG = """\
examples:
  fastcore ingest edits.ndjson.gz --wal log/
  fastcore ingest *.ndjson --select user --select id=rev.id --wal log/
  zcat old/*.gz | fastcore ingest - --match error --match fatal -i --wal log/
  fastcore ingest edits.ndjson --match Berlin --match-field city --timestamp time --wal log/

paths: names joined by dots (user.id), JSONPath ($['user']['id']) or JSON Pointer (/user/id).
A field that is missing is null.

output: progress and a summary on standard error; where standard output is no
terminal, one JSON object per source there.

exit codes: 0 done, or nothing new to read; 1 records were read and none was kept;
2 wrong use or an error; 130 stopped by Ctrl-C; 143 by SIGTERM.
"""


def parser() -> Parser:
    """Return the parser of the arguments after ``fastcore ingest``."""
    made = Parser(
        "ingest",
        usage="SOURCE... [--select [NAME=]PATH...] [--match TEXT... | --regex RE...] --wal DIR",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    add = made.add_argument
    add("sources", nargs="+", metavar="SOURCE", help='a file, or "-" for standard input')
    add("--wal", required=True, metavar="DIR", help="the log; made if it is not there")
    add(
        "--select",
        action="append",
        nargs="+",
        default=[],
        metavar="[NAME=]PATH",
        help="a field to keep, under its path or under NAME; without any, the whole record",
    )
    add(
        "--match",
        action="append",
        nargs="+",
        default=[],
        metavar="TEXT",
        help="keep only records that contain this, or one of several",
    )
    add(
        "--regex",
        action="append",
        nargs="+",
        default=[],
        metavar="RE",
        help="or that one of these regexes matches (RE2's; needs google-re2)",
    )
    add("--match-file", metavar="FILE", help="more of them, one per line")
    add(
        "--match-field",
        metavar="PATH",
        help="look into this string instead of into the record's JSON text",
    )
    add("-i", "--ignore-case", action="store_true", help="let case not matter to --match, --regex")
    add(
        "--timestamp",
        metavar="PATH",
        help="the records' time in the log: RFC 3339 or a number; default, or where missing: now",
    )
    add(
        "--timestamp-unit",
        choices=list(NANOSECONDS),
        default="ns",
        help="what a number there counts, since 1970 (default: ns)",
    )
    add(
        "--on-error",
        choices=["raise", "skip"],
        default="raise",
        help="at invalid JSON: stop there, or go on with the next line (default: raise)",
    )
    add(
        "--durability",
        choices=["batch", "sync", "async"],
        default="batch",
        help="when records reach the disk meanwhile; at the end they always have (default: batch)",
    )
    add("--restart", action="store_true", help="forget the positions; read from the start")
    add(
        "--chunk-bytes",
        type=at_least(1),
        default=CHUNK_BYTES,
        metavar="N",
        help="input per step (default: %(default)s)",
    )
    add("-q", "--quiet", action="store_true", help="no progress, no summary; errors only")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Ingest every source, one after the other."""
    recipe = _recipe(arguments)
    for name in arguments.sources:
        _check_readable(name)
    # Late, so that --help and a wrong call need neither NumPy nor the rooms.
    from fastcore import wal
    from fastcore.cli.extract import Extractor
    from fastcore.cli.interrupt import Interrupt
    from fastcore.cli.pipeline import Outcome, Pipeline
    from fastcore.cli.position import Store
    from fastcore.cli.progress import Progress

    try:
        extractor = Extractor(recipe)
    except ImportError as error:
        raise UsageError(f"--regex: {error}") from None
    extractor.decoder()  # a bad path is found before anything is made or read
    totals = Outcome("all sources")
    with (
        Interrupt() as interrupt,
        wal.open(arguments.wal, durability=arguments.durability) as log,
    ):

        def report(outcome: Outcome) -> None:
            _add(totals, outcome)
            _report(outcome, log.next_seq, arguments.quiet)

        pipeline = Pipeline(
            log,
            Store(log, arguments.wal),
            extractor,
            arguments.chunk_bytes,
            interrupt,
            Progress(arguments.quiet),
        )
        if not arguments.restart:
            for name in arguments.sources:
                pipeline.stored(name)
        for name in arguments.sources:
            pipeline.ingest(name, restart=arguments.restart, report=report)
    return 1 if totals.read and not totals.kept else 0


def _recipe(arguments: argparse.Namespace) -> Recipe:
    selections = tuple(parse_selection(text) for group in arguments.select for text in group)
    names = [name for name, _ in selections]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--select gives the name {name!r} twice; use NAME=PATH")
    patterns = [text for group in arguments.match for text in group]
    if arguments.match_file is not None:
        with open(arguments.match_file, "rb") as file:
            patterns += read_patterns(file.read(), arguments.match_file)
    if "" in patterns:
        raise UsageError("--match '' is empty: it would be in every record; leave it out")
    regexes = [text for group in arguments.regex for text in group]
    if not (patterns or regexes) and (
        arguments.match or arguments.match_file or arguments.match_field
    ):
        raise UsageError("there is nothing to match: give --match TEXT, or lines in --match-file")
    return Recipe(
        selections,
        tuple(patterns),
        tuple(regexes),
        arguments.ignore_case,
        arguments.match_field,
        arguments.timestamp,
        arguments.timestamp_unit,
        arguments.on_error,
    )


def _check_readable(name: str) -> None:
    """Refuse what cannot be read before a log is made or another source is read."""
    if name == STDIN:
        return
    if os.path.isdir(name):
        raise UsageError(f"{name} is a directory; name the files in it, e.g. {name.rstrip('/')}/*")
    if not os.path.exists(name):
        raise UsageError(f"{name}: no such file")


def _add(totals: Outcome, outcome: Outcome) -> None:
    totals.read += outcome.read
    totals.kept += outcome.kept


def _report(outcome: Outcome, next_seq: int, quiet: bool) -> None:
    """Say what became of one source: a line for people, an object for programs."""
    if not terminal.is_terminal(1):
        try:
            terminal.write_json({**asdict(outcome), "next_seq": next_seq})
            sys.stdout.flush()
        except BrokenPipeError:
            pass  # whoever listened has gone; the work goes on
    if quiet:
        return
    count, size = terminal.count, terminal.size
    name = "standard input" if outcome.source == STDIN else outcome.source
    if outcome.replaced:
        terminal.note(f"{name} is another file than the one read before: read from its start")
    if not outcome.bytes:
        if not outcome.complete:
            return  # an error says more
        terminal.note(f"{name}: nothing new" + (f" after byte {count(outcome.offset)}"))
        return
    seconds = max(outcome.seconds, 1e-6)
    skipped = f", skipped {count(outcome.skipped)} invalid" if outcome.skipped else ""
    resumed = ", resumed" if outcome.resumed else ""
    terminal.note(
        f"{name}: read {count(outcome.read)} records ({size(outcome.bytes)}) in "
        f"{terminal.duration(seconds)}, {size(outcome.bytes / seconds)}/s{resumed}; "
        f"kept {count(outcome.kept)}{skipped}; the log holds records up to {next_seq - 1}"
    )
