"""The bytes of a message in the embedded backend's log: one record a message.

offset  bytes  field
     0      1  0: the payload follows; 1: a header is in between
     1      4  its length, little-endian
     5      -  JSON: {"id": ..., "headers": {...}}, either may be missing
     -      -  payload
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

__all__ = ["Entry", "decode", "encode", "encode_plain"]

_PLAIN = b"\0"
_WITH_HEADER = b"\1"


class Entry(NamedTuple):
    payload: bytes
    id: str | None
    headers: dict[str, str] | None


def encode_plain(payloads: Sequence[bytes]) -> list[bytes]:
    """Return the records of messages that are nothing but their payloads."""
    return [_PLAIN + payload for payload in payloads]


def encode(payload: bytes, id: str | None, headers: dict[str, str] | None) -> bytes:
    """Return the record of one message."""
    fields: dict[str, object] = {}
    if id is not None:
        fields["id"] = id
    if headers:
        fields["headers"] = headers
    if not fields:
        return _PLAIN + payload
    header = orjson.dumps(fields)
    return b"".join((_WITH_HEADER, len(header).to_bytes(4, "little"), header, payload))


def decode(record: bytes | memoryview) -> Entry:
    """Return the message of a record."""
    if record[0] == 0:
        return Entry(bytes(record[1:]), None, None)
    end = 5 + int.from_bytes(record[1:5], "little")
    fields = orjson.loads(record[5:end])
    return Entry(bytes(record[end:]), fields.get("id"), fields.get("headers"))
