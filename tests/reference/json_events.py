"""The events of a JSON text, by way of the value that `json.loads` makes of it."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["events"]


class _Pairs(list):
    """An object as its members in order, doubles included."""


def _events(value: Any):
    if isinstance(value, _Pairs):
        yield "start_map", None
        for key, member in value:
            yield "map_key", key
            yield from _events(member)
        yield "end_map", None
    elif isinstance(value, list):
        yield "start_array", None
        for item in value:
            yield from _events(item)
        yield "end_array", None
    elif value is None:
        yield "null", None
    elif isinstance(value, bool):
        yield "boolean", value
    elif isinstance(value, str):
        yield "string", value
    else:
        yield "number", value


def events(data: bytes, **options: Any) -> list[tuple[str, Any]]:
    """(event, value) of one document; `options` go to `json.loads`."""
    text = data.decode("utf-8-sig")
    return list(_events(json.loads(text, object_pairs_hook=_Pairs, **options)))
