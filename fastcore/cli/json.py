"""``fastcore json``: look into JSON of any size."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from fastcore.cli import terminal
from fastcore.cli.arguments import Parser, UsageError
from fastcore.cli.recipe import Recipe, parse_selection

__all__ = ["parser", "run"]

EPILOG = """\
examples:
  fastcore json count edits.ndjson.gz
  fastcore json check upload.json
  fastcore json select edits.ndjson.gz user rev=revision.id
  curl -s https://example.org/all.ndjson | fastcore json select - name

paths: names joined by dots (user.id), JSONPath ($['user']['id']) or JSON Pointer (/user/id).

exit codes: 0; 1 there are no records, or they are invalid JSON; 2 wrong use or an error.
"""


def parser() -> Parser:
    """Return the parser of the arguments after ``fastcore json``."""
    made = Parser(
        "json",
        usage="{count,check,select} SOURCE [[NAME=]PATH...]",
        description="Look into JSON of any size: one document, NDJSON, or documents in a row; "
        "plain, gzip or zstd.",
        epilog=EPILOG,
    )
    add = made.add_argument
    add(
        "action",
        choices=list(_ACTIONS),
        help="number of records; is it valid; one object of these fields per record",
    )
    add("source", metavar="SOURCE", help='a file, or "-" for standard input')
    add("paths", nargs="*", metavar="[NAME=]PATH", help="the fields to select")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Do one of the three."""
    from fastcore.errors import DecodeError

    if bool(arguments.paths) != (arguments.action == "select"):
        needs = "needs" if arguments.action == "select" else "takes no"
        raise UsageError(f"fastcore json {arguments.action} {needs} PATH; see fastcore json --help")
    source = _standard_input() if arguments.source == "-" else arguments.source
    try:
        return _ACTIONS[arguments.action](source, arguments)
    except DecodeError as error:
        sys.stdout.flush()
        name = "standard input" if arguments.source == "-" else arguments.source
        terminal.note(f"{name}: {error}")
        return 1


def _standard_input() -> object:
    from fastcore._sources import open_source

    return open_source(sys.stdin.buffer, decompress=True)


def _count(source: object, arguments: argparse.Namespace) -> int:
    from fastcore import json

    count = json.count(source)
    print(count)
    return 0 if count else 1


def _check(source: object, arguments: argparse.Namespace) -> int:
    from fastcore import json

    count = json.count(source)
    terminal.note(f"{arguments.source}: valid, {terminal.count(count)} records")
    return 0


def _select(source: object, arguments: argparse.Namespace) -> int:
    from fastcore import json
    from fastcore.cli.extract import Extractor

    extractor = Extractor(Recipe(tuple(map(parse_selection, arguments.paths))))
    count = 0
    for batch in json.columns(source, extractor.schema):
        payloads, _ = extractor.extract(batch)
        sys.stdout.buffer.writelines(payload + b"\n" for payload in payloads)
        count += len(payloads)
    sys.stdout.buffer.flush()
    return 0 if count else 1


_ACTIONS: dict[str, Callable[[object, argparse.Namespace], int]] = {
    "count": _count,
    "check": _check,
    "select": _select,
}
