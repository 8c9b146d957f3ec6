"""``fastcore json``: look into JSON of any size."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from fastcore.cli import terminal
from fastcore.cli.arguments import Parser, UsageError, at_least
from fastcore.cli.output import FORMATS
from fastcore.cli.recipe import Recipe, parse_selection

__all__ = ["parser", "run"]

EPILOG = """\
examples:
  fastcore json count edits.ndjson.gz
  fastcore json check upload.json
  fastcore json select edits.ndjson.gz user rev=revision.id
  fastcore json select edits.ndjson.gz user page --output csv >edits.csv
  fastcore json select edits.ndjson.gz user added --output arrow >edits.arrows
  fastcore json infer edits.ndjson.gz
  fastcore json count map.geojson --root '$.features[*]'
  curl -s https://example.org/all.ndjson | fastcore json select - name

paths: names joined by dots (user.id), JSONPath ($['user']['id']) or JSON Pointer (/user/id).

exit codes: 0; 1 there are no records, or they are invalid JSON; 2 wrong use or an error.
"""


def parser() -> Parser:
    """Return the parser of the arguments after ``fastcore json``."""
    made = Parser(
        "json",
        usage="{count,check,select,infer} SOURCE [[NAME=]PATH...] [--root PATH] [--output FORMAT]",
        description="Look into JSON of any size: one document, NDJSON, or documents in a row; "
        "plain, gzip or zstd.",
        epilog=EPILOG,
    )
    add = made.add_argument
    add(
        "action",
        choices=list(_ACTIONS),
        help="number of records; is it valid; one object of these fields per record; path and "
        "type of each field",
    )
    add("source", metavar="SOURCE", help='a file, or "-" for standard input')
    add("paths", nargs="*", metavar="[NAME=]PATH", help="the fields to select")
    add("--root", metavar="PATH", help="where the records lie in each document: '$.features[*]'")
    add(
        "--rows",
        type=at_least(1),
        default=1000,
        metavar="N",
        help="how many records infer looks at (default: 1000)",
    )
    add(
        "-o",
        "--output",
        choices=list(FORMATS),
        default="ndjson",
        help="what to write: an object a line, a table with a header, or an Arrow IPC stream "
        "(default: ndjson)",
    )
    add(
        "--type",
        action="append",
        default=[],
        metavar="NAME=TYPE",
        help="of a column of Arrow; default: what the first records have",
    )
    return made


def run(arguments: argparse.Namespace) -> int:
    """Do one of the four."""
    from fastcore.errors import DecodeError, PathError

    if bool(arguments.paths) != (arguments.action == "select"):
        needs = "needs" if arguments.action == "select" else "takes no"
        raise UsageError(f"fastcore json {arguments.action} {needs} PATH; see fastcore json --help")
    source = _standard_input() if arguments.source == "-" else arguments.source
    try:
        return _ACTIONS[arguments.action](source, arguments)
    except PathError as error:
        raise UsageError(str(error)) from None
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

    count = json.count(source, root=arguments.root)
    print(count)
    return 0 if count else 1


def _check(source: object, arguments: argparse.Namespace) -> int:
    from fastcore import json

    count = json.count(source, root=arguments.root)
    terminal.note(f"{arguments.source}: valid, {terminal.count(count)} records")
    return 0


def _select(source: object, arguments: argparse.Namespace) -> int:
    from fastcore import json
    from fastcore.cli.extract import Extractor
    from fastcore.cli.output import writer

    selections = tuple(map(parse_selection, arguments.paths))
    names = [name for name, _ in selections]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"field {name!r} is selected twice; rename one: NAME={name}")
    extractor = Extractor(Recipe(selections))
    out = writer(arguments.output, names, dict(map(_column_type, arguments.type)))
    count = 0
    for batch in json.columns(source, extractor.schema, root=arguments.root):
        out.write(extractor.cells(batch))
        count += len(batch)
    out.close()
    return 0 if count else 1


def _infer(source: object, arguments: argparse.Namespace) -> int:
    from json import dumps

    from fastcore import json

    types = json.infer(source, root=arguments.root, rows=arguments.rows)
    print(dumps(types, indent=2, ensure_ascii=False))
    return 0 if types else 1


def _column_type(text: str) -> tuple[str, str]:
    from fastcore.json import field

    name, equals, kind = text.rpartition("=")
    if not equals:
        raise UsageError(f"--type {text}: write NAME=TYPE, as in --type id=int64")
    try:
        field("x", kind)
    except ValueError as error:
        raise UsageError(f"--type {text}: {error}") from None
    return name, kind


_ACTIONS: dict[str, Callable[[object, argparse.Namespace], int]] = {
    "count": _count,
    "check": _check,
    "select": _select,
    "infer": _infer,
}
