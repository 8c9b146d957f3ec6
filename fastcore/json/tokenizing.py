"""Tokens: JSON as a flat stream of events, for documents of any shape and size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastcore._native.json import Events
from fastcore.errors import DecodeError
from fastcore.json.options import (
    CHUNK_BYTES,
    MAX_DEPTH,
    MAX_RECORD_BYTES,
    Numbers,
    check_options,
)
from fastcore.json.reading import _chunks

__all__ = ["EventOptions", "tokens"]


@dataclass(frozen=True, slots=True)
class EventOptions:
    """Checked keywords, as the native readers of events take them."""

    max_depth: int
    max_token_bytes: int
    numbers: Numbers
    values_min: int = 0
    multiple: bool = True
    comments: bool = False
    lone_surrogates: bool = False


def _decode_error(
    msg: str, pos: int, lineno: int, colno: int, record: int, excerpt: str, truncated: bool
) -> DecodeError:
    return DecodeError(msg, pos, lineno, colno, record, excerpt)


def tokens(
    source: object,
    *,
    max_depth: int = MAX_DEPTH,
    max_record_bytes: int = MAX_RECORD_BYTES,
    numbers: Numbers = "float",
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[tuple[str, object]]:
    """Iterate over the tokens of a source, checking every byte on the way.

    Parameters
    ----------
    source, numbers, chunk_bytes
        As for `stream`.
    max_depth : int, default 1024
        Containers inside one another.
    max_record_bytes : int, default 64 MiB
        Size of a single string, key or number. Records may be of any size here.

    Returns
    -------
    iterator of (event, value)
        ``("start_map", None)``, ``("map_key", str)``, ``("end_map", None)``,
        ``("start_array", None)``, ``("end_array", None)``, ``("string", str)``,
        ``("number", int or float or Decimal)``, ``("boolean", bool)``, ``("null", None)``.
        Of several values in a row the tokens follow one another. With ``close()``.

    Raises
    ------
    DecodeError
        While iterating, after all tokens before the first wrong byte. There is no going on
        then: what has been said about a record cannot be taken back.
    SourceError
        The source cannot be opened or read.

    Notes
    -----
    Memory is `chunk_bytes`, the longest string, and a byte for each open container, however
    large the document.

    Examples
    --------
    >>> from fastcore import json
    >>> for event, value in json.tokens(b'{"id": 1, "tags": ["a"]}'):
    ...     print(event, value)
    start_map None
    map_key id
    number 1
    map_key tags
    start_array None
    string a
    end_array None
    end_map None
    """
    options = check_options(max_depth=max_depth, max_record_bytes=max_record_bytes, numbers=numbers)
    checked = EventOptions(options.max_depth, options.max_record_bytes, options.numbers)
    return Events(_chunks(source, chunk_bytes), "basic", None, None, _decode_error, checked)
