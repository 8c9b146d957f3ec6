"""What may be called what: names and headers that every backend can carry.

A name must be a NATS subject, a Redis key and the name of a directory, so that
a program moves between backends by changing its URL alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastcore.errors import QueueNameError

__all__ = [
    "DEAD_SUFFIX",
    "check_headers",
    "check_id",
    "check_name",
    "dead_headers",
    "dead_id",
    "dead_stream",
]

NAME_CHARS_MAX = 160
ID_BYTES_MAX = 512
HEADER_BYTES_MAX = 32 * 1024
DEAD_SUFFIX = ".dead"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def check_name(name: object, what: str) -> str:
    """Return `name` where it can name a stream, a group or a consumer; `what` says which."""
    if not isinstance(name, str):
        raise TypeError(f"{what} must be a str, not {type(name).__name__}")
    if not _NAME.fullmatch(name) or len(name) > NAME_CHARS_MAX:
        raise QueueNameError(
            f"{what} {name[: NAME_CHARS_MAX + 1]!r} cannot be used: a name is 1 to "
            f"{NAME_CHARS_MAX} letters, digits, '_', '-', and single dots between them; no spaces, "
            f"no wildcards"
        )
    return name


def check_id(given: object) -> str:
    """Return `given` where it can be a message's id."""
    if not isinstance(given, str):
        raise TypeError(f"id must be a str, not {type(given).__name__}")
    size = len(given.encode("utf-8", "surrogatepass"))
    if not 0 < size <= ID_BYTES_MAX or not given.isprintable() or given != given.strip():
        raise ValueError(
            f"id must be 1 to {ID_BYTES_MAX} bytes of printable text without spaces around it, "
            f"not {given[:80]!r}"
        )
    return given


def check_headers(headers: object) -> dict[str, str]:
    """Return a copy of `headers` where every backend can carry them."""
    if not isinstance(headers, Mapping):
        raise TypeError(f"headers must be a mapping of str to str, not {type(headers).__name__}")
    size = 0
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError(f"headers must map str to str, not {name!r} to {value!r}")
        if not _HEADER_NAME.fullmatch(name) or name.lower().startswith("nats-"):
            raise ValueError(
                f"header {name!r} cannot be used: a name is letters, digits and "
                f"!#$%&'*+-.^_`|~ and does not begin with 'Nats-'"
            )
        if any(char in value for char in "\r\n\0"):
            raise ValueError(f"header {name!r} holds a line end or a null character")
        size += len(name) + len(value.encode())
    if size > HEADER_BYTES_MAX:
        raise ValueError(f"headers are {size} bytes; the limit is {HEADER_BYTES_MAX}")
    return dict(headers)


def dead_stream(stream: str) -> str | None:
    """Return where messages of `stream` go after `max_deliver`; None: they are never given up."""
    return None if stream.endswith(DEAD_SUFFIX) else stream + DEAD_SUFFIX


def dead_headers(stream: str, group: str, id: str, deliveries: int, reason: str) -> dict[str, str]:
    """Return what a dead letter says about where it comes from."""
    return {
        "fastcore-dead-stream": stream,
        "fastcore-dead-group": group,
        "fastcore-dead-id": id,
        "fastcore-dead-deliveries": str(deliveries),
        "fastcore-dead-reason": reason,
    }


def dead_id(group: str, id: str) -> str:
    """Return the id that keeps a message from being buried twice."""
    return f"fastcore-dead:{group}:{id}"
