"""Push decoders: the caller has the bytes, from a socket, say, and feeds them."""

from __future__ import annotations

from fastcore._native.json import ColumnReader, ObjectReader
from fastcore.json.options import (
    MAX_DEPTH,
    MAX_RECORD_BYTES,
    DecoderStats,
    Numbers,
    OnError,
    OnMismatch,
    check_options,
)
from fastcore.json.selection import Schema, Select, compile_schema, compile_select

__all__ = ["ColumnDecoder", "Decoder"]


class Decoder(ObjectReader):
    """A JSON decoder that is fed chunks and returns the values they complete.

    One thread at a time; a second one gets a `RuntimeError`.

    Parameters
    ----------
    select : None, path, list of paths or dict of name to path
        What to make of each record; see `fastcore.json.stream`.
    root : str, optional
        Where the records lie inside each top-level value; see `fastcore.json.stream`.
    on_error, on_mismatch, validate, max_depth, max_record_bytes, numbers
        As in `fastcore.json.stream`.

    Examples
    --------
    >>> from fastcore import json
    >>> decoder = json.Decoder("user.id")
    >>> decoder.feed(b'{"user": {"id": 1}} {"us')
    [1]
    >>> decoder.feed(b'er": {"id": 2}}')
    [2]
    >>> decoder.close()
    []
    """

    def __init__(
        self,
        select: Select = None,
        *,
        root: str | None = None,
        on_error: OnError = "raise",
        on_mismatch: OnMismatch = "raise",
        validate: bool = True,
        max_depth: int = MAX_DEPTH,
        max_record_bytes: int = MAX_RECORD_BYTES,
        numbers: Numbers = "float",
    ) -> None:
        options = check_options(
            on_error=on_error,
            on_mismatch=on_mismatch,
            validate=validate,
            max_depth=max_depth,
            max_record_bytes=max_record_bytes,
            numbers=numbers,
            root=root,
        )
        super().__init__(compile_select(select), options)

    @property
    def stats(self) -> DecoderStats:
        """What has been decoded so far."""
        return DecoderStats(*self._counts())


class ColumnDecoder(ColumnReader):
    """A JSON decoder that is fed chunks and gathers typed columns.

    One thread at a time; a second one gets a `RuntimeError`.

    Parameters
    ----------
    schema : dict of name to path or field
        See `fastcore.json.columns`.
    root : str, optional
        Where the records lie inside each top-level value; see `fastcore.json.stream`.
    on_error, on_mismatch, validate, max_depth, max_record_bytes
        As in `fastcore.json.columns`.

    Examples
    --------
    >>> from fastcore import json
    >>> decoder = json.ColumnDecoder({"n": json.field("n", "int64")})
    >>> decoder.feed(b'{"n": 1}{"n": 2}{"n')
    2
    >>> decoder.take()["n"].to_numpy()
    array([1, 2])
    """

    def __init__(
        self,
        schema: Schema,
        *,
        root: str | None = None,
        on_error: OnError = "raise",
        on_mismatch: OnMismatch = "raise",
        validate: bool = True,
        max_depth: int = MAX_DEPTH,
        max_record_bytes: int = MAX_RECORD_BYTES,
    ) -> None:
        options = check_options(
            on_error=on_error,
            on_mismatch=on_mismatch,
            validate=validate,
            max_depth=max_depth,
            max_record_bytes=max_record_bytes,
            root=root,
        )
        super().__init__(compile_schema(schema), options)

    @property
    def stats(self) -> DecoderStats:
        """What has been decoded so far."""
        return DecoderStats(*self._counts())
