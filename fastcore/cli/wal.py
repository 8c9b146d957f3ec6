"""``fastcore wal``: look into a log."""

from __future__ import annotations

import argparse
import base64
import itertools
import os
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from fastcore.cli import terminal
from fastcore.cli.arguments import Parser, at_least

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastcore.wal import Log, Record, Report

__all__ = ["parser", "run"]

EPILOG = """\
examples:
  fastcore wal cat log/ --from 1000 -n 10
  fastcore wal cat log/ --raw | jq .user
  fastcore wal tail log/ -f
  fastcore wal stat log/
  fastcore wal verify log/ || fastcore wal repair log/

cat prints the first records, tail the last ones; -f goes on with those that come.
On a terminal that is sequence number, time and payload. In a pipe it is one JSON
object per record: seq, timestamp (nanoseconds since 1970) and the payload,
as "json" where it is JSON, else as "text" where it is UTF-8, else as "base64".

verify reads the whole log and exits with 1 where it is damaged. repair makes it
whole: damaged records are given up, all others stay under their numbers, and the
files as they were are kept in a folder of the log.
"""

TAIL_RECORDS = 10


def parser() -> Parser:
    """Return the parser of the arguments after ``fastcore wal``."""
    made = Parser(
        "wal",
        usage="{cat,tail,stat,verify,repair} DIR [options]",
        description="Look into a log, also while another process writes to it; repair it.",
        epilog=EPILOG,
    )
    add = made.add_argument
    add("action", choices=sorted(ACTIONS), metavar="ACTION", help=", ".join(sorted(ACTIONS)))
    add("log", metavar="DIR", help="the log's directory")
    add("--from", dest="start", type=at_least(0), metavar="SEQ", help="begin with this record")
    add("-n", "--count", type=at_least(0), metavar="N", help="print at most N records")
    add("-f", "--follow", action="store_true", help="with tail: go on with records that come")
    add("--no-backup", action="store_true", help="with repair: keep no copy of what is changed")
    add("--raw", action="store_true", help="print the payloads alone, one a line")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Do what the action says."""
    return ACTIONS[arguments.action](arguments)


def _cat(arguments: argparse.Namespace) -> int:
    from fastcore import wal

    with wal.open(arguments.log, "r") as log:
        records = log.replay(arguments.start)
        return _print(itertools.islice(records, arguments.count), arguments.raw)


def _tail(arguments: argparse.Namespace) -> int:
    from fastcore import wal

    with wal.open(arguments.log, "r") as log:
        count = TAIL_RECORDS if arguments.count is None else arguments.count
        start = log.next_seq - count if arguments.start is None else arguments.start
        start = max(start, log.first_seq)
        records = log.follow(start, poll_ms=50) if arguments.follow else log.replay(start)
        return _print(records, arguments.raw, at_once=arguments.follow)


def _print(records: Iterable[Record], raw: bool, at_once: bool = False) -> int:
    line_of = _raw if raw else _for_people if terminal.is_terminal(1) else _as_json
    out = sys.stdout.buffer
    printed = 0
    for record in records:
        out.write(line_of(record) + b"\n")
        printed += 1
        if at_once:
            out.flush()
    out.flush()
    return 0 if printed else 1


def _stat(arguments: argparse.Namespace) -> int:
    from fastcore import wal

    with wal.open(arguments.log, "r") as log:
        _print_figures(_figures(log))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from fastcore import wal

    report = wal.verify(arguments.log)
    _print_report(report)
    return 0 if report.ok else 1


def _repair(arguments: argparse.Namespace) -> int:
    from fastcore import wal

    _print_report(wal.repair(arguments.log, backup=not arguments.no_backup))
    return 0


def _print_report(report: Report) -> None:
    figures = report._asdict()
    if not terminal.is_terminal(1):
        terminal.write_json({**figures, "ok": report.ok, "damage": _damage(report)})
        return
    for name, value in figures.items():
        if name not in ("path", "damage", "backup"):
            print(f"{terminal.bold(name)}: {value if name == 'torn' else terminal.count(value)}")
    for item in report.damage:
        lost = f"{item.records} records lost" if item.records else "no record is known to be lost"
        place = f"segment {item.segment}, offset {item.offset}, record {item.seq}"
        print(f"{terminal.bold('damaged ' + item.what)}: {place}; {lost}")
    if report.backup is not None:
        print(f"{terminal.bold('as it was')}: {report.backup}")


def _damage(report: Report) -> list[dict[str, object]]:
    return [item._asdict() for item in report.damage]


ACTIONS = {"cat": _cat, "tail": _tail, "stat": _stat, "verify": _verify, "repair": _repair}


def _raw(record: Record) -> bytes:
    return bytes(record)


def _for_people(record: Record) -> bytes:
    moment = datetime.fromtimestamp(record.timestamp // 1_000_000_000, timezone.utc)
    fraction = record.timestamp % 1_000_000_000
    text = bytes(record).decode("utf-8", "backslashreplace")
    # A payload must not be able to drive the terminal.
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return f"{record.seq:>10}  {moment:%Y-%m-%dT%H:%M:%S}.{fraction:09}Z  {shown}".encode()


def _as_json(record: Record) -> bytes:
    import orjson

    payload = bytes(record)
    known = {"seq": record.seq, "timestamp": record.timestamp}
    try:
        orjson.loads(payload)
    except orjson.JSONDecodeError:
        try:
            return orjson.dumps({**known, "text": payload.decode()})
        except UnicodeDecodeError:
            return orjson.dumps({**known, "base64": base64.b64encode(payload).decode()})
    # A newline in JSON lies between tokens: none is allowed inside a string.
    line = payload.replace(b"\n", b" ").replace(b"\r", b" ")
    return orjson.dumps(known)[:-1] + b',"json":' + line + b"}"


def _figures(log: Log) -> dict[str, int]:
    files = [entry.stat() for entry in os.scandir(log.path) if entry.is_file()]
    return {
        "first_seq": log.first_seq,
        "next_seq": log.next_seq,
        "records": log.next_seq - log.first_seq,
        "files": len(files),
        "file_bytes": sum(status.st_size for status in files),
    }


def _print_figures(figures: dict[str, int]) -> None:
    if not terminal.is_terminal(1):
        terminal.write_json(figures)
        return
    for name, value in figures.items():
        print(f"{terminal.bold(name)}: {terminal.count(value)}")
