"""Apply a recipe to batches of records: no Python code runs for a record that does not match."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from fastcore.cli.recipe import NANOSECONDS, Recipe
from fastcore.json import ColumnDecoder, field
from fastcore.text import Matcher, RegexSet

if TYPE_CHECKING:
    from fastcore.json import Batch, Column

__all__ = ["Extractor"]

# Columns of the batches that are not selected fields. Names of fields are numbered instead of
# taken from the user, so that these three cannot collide with one.
_RECORD, _MATCHED, _TIME = "record", "matched", "time"

# A record becomes one record of the log, so it must fit into a segment with room for its header.
RECORD_BYTES_MAX = (64 << 20) - (8 << 10)


class Extractor:
    """Turns batches into payloads.

    Parameters
    ----------
    recipe : Recipe

    Attributes
    ----------
    recipe : Recipe
        As given.
    schema : dict
        For `fastcore.json.columns`.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._fields = [f"field {i}" for i in range(len(recipe.selections))]
        self.schema: dict[str, Any] = {
            name: field(path, "json")
            for name, (_, path) in zip(self._fields, recipe.selections, strict=True)
        }
        self._filters: list[Matcher | RegexSet] = []
        if recipe.patterns:
            self._filters.append(Matcher(list(recipe.patterns), ignore_case=recipe.ignore_case))
        if recipe.regexes:
            self._filters.append(RegexSet(list(recipe.regexes), ignore_case=recipe.ignore_case))
        if self._filters and recipe.match_field is not None:
            self.schema[_MATCHED] = field(recipe.match_field, "string")
        if not recipe.selections or (self._filters and recipe.match_field is None):
            self.schema[_RECORD] = field("$", "json")
        if recipe.timestamp is not None:
            self.schema[_TIME] = field(recipe.timestamp, f"timestamp[{recipe.timestamp_unit}]")
        names = [orjson.dumps(name).replace(b"%", b"%%") for name, _ in recipe.selections]
        self._template = b"{" + b",".join(name + b":%b" for name in names) + b"}"

    def decoder(self) -> ColumnDecoder:
        """Return a new decoder whose batches `extract` takes; `PathError` for a bad path."""
        return ColumnDecoder(
            self.schema,
            on_error=self.recipe.on_error,
            on_mismatch="null",
            max_record_bytes=RECORD_BYTES_MAX,
        )

    def extract(self, batch: Batch) -> tuple[list[bytes], Any]:
        """Return the payloads of the records to keep, and their timestamps or None."""
        if not self._filters:
            rows = np.arange(len(batch))
        else:
            looked_at = batch[_RECORD if self.recipe.match_field is None else _MATCHED]
            kept = [one.contains_each(looked_at) for one in self._filters]
            rows = np.flatnonzero(np.logical_or.reduce(kept))
        if len(rows) == 0:
            return [], None
        if not self._fields:
            payloads = _texts(batch[_RECORD], rows)
        else:
            columns = self._cells(batch, rows)
            template = self._template
            payloads = [template % values for values in zip(*columns, strict=True)]
        return payloads, self._timestamps(batch, rows)

    def cells(self, batch: Batch) -> list[list[bytes]]:
        """Return the JSON texts of each selected field, of every record."""
        return self._cells(batch, np.arange(len(batch)))

    def _cells(self, batch: Batch, rows: Any) -> list[list[bytes]]:
        return [_values(batch[name], rows) for name in self._fields]

    def _timestamps(self, batch: Batch, rows: Any) -> Any:
        if self.recipe.timestamp is None:
            return None
        column = batch[_TIME]
        scale = NANOSECONDS[self.recipe.timestamp_unit]
        stamps = column.to_numpy().view(np.int64)[rows]
        most = np.iinfo(np.int64).max // scale  # a time beyond the year 2262 is none of ours
        unknown = column.is_null()[rows] | (stamps > most) | (stamps < -most)
        return np.where(unknown, time.time_ns(), np.where(unknown, 0, stamps) * scale)


def _texts(column: Column, rows: Any) -> list[bytes]:
    """Return the JSON texts of these rows; empty where there is no value."""
    data = bytes(column.data)
    offsets = np.asarray(column.offsets)
    starts, stops = offsets[rows].tolist(), offsets[rows + 1].tolist()
    return [data[start:stop] for start, stop in zip(starts, stops, strict=True)]


def _values(column: Column, rows: Any) -> list[bytes]:
    """Return the JSON texts of these rows as parts of a compact object."""
    texts = _texts(column, rows)
    data, offsets = np.asarray(column.data), np.asarray(column.offsets)
    starts = offsets[rows]
    missing = starts == offsets[rows + 1]
    for at in np.flatnonzero(missing).tolist():
        texts[at] = b"null"
    if len(data):
        # A missing value at the end starts behind the last byte; it is no container in any case.
        firsts = data[np.minimum(starts, len(data) - 1)]
        containers = ((firsts == ord("{")) | (firsts == ord("["))) & ~missing
        for at in np.flatnonzero(containers).tolist():
            texts[at] = _compact(texts[at])
    return texts


_SPACE = b" \t\r\n"


def _compact(text: bytes) -> bytes:
    """Remove the whitespace outside strings from valid JSON, in linear time and flat memory.

    >>> _compact(b'{"a b": [1, "c  d" ]}')
    b'{"a b":[1,"c  d"]}'
    """
    if len(text.translate(None, _SPACE)) == len(text):
        return text
    parts = []
    at = 0
    while (quote := text.find(b'"', at)) >= 0:
        parts.append(text[at:quote].translate(None, _SPACE))
        at = _string_end(text, quote)
        parts.append(text[quote:at])
    parts.append(text[at:].translate(None, _SPACE))
    return b"".join(parts)


def _string_end(text: bytes, quote: int) -> int:
    """Return the place behind the string that begins at text[quote]."""
    end = quote
    while True:
        end = text.index(b'"', end + 1)
        before = end
        while text[before - 1] == ord("\\"):
            before -= 1
        if (end - before) % 2 == 0:
            return end + 1
