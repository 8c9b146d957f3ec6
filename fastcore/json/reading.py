"""Pull decoding: from a source to values, batches, counts."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from fastcore._native.json import Batch, ColumnReader, Counter, Stream
from fastcore._sources import open_source
from fastcore.json.decoder import Decoder
from fastcore.json.options import (
    CHUNK_BYTES,
    MAX_DEPTH,
    MAX_RECORD_BYTES,
    Numbers,
    OnError,
    OnMismatch,
    check_options,
)
from fastcore.json.parallel import check_threads, parallel_batches
from fastcore.json.selection import Schema, Select, compile_schema

__all__ = ["columns", "count", "read_columns", "stream"]


def _chunks(source: object, chunk_bytes: int) -> Generator[memoryview, None, None]:
    with open_source(source, chunk_bytes) as opened:
        yield from opened


def stream(
    source: object,
    select: Select = None,
    *,
    root: str | None = None,
    on_error: OnError = "raise",
    on_mismatch: OnMismatch = "raise",
    validate: bool = True,
    max_depth: int = MAX_DEPTH,
    max_record_bytes: int = MAX_RECORD_BYTES,
    numbers: Numbers = "float",
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[Any]:
    """Decode the records of a source one after the other.

    Parameters
    ----------
    source : path, bytes-like, binary file or iterable of bytes-like
        NDJSON, concatenated JSON, RFC 7464 text sequences, or one document. A ``str``
        is a path. ``.gz`` and ``.zst`` files are recognised by their first bytes.
    select : None, path, list of paths or dict of name to path
        What to make of each record: itself, the value at a path, a tuple, or a dict. A
        path may be a `field`. A missing value is None. Of duplicate keys the first
        counts in a selection, the last in whole objects.
    root : str, optional
        Where the records lie inside each top-level value: ``"$.features[*]"``. Any path,
        also one that leads to many places; a record inside another one is part of that.
        Records come as they complete, and what lies between them is checked like all else,
        so a document may be of any size, and is known to be whole only at its end. Without
        it, each top-level value is a record.
    on_error : {"raise", "skip"} or callable
        What to do about a record that is not JSON or passes a limit: raise the
        `DecodeError` after the values before it; go on after the line in which the
        record starts; or call the function with the error, then go on.
    on_mismatch : {"raise", "null"}
        What to do about a value that is not of the type its `field` names.
    validate : bool, default True
        Check every byte of every record. False checks what is selected, and of the rest
        only that strings and brackets are closed.
    max_depth : int, default 1024
        Containers inside one another.
    max_record_bytes : int, default 64 MiB
        Size of one record, and of one key or string beside the records of a `root`.
    numbers : {"float", "decimal"}
        Type of numbers that are not integers. Integers are exact at any size.
    chunk_bytes : int, default 1 MiB
        How much is read at a time.

    Returns
    -------
    iterator
        With ``close()`` and ``stats``.

    Raises
    ------
    DecodeError
        While iterating; see `on_error`.
    PathError
        A path in `select` is not one.
    SourceError
        The source cannot be opened or read.

    Notes
    -----
    Memory is `chunk_bytes`, one value, and twice the largest record.

    Examples
    --------
    >>> from fastcore import json
    >>> lines = b'{"user": {"id": 1}, "ok": true}\\n{"user": {"id": 2}}\\n'
    >>> list(json.stream(lines, ["user.id", "ok"]))
    [(1, True), (2, None)]
    >>> next(json.stream(lines))
    {'user': {'id': 1}, 'ok': True}
    """
    decoder = Decoder(
        select,
        root=root,
        on_error=on_error,
        on_mismatch=on_mismatch,
        validate=validate,
        max_depth=max_depth,
        max_record_bytes=max_record_bytes,
        numbers=numbers,
    )
    return Stream(decoder, _chunks(source, chunk_bytes))


def columns(
    source: object,
    schema: Schema,
    *,
    root: str | None = None,
    batch_rows: int = 65_536,
    threads: int | None = 1,
    on_error: OnError = "raise",
    on_mismatch: OnMismatch = "raise",
    validate: bool = True,
    max_depth: int = MAX_DEPTH,
    max_record_bytes: int = MAX_RECORD_BYTES,
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[Batch]:
    """Decode fields of the records of a source into typed columns.

    Parameters
    ----------
    source, root, on_error, validate, max_depth, max_record_bytes, chunk_bytes
        As for `stream`.
    schema : dict of name to field
        ``{"id": field("user.id", "int64")}``. A path alone has the type ``"json"``. Types:
        ``bool int64 uint64 int32 float64 float32 string binary timestamp[s|ms|us|ns] date
        json``. A missing value and ``null`` are null.
    batch_rows : int, default 65536
        Rows in each batch; the last may have fewer, never none.
    threads : int or None, default 1
        How many decode at once (None: one for each core). The batches and errors are those of
        one thread; they come sooner where the input is line-delimited, and memory grows by two
        `chunk_bytes` and a batch for each thread. With a `root` one thread decodes.
    on_mismatch : {"raise", "null"}
        What to do about a value of another type or out of range: treat the record as
        bad (see `on_error`), or put null in its place.

    Yields
    ------
    Batch

    Raises
    ------
    DecodeError
        While iterating, after a batch of the rows before the bad record.

    Examples
    --------
    >>> from fastcore import json
    >>> schema = {"id": json.field("id", "int64"), "name": json.field("name", "string")}
    >>> for batch in json.columns(b'{"id": 1, "name": "a"}\\n{"id": 2}\\n', schema):
    ...     print(batch["id"].to_numpy(), batch["name"].to_pylist())
    [1 2] ['a', None]
    """
    if not isinstance(batch_rows, int):
        raise TypeError(f"batch_rows must be an int, not {type(batch_rows).__name__}")
    if batch_rows < 1:
        raise ValueError(f"batch_rows must be at least 1, not {batch_rows}")
    options = check_options(
        root=root,
        on_error=on_error,
        on_mismatch=on_mismatch,
        validate=validate,
        max_depth=max_depth,
        max_record_bytes=max_record_bytes,
    )
    plan = compile_schema(schema)
    workers = check_threads(threads)
    if workers == 1 or root is not None:
        return _batches(ColumnReader(plan, options), _chunks(source, chunk_bytes), batch_rows)
    return parallel_batches(source, plan, options, batch_rows, workers, chunk_bytes)


def _batches(
    decoder: ColumnReader, chunks: Iterator[memoryview], batch_rows: int
) -> Iterator[Batch]:
    for chunk in _then_none(chunks):
        fresh = True
        while True:
            error = decoder._read(chunk, fresh, batch_rows)
            fresh = False
            if error is not None:
                if decoder.rows:
                    yield decoder.take()
                raise error
            if decoder.rows < batch_rows:
                break
            yield decoder.take()
    if decoder.rows:
        yield decoder.take()


def _then_none(chunks: Iterator[memoryview]) -> Iterator[memoryview | None]:
    yield from chunks
    yield None


def read_columns(
    source: object,
    schema: Schema,
    *,
    root: str | None = None,
    threads: int | None = None,
    on_error: OnError = "raise",
    on_mismatch: OnMismatch = "raise",
    validate: bool = True,
    max_depth: int = MAX_DEPTH,
    max_record_bytes: int = MAX_RECORD_BYTES,
    chunk_bytes: int = CHUNK_BYTES,
) -> Batch:
    """Decode fields of all records of a source into one batch.

    Parameters as for `columns`, but that `threads` is by default one for each core.

    Examples
    --------
    >>> from fastcore import json
    >>> batch = json.read_columns(b'{"x": 1.5}\\n{"x": 2}\\n', {"x": json.field("x", "float64")})
    >>> batch["x"].to_numpy()
    array([1.5, 2. ])
    """
    options = check_options(
        root=root,
        on_error=on_error,
        on_mismatch=on_mismatch,
        validate=validate,
        max_depth=max_depth,
        max_record_bytes=max_record_bytes,
    )
    plan = compile_schema(schema)
    workers = check_threads(threads)
    decoder = ColumnReader(plan, options)
    if workers == 1 or root is not None:
        for chunk in _chunks(source, chunk_bytes):
            decoder.feed(chunk)
        return decoder.close()
    batches = list(parallel_batches(source, plan, options, None, workers, chunk_bytes))
    return batches[0] if batches else decoder.close()


def count(
    source: object,
    *,
    root: str | None = None,
    on_error: OnError = "raise",
    max_depth: int = MAX_DEPTH,
    max_record_bytes: int = MAX_RECORD_BYTES,
    chunk_bytes: int = CHUNK_BYTES,
) -> int:
    """Count the records of a source, and check every byte of them.

    Parameters
    ----------
    source, root, on_error, max_depth, max_record_bytes, chunk_bytes
        As for `stream`.

    Returns
    -------
    int
        The good records: those passed over by `on_error` are not among them.

    Raises
    ------
    DecodeError
        A record is not JSON or passes a limit, with ``on_error="raise"``.

    Examples
    --------
    >>> from fastcore import json
    >>> json.count(b'{"a": 1}\\n{"a": 2}\\n')
    2
    """
    options = check_options(
        root=root, on_error=on_error, max_depth=max_depth, max_record_bytes=max_record_bytes
    )
    counter = Counter(options)
    for chunk in _then_none(_chunks(source, chunk_bytes)):
        error = counter._read(chunk)
        if error is not None:
            raise error
    return counter._counts()[1]
