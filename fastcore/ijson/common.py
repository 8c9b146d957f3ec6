"""What programs import from ``ijson.common``."""

from __future__ import annotations

import decimal
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from fastcore.ijson import utils
from fastcore.ijson._builder import (
    ObjectBuilder,
    items_basecoro,
    kvitems_basecoro,
    parse_basecoro,
)
from fastcore.ijson._errors import IncompleteJSONError, JSONError
from fastcore.ijson._routines import BackendCapabilities
from fastcore.ijson.compat import bytes_reader

__all__ = [
    "BackendCapabilities",
    "IncompleteJSONError",
    "JSONError",
    "ObjectBuilder",
    "file_source",
    "integer_or_decimal",
    "integer_or_float",
    "items",
    "items_basecoro",
    "kvitems",
    "kvitems_basecoro",
    "number",
    "parse",
    "parse_basecoro",
]


def _is_integer(text: str) -> bool:
    return not any(mark in text for mark in ".eE")


def integer_or_decimal(str_value: str) -> int | decimal.Decimal:
    """Return the value of a JSON number as int or Decimal."""
    return int(str_value) if _is_integer(str_value) else decimal.Decimal(str_value)


def integer_or_float(str_value: str) -> int | float:
    """Return the value of a JSON number as int or float."""
    return int(str_value) if _is_integer(str_value) else float(str_value)


def _warn(old: str, new: str) -> None:
    warnings.warn(f"{old} will go; use {new}", DeprecationWarning, stacklevel=3)


def number(str_value: str) -> int | decimal.Decimal:
    """`integer_or_decimal`, by its old name."""
    _warn("ijson.common.number", "integer_or_decimal")
    return integer_or_decimal(str_value)


def file_source(f: Any, buf_size: int = 64 * 1024) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces, and at its end an empty one."""
    reader = bytes_reader(f)
    while True:
        data = reader.read(buf_size)
        yield data
        if not data:
            return


def parse(events: Iterable[Any]) -> Iterator[Any]:
    """`fastcore.ijson.parse` of the events of `basic_parse`, by its old name."""
    _warn("ijson.common.parse", "ijson.parse")
    return utils.coros2gen(events, (parse_basecoro, (), {}))


def items(events: Iterable[Any], prefix: str, map_type: Any = None) -> Iterator[Any]:
    """`fastcore.ijson.items` of the events of `parse`, by its old name."""
    _warn("ijson.common.items", "ijson.items")
    return utils.coros2gen(events, (items_basecoro, (prefix,), {"map_type": map_type}))


def kvitems(events: Iterable[Any], prefix: str, map_type: Any = None) -> Iterator[Any]:
    """`fastcore.ijson.kvitems` of the events of `parse`, by its old name."""
    _warn("ijson.common.kvitems", "ijson.kvitems")
    return utils.coros2gen(events, (kvitems_basecoro, (prefix,), {"map_type": map_type}))
