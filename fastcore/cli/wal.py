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
    from fastcore.wal import Log, Record

__all__ = ["parser", "run"]

EPILOG = """\
examples:
  fastcore wal cat log/ --from 1000 -n 10
  fastcore wal cat log/ --raw | jq .user
  fastcore wal stat log/

On a terminal `cat` prints sequence number, time and payload. In a pipe it prints
one JSON object per record: seq, timestamp (nanoseconds since 1970) and the payload,
as "json" where it is JSON, else as "text" where it is UTF-8, else as "base64".
"""


def parser() -> Parser:
    """Return the parser of the arguments after ``fastcore wal``."""
    made = Parser(
        "wal",
        usage="{cat,stat} DIR [options]",
        description="Look into a log, also while another process writes to it.",
        epilog=EPILOG,
    )
    add = made.add_argument
    add("action", choices=["cat", "stat"], help="print its records, or how many it holds")
    add("log", metavar="DIR", help="the log's directory")
    add("--from", dest="start", type=at_least(0), metavar="SEQ", help="begin with this record")
    add("-n", "--count", type=at_least(0), metavar="N", help="print at most N records")
    add("--raw", action="store_true", help="print the payloads alone, one a line")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print records or figures."""
    from fastcore import wal

    with wal.open(arguments.log, "r") as log:
        if arguments.action == "stat":
            _print_figures(_figures(log))
            return 0
        records = log.replay(arguments.start)
        line_of = _raw if arguments.raw else _for_people if terminal.is_terminal(1) else _as_json
        out = sys.stdout.buffer
        printed = 0
        for record in itertools.islice(records, arguments.count):
            out.write(line_of(record) + b"\n")
            printed += 1
        out.flush()
    return 0 if printed else 1


def _raw(record: Record) -> bytes:
    return bytes(record.payload)


def _for_people(record: Record) -> bytes:
    moment = datetime.fromtimestamp(record.timestamp // 1_000_000_000, timezone.utc)
    fraction = record.timestamp % 1_000_000_000
    text = bytes(record.payload).decode("utf-8", "backslashreplace")
    # A payload must not be able to drive the terminal.
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return f"{record.seq:>10}  {moment:%Y-%m-%dT%H:%M:%S}.{fraction:09}Z  {shown}".encode()


def _as_json(record: Record) -> bytes:
    import orjson

    payload = bytes(record.payload)
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
