"""A schema for data that nobody has described: what the first records have."""

from __future__ import annotations

import json as _json
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from fastcore.errors import DecodeError
from fastcore.json.paths import parse
from fastcore.json.reading import read_columns, stream
from fastcore.json.selection import ColumnType, field

__all__ = ["infer"]

NAMES_MAX = 1000  # of one object, over all records: beyond, the names are data
_PLAIN = re.compile(r"[^./$\0][^.$\0]*")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*")


class _Place:
    """What has been seen at one path."""

    def __init__(self) -> None:
        self.kinds: set[str] = set()
        self.least = self.most = 0
        self.members: dict[str, _Place] = {}
        self.texts: dict[str, None] = {}  # distinct ones, while all of them may be times

    def see(self, value: Any) -> None:
        if isinstance(value, dict):
            self._see_object(value)
        elif isinstance(value, list):
            self.kinds.add("array")
        elif isinstance(value, str):
            self._see_text(value)
        elif isinstance(value, bool):
            self.kinds.add("bool")
        elif isinstance(value, float):
            self.kinds.add("float")
        elif value is not None:
            self.kinds.add("int")
            self.least = min(self.least, value)
            self.most = max(self.most, value)

    def _see_object(self, value: dict[str, Any]) -> None:
        self.kinds.add("object")
        if len(self.members) > NAMES_MAX:
            return
        for name, member in value.items():
            if name not in self.members:
                self.members[name] = _Place()
            self.members[name].see(member)

    def _see_text(self, text: str) -> None:
        if "string" in self.kinds:
            return
        kind = (
            "date" if _DATE.fullmatch(text) else "time" if _TIMESTAMP.fullmatch(text) else "string"
        )
        self.kinds.add(kind)
        if kind == "string":
            self.texts.clear()
        else:
            self.texts[text] = None

    def types(self, names: tuple[str, ...]) -> Iterable[tuple[str, str]]:
        """(path, type) of this place, or of those in it."""
        if self.kinds == {"object"} and 0 < len(self.members) <= NAMES_MAX:
            for name, member in self.members.items():
                yield from member.types((*names, name))
        else:
            yield _path(names), self._type()

    def _type(self) -> str:
        kinds = self.kinds
        if kinds == {"int"}:
            if self.least >= -(2**63) and self.most < 2**63:
                return "int64"
            return "uint64" if self.least >= 0 and self.most < 2**64 else "json"
        if kinds in ({"float"}, {"int", "float"}):
            return "float64" if self.least >= -(2**53) and self.most <= 2**53 else "json"
        if kinds == {"bool"}:
            return "bool"
        if kinds == {"date"}:
            return "date" if _all_are("date", self.texts) else "string"
        if kinds == {"time"}:
            return "timestamp[us]" if _all_are("timestamp[us]", self.texts) else "string"
        return "string" if kinds and kinds <= {"string", "date", "time"} else "json"


def _all_are(kind: str, texts: Iterable[str]) -> bool:
    """Whether a column of this type takes all of them: it knows what a time is."""
    lines = "\n".join(_json.dumps([text]) for text in texts).encode()
    try:
        read_columns(lines, {"at": field("$[0]", kind)}, threads=1)
    except DecodeError:
        return False
    return True


def _path(names: tuple[str, ...]) -> str:
    """The shortest path there is: names joined by dots, where these do not need quotes."""
    if not names:
        return "$"
    if all(map(_PLAIN.fullmatch, names)):
        return ".".join(names)
    quoted = (_json.dumps(name)[1:-1].replace('\\"', '"').replace("'", "\\'") for name in names)
    path = "$" + "".join(f"['{name}']" for name in quoted)
    parse(path)
    return path


def infer(source: object, *, root: str | None = None, rows: int = 1000) -> dict[str, str]:
    """Find a schema in the first records of a source.

    Parameters
    ----------
    source, root
        As for `stream`.
    rows : int, default 1000
        How many records are looked at.

    Returns
    -------
    dict of path to type
        In the order of the first records, and as it is a schema for `columns`. Objects are
        followed to their members. ``int64`` or ``uint64`` for integers, ``float64`` for
        numbers, ``bool``, ``timestamp[us]`` for strings as in RFC 3339, ``date`` for
        ``YYYY-MM-DD``, ``string`` for others, and ``json``, which holds any value, for arrays,
        for what differs from record to record, and for objects of more than 1,000 names.
        Records that are not objects have the path ``$``.

    Raises
    ------
    DecodeError
        One of these records is not JSON.

    Notes
    -----
    Later records may differ: see `on_mismatch` of `columns`.

    Examples
    --------
    >>> from fastcore import json
    >>> data = b'{"id": 1, "user": {"name": "a", "born": "1815-12-10"}, "tags": []}'
    >>> json.infer(data)
    {'id': 'int64', 'user.name': 'string', 'user.born': 'date', 'tags': 'json'}
    >>> json.read_columns(data, json.infer(data))["user.name"].to_pylist()
    ['a']
    """
    if not isinstance(rows, int) or isinstance(rows, bool):
        raise TypeError(f"rows must be an int, not {type(rows).__name__}")
    if rows < 1:
        raise ValueError(f"rows must be at least 1, not {rows}")
    records = stream(source, root=root)
    top = _Place()
    try:
        for record in islice(records, rows):
            top.see(record)
    finally:
        records.close()  # type: ignore[attr-defined]
    if not top.kinds:
        return {}
    return {path: ColumnType(kind) for path, kind in top.types(())}
