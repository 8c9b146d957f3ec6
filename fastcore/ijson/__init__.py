"""A drop-in for ijson: ``import fastcore.ijson as ijson``, and the program works unchanged.

- `basic_parse` gives (event, value), `parse` (prefix, event, value), `items` the values at a
  prefix, `kvitems` the (key, value) of the objects there.
- Each has the forms ``_gen`` (of a file), ``_async`` (of an asynchronous file) and ``_coro`` (sent
  chunks, sends results on).

Valid JSON gives what ijson 3.6 gives. What differs from its C backend, and why, is in the guide,
`docs/guide/json.md`.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from fastcore.ijson import backends as _backends
from fastcore.ijson._builder import ObjectBuilder
from fastcore.ijson._errors import IncompleteJSONError, JSONError
from fastcore.ijson._routines import (
    backend,
    backend_name,
    basic_parse,
    basic_parse_async,
    basic_parse_coro,
    basic_parse_gen,
    items,
    items_async,
    items_coro,
    items_gen,
    kvitems,
    kvitems_async,
    kvitems_coro,
    kvitems_gen,
    parse,
    parse_async,
    parse_coro,
    parse_gen,
)
from fastcore.ijson.adapters import from_iter
from fastcore.ijson.utils import coroutine, sendable_list

__all__ = [
    "ALL_BACKENDS",
    "IncompleteJSONError",
    "JSONError",
    "ObjectBuilder",
    "backend",
    "backend_name",
    "basic_parse",
    "basic_parse_async",
    "basic_parse_coro",
    "basic_parse_gen",
    "coroutine",
    "from_iter",
    "get_backend",
    "items",
    "items_async",
    "items_coro",
    "items_gen",
    "kvitems",
    "kvitems_async",
    "kvitems_coro",
    "kvitems_gen",
    "parse",
    "parse_async",
    "parse_coro",
    "parse_gen",
    "sendable_list",
]

__version__ = "3.6.0"  # of the ijson whose interface this is

ALL_BACKENDS = ("fastcore",)


def get_backend(backend: str) -> ModuleType:
    """Return the module of a backend; ijson's names are other names of the one there is."""
    return importlib.import_module(f"{_backends.__name__}.{backend}")
