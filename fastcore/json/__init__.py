"""A streaming JSON decoder: decodes what is asked for, skips the rest, holds only a window.

- `stream` gives Python values, record by record; `astream` is its asynchronous form, `Decoder`
  its push form.
- `columns` and `read_columns` give typed columns; `ColumnDecoder` is their push form.
- `tokens` gives the events of a document, one by one, whatever its size.
- `infer` finds a schema in the first records.
- `count` counts records, and checks them.
- `field` says more about a path: its type, a default, whether it must be there.
"""

from __future__ import annotations

from fastcore._native.json import Batch, Column
from fastcore.errors import DecodeError, PathError
from fastcore.json.asynchronous import astream
from fastcore.json.decoder import ColumnDecoder, Decoder
from fastcore.json.inference import infer
from fastcore.json.options import DecoderStats
from fastcore.json.reading import columns, count, read_columns, stream
from fastcore.json.selection import Field, field
from fastcore.json.tokenizing import tokens

__all__ = [
    "Batch",
    "Column",
    "ColumnDecoder",
    "DecodeError",
    "Decoder",
    "DecoderStats",
    "Field",
    "PathError",
    "astream",
    "columns",
    "count",
    "field",
    "infer",
    "read_columns",
    "stream",
    "tokens",
]
