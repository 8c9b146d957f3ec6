"""Rows of selected fields on standard output: NDJSON, CSV or an Arrow stream.

A writer gets rows as columns of JSON texts, a list per field, ``b"null"`` where a field is missing,
and writes them batch by batch: memory stays that of a batch, however long the input.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from typing import Any, Protocol

from fastcore.cli import terminal
from fastcore.cli.arguments import UsageError

__all__ = ["FORMATS", "Cells", "Writer", "writer"]

FORMATS = ("ndjson", "csv", "arrow")

Cells = Sequence[Sequence[bytes]]


class Writer(Protocol):
    """What `writer` returns."""

    def write(self, cells: Cells) -> None:
        """Write a batch: for each field, the texts of its rows."""

    def close(self) -> None:
        """Write what ends the output."""


def writer(form: str, names: Sequence[str], types: dict[str, str]) -> Writer:
    """Return a writer of rows with these fields.

    Parameters
    ----------
    form : {"ndjson", "csv", "arrow"}
    names : sequence of str
        Of the fields, different from each other.
    types : dict of str to str
        Types of columns, for Arrow; those that are not named are inferred from the first batch.
    """
    if types and form != "arrow":
        raise UsageError("--type is for --output arrow; other formats write values as they stand")
    if form == "ndjson":
        return _Ndjson(names)
    if form == "csv":
        return _Csv(names)
    if terminal.is_terminal(1):
        raise UsageError("--output arrow is not for a terminal; send it to a file or a pipe")
    return _Arrow(names, types)


def _objects(names: Sequence[str], cells: Cells) -> list[bytes]:
    import orjson

    parts = [orjson.dumps(name).replace(b"%", b"%%") + b":%b" for name in names]
    template = b"{" + b",".join(parts) + b"}\n"
    return [template % row for row in zip(*cells, strict=True)]


class _Ndjson:
    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def write(self, cells: Cells) -> None:
        sys.stdout.buffer.writelines(_objects(self._names, cells))

    def close(self) -> None:
        sys.stdout.buffer.flush()


class _Csv:
    """RFC 4180 with a header, but for lines that end as Unix ends them. Null is an empty field."""

    def __init__(self, names: Sequence[str]) -> None:
        self._rows = io.StringIO(newline="")
        self._csv = csv.writer(self._rows, lineterminator="\n")
        self._csv.writerow(names)

    def write(self, cells: Cells) -> None:
        columns = [[_csv_field(text) for text in column] for column in cells]
        self._csv.writerows(zip(*columns, strict=True))
        sys.stdout.buffer.write(self._rows.getvalue().encode())
        self._rows.seek(0)
        self._rows.truncate()

    def close(self) -> None:
        sys.stdout.buffer.write(self._rows.getvalue().encode())  # the header, where nothing came
        sys.stdout.buffer.flush()


def _csv_field(text: bytes) -> str:
    """Return a string as its characters, null as nothing, anything else as its JSON text.

    >>> _csv_field(b'"a\\\\u0062"'), _csv_field(b"null"), _csv_field(b"1.50"), _csv_field(b"[1]")
    ('ab', '', '1.50', '[1]')
    """
    import orjson

    if text.startswith(b'"'):
        characters: str = orjson.loads(text)
        return characters
    return "" if text == b"null" else text.decode()


class _Arrow:
    """An Arrow IPC stream, written by nanoarrow."""

    def __init__(self, names: Sequence[str], types: dict[str, str]) -> None:
        try:
            import nanoarrow.ipc
        except ImportError:
            raise UsageError(
                "--output arrow needs nanoarrow: pip install 'fastcore-native[cli]'"
            ) from None
        unknown = [name for name in types if name not in names]
        if unknown:
            raise UsageError(
                f"--type {unknown[0]}=...: no such field; there are: {', '.join(names)}"
            )
        self._names = names
        self._types = types
        self._decoder: Any = None
        self._stream: Any = nanoarrow.ipc.StreamWriter.from_writable(sys.stdout.buffer)

    def _begin(self, cells: Cells) -> None:
        from fastcore.json import ColumnDecoder, field

        schema = {}
        for name, column in zip(self._names, cells, strict=True):
            pointer = "/" + name.replace("~", "~0").replace("/", "~1")
            schema[name] = field(pointer, self._types.get(name) or infer(column))
        self._decoder = ColumnDecoder(schema)

    def write(self, cells: Cells) -> None:
        from fastcore.json import DecodeError

        if self._decoder is None:
            self._begin(cells)
        try:
            self._decoder.feed(b"".join(_objects(self._names, cells)))
            self._stream.write_stream(self._decoder.take())
        except DecodeError as error:
            raise UsageError(
                f"row {error.record}: {error.msg}; name the column's type, as in --type NAME=json"
            ) from None

    def close(self) -> None:
        if self._decoder is None:
            self._begin([[] for _ in self._names])
        self._stream.write_stream(self._decoder.close())
        self._stream.close()
        sys.stdout.buffer.flush()


def infer(column: Sequence[bytes]) -> str:
    """Return the narrowest column type that holds these JSON texts; "string" where all are null.

    >>> infer([b"1", b"null", b"-2"]), infer([b"1", b"2.5"]), infer([b"true"]), infer([b'"a"'])
    ('int64', 'float64', 'bool', 'string')
    >>> infer([b"18446744073709551615"]), infer([b"1", b'"a"']), infer([b"[1]"]), infer([])
    ('uint64', 'json', 'json', 'string')
    """
    kinds = {_kind(text) for text in column} - {"null"}
    if not kinds:
        return "string"
    if len(kinds) == 1:
        return kinds.pop()
    if kinds == {"int64", "uint64"}:
        numbers = [int(text) for text in column if text != b"null"]
        return "uint64" if min(numbers) >= 0 else "float64"
    return "float64" if kinds <= {"int64", "uint64", "float64"} else "json"


_FIRST = {ord('"'): "string", ord("t"): "bool", ord("f"): "bool", ord("n"): "null"}


def _kind(text: bytes) -> str:
    first = text[0]
    if first in _FIRST:
        return _FIRST[first]
    if first in b"{[":
        return "json"
    if not text.lstrip(b"-").isdigit():
        return "float64"
    number = int(text) if len(text) <= 20 else 1 << 64
    if -(1 << 63) <= number < 1 << 63:
        return "int64"
    return "uint64" if 0 <= number < 1 << 64 else "float64"
