"""``fastcore queue``: publish lines, print messages, say how far a group has come."""

from __future__ import annotations

import argparse
import base64
import itertools
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from fastcore.cli import terminal
from fastcore.cli.arguments import Parser, UsageError, at_least

if TYPE_CHECKING:
    from fastcore.queue.sync import Message, TaskQueueClient

__all__ = ["open_queue", "parser", "run"]

LINES_A_BATCH = 1000
PUBLISH_AFTER_BYTES = 1 << 20

EPILOG = """\
QUEUE is a directory (the embedded backend), redis://..., rediss://..., nats://... or tls://...;
a URL with a password is better given in the environment variable FASTCORE_QUEUE, with "-" here.

examples:
  jq -c .items[] orders.json | fastcore queue publish queue/ orders
  fastcore queue consume queue/ orders billing -n 10
  fastcore queue consume nats://localhost orders audit --follow | jq .json
  fastcore queue pending redis://localhost orders billing

`publish` reads lines from standard input, or from files; each is a message. `consume` prints what
there is and acknowledges what was printed: payloads on a terminal, and in a pipe one JSON object a
message: id, timestamp, deliveries, headers if any, and the payload as "json" where it is JSON, else
as "text" where it is UTF-8, else as "base64".

exit codes: 0; 1 nothing was published or there was nothing to consume; 2 wrong use or an error.
"""

SCHEMES = {
    "redis": ("redis", "redis_url"),
    "rediss": ("redis", "redis_url"),
    "unix": ("redis", "redis_url"),
    "nats": ("jetstream", "nats_url"),
    "tls": ("jetstream", "nats_url"),
}


class _Number:
    """An argument that is a number, and more than zero."""

    def __call__(self, text: str) -> float:
        number = float(text)
        if not number > 0:
            raise argparse.ArgumentTypeError(f"must be more than 0, not {text}")
        return number

    def __repr__(self) -> str:
        return "number"


def parser() -> Parser:
    """Return the parser of the arguments after ``fastcore queue``."""
    made = Parser(
        "queue",
        usage="{publish,consume,pending} QUEUE STREAM [GROUP] [options]",
        description="Use a task queue: embedded in a directory, on Redis or on NATS JetStream.",
        epilog=EPILOG,
    )
    add = made.add_argument
    add("action", choices=["publish", "consume", "pending"], help="what to do")
    add("queue", metavar="QUEUE", help='a directory or a URL; "-": what FASTCORE_QUEUE says')
    add("stream", metavar="STREAM", help="the stream")
    add("group", metavar="GROUP", nargs="?", help="the group, for consume and pending")
    add("--file", action="append", default=[], metavar="FILE", help="publish: lines of this file")
    add("-n", "--count", type=at_least(1), metavar="N", help="consume: at most N messages")
    add("--follow", action="store_true", help="consume: wait for more when there are none")
    add("--raw", action="store_true", help="consume: print the payloads alone, one a line")
    add("--ack-wait", type=_Number(), default=30.0, metavar="S", help="consume: default 30")
    add("--no-ack", action="store_true", help="consume: give everything back afterwards")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Publish, consume or count."""
    if arguments.action != "publish" and arguments.group is None:
        raise UsageError(f"fastcore queue {arguments.action} needs a GROUP after the STREAM")
    if arguments.action == "publish" and arguments.group is not None:
        raise UsageError("fastcore queue publish takes no GROUP; give files with --file")
    with open_queue(arguments.queue) as client:
        if arguments.action == "pending":
            return _pending(client, arguments)
        if arguments.action == "publish":
            return _publish(client, arguments)
        return _consume(client, arguments)


def open_queue(where: str) -> TaskQueueClient:
    """Return a client of a directory or a URL, to be used as a context manager."""
    from fastcore.queue.sync import TaskQueueClient

    if where == "-":
        where = os.environ.get("FASTCORE_QUEUE", "")
        if not where:
            raise UsageError('QUEUE is "-", and the environment variable FASTCORE_QUEUE is not set')
    scheme = where.partition("://")[0] if "://" in where else ""
    if not scheme:
        return TaskQueueClient(path=where)
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise UsageError(f"a queue at {scheme}:// is not known; use a directory, or {known}")
    backend, keyword = SCHEMES[scheme]
    return TaskQueueClient(backend, **{keyword: where})


def _pending(client: TaskQueueClient, arguments: argparse.Namespace) -> int:
    found = client.pending(arguments.stream, arguments.group)
    if terminal.is_terminal(1):
        for name, value in found._asdict().items():
            print(f"{terminal.bold(name)}: {'none' if value is None else terminal.count(value)}")
    else:
        terminal.write_json({"backend": client.backend, **found._asdict()})
    return 0


def _publish(client: TaskQueueClient, arguments: argparse.Namespace) -> int:
    published = 0
    for batch in _batches(_lines(arguments.file)):
        published += len(client.publish_many(arguments.stream, batch))
    terminal.note(f"published {terminal.count(published)} messages to {arguments.stream}")
    return 0 if published else 1


def _lines(files: list[str]) -> Iterator[bytes]:
    if not files:
        yield from _lines_of(sys.stdin.buffer)
    for name in files:
        with open(name, "rb") as file:
            yield from _lines_of(file)


def _lines_of(file: BinaryIO) -> Iterator[bytes]:
    for line in file:
        yield line[:-1] if line.endswith(b"\n") else line


def _batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == LINES_A_BATCH or size >= PUBLISH_AFTER_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _consume(client: TaskQueueClient, arguments: argparse.Namespace) -> int:
    line_of = _raw if arguments.raw or terminal.is_terminal(1) else _as_json
    printed = 0
    kept: list[Message] = []
    with client.consume(arguments.stream, arguments.group, ack_wait=arguments.ack_wait) as consumer:
        for _ in itertools.islice(itertools.count(), arguments.count):
            message = consumer.next(timeout=0.5)
            while message is None and arguments.follow:
                message = consumer.next(timeout=0.5)
            if message is None:
                break
            sys.stdout.buffer.write(line_of(message) + b"\n")
            sys.stdout.buffer.flush()
            printed += 1
            if arguments.no_ack:
                kept.append(message)
            else:
                message.ack()
    for message in kept:
        message.nak()
    return 0 if printed else 1


def _raw(message: Message) -> bytes:
    if not terminal.is_terminal(1):
        return message.payload
    text = message.payload.decode("utf-8", "backslashreplace")
    # A payload must not be able to drive the terminal.
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text).encode()


def _as_json(message: Message) -> bytes:
    import orjson

    known: dict[str, Any] = {
        "id": message.id,
        "timestamp": message.timestamp,
        "deliveries": message.deliveries,
    }
    if message.headers:
        known["headers"] = message.headers
    try:
        return orjson.dumps({**known, "json": orjson.loads(message.payload)})
    except orjson.JSONDecodeError:
        pass
    try:
        return orjson.dumps({**known, "text": message.payload.decode()})
    except UnicodeDecodeError:
        return orjson.dumps({**known, "base64": base64.b64encode(message.payload).decode()})
