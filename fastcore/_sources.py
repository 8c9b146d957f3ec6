"""Where bytes come from: every `source` that fastcore reads, as a stream of chunks.

`open_source` takes what the README calls a source (a path, a bytes-like object,
a binary file or an iterable of chunks) and gives a `Source`: an iterator of
memoryviews, each valid until the next one is asked for, since all of them show
the same buffer. Files are read into that buffer and not mapped: reading is no
slower, and a file that shrinks meanwhile gives an error where a map would give
a SIGBUS.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, NoReturn

from fastcore import _decompress
from fastcore.errors import SourceError

__all__ = ["CHUNK_BYTES", "Source", "open_async_source", "open_source"]

CHUNK_BYTES = 1 << 20

_KINDS = "a path, a bytes-like object, a binary file or an iterable of bytes-like chunks"


class _MissingSourceError(SourceError, FileNotFoundError):
    """So that ``except FileNotFoundError`` works as with `open`; likewise the next two."""


class _DirectorySourceError(SourceError, IsADirectoryError):
    pass


class _ForbiddenSourceError(SourceError, PermissionError):
    pass


_ERROR_OF_ERRNO: dict[int, type[SourceError]] = {
    errno.ENOENT: _MissingSourceError,
    errno.EISDIR: _DirectorySourceError,
    errno.EACCES: _ForbiddenSourceError,
    errno.EPERM: _ForbiddenSourceError,
}

_HINT_OF_ERRNO = {
    errno.ENOENT: "no such file",
    errno.EISDIR: "is a directory; name the files in it",
}


def _raise_for(error: OSError, name: str) -> NoReturn:
    number = error.errno or errno.EIO
    kind = _ERROR_OF_ERRNO.get(number, SourceError)
    text = _HINT_OF_ERRNO.get(number, error.strerror or str(error))
    raise kind(number, text, name) from error


def open_source(
    source: object, chunk_bytes: int = CHUNK_BYTES, *, offset: int = 0, decompress: bool = False
) -> Source:
    """Open `source` for one pass over its bytes.

    Parameters
    ----------
    source : path, bytes-like, binary file or iterable of bytes-like
        A ``str`` is always a path. A file at a path that begins like gzip (one
        or more members) or zstd (one or more frames) is decompressed. A bytes-like
        object comes back as one chunk, without a copy. A file object is read
        from where it stands and left open.
    chunk_bytes : int, default 1 MiB
        Size of the buffer for what is read. Chunks of an iterable keep their own size.
    offset : int, default 0
        Start at this byte of the (decompressed) stream.
    decompress : bool, default False
        Recognise gzip and zstd in a file object too.

    Returns
    -------
    Source
        To be used as a context manager and iterated over once.

    Raises
    ------
    TypeError
        `source` is none of these, or a file object opened in text mode.
    SourceError
        The file cannot be opened; it is then also a `FileNotFoundError`,
        `IsADirectoryError` or `PermissionError` where that is the reason. It is
        compressed with zstd and no library for that is installed. While
        iterating: reading failed, the compressed data is damaged or cut short,
        the file shrank, or it ends before `offset`.

    Examples
    --------
    >>> with open_source([b"ab", b"", b"c"]) as source:
    ...     [bytes(chunk) for chunk in source]
    [b'ab', b'c']
    """
    if not isinstance(chunk_bytes, int):
        raise TypeError(f"chunk_bytes must be an int, not {type(chunk_bytes).__name__}")
    if chunk_bytes < 1:
        raise ValueError(f"chunk_bytes must be at least 1, not {chunk_bytes}")
    if offset < 0:
        raise ValueError(f"offset must not be negative, but is {offset}")
    return Source(source, chunk_bytes, offset, decompress)


class Source:
    """An iterator of memoryviews over the bytes of a source; see `open_source`.

    One thread at a time. Each view is valid until the next is asked for or the
    source is closed.

    Attributes
    ----------
    name : str
        The path, the file object's own name, or what kind of object it is.
    size : int or None
        Bytes in the file (compressed ones) or object, as far as known.
    position : int
        How many of these bytes have been read.
    compression : {"gzip", "zstd"} or None
        What the file is packed with.
    in_memory : bool
        The views show the caller's own object, and stay valid.
    """

    def __init__(self, source: object, chunk_bytes: int, offset: int, decompress: bool) -> None:
        self.name = f"<{type(source).__name__}>"
        self.size: int | None = None
        self.position = 0
        self.compression: str | None = None
        self.in_memory = False
        self._file: io.FileIO | None = None
        self._fill: Callable[[memoryview], int] | None = None
        self._rest = memoryview(b"")
        self._started = False
        self._chunk_bytes = chunk_bytes
        self._chunks = self._open(source, offset, decompress)

    def _open(self, source: Any, offset: int, decompress: bool) -> Iterator[memoryview]:
        if isinstance(source, (str, os.PathLike)):
            return self._open_path(source, offset)
        view = _view_of(source)
        if view is not None:
            self.name = f"<{type(source).__name__} of {view.nbytes} bytes>"
            self.size = view.nbytes
            self.in_memory = True
            return self._skip(self._counted([view]), offset)
        if hasattr(source, "readinto") or hasattr(source, "read"):
            if isinstance(source, io.TextIOBase):
                raise TypeError(_TEXT_MODE)
            name = getattr(source, "name", None)
            if isinstance(name, str):
                self.name = name
            return self._skip(self._open_stream(_filler(source), decompress), offset)
        if hasattr(source, "__iter__"):
            return self._skip(self._counted(_views(source)), offset)
        raise TypeError(f"source must be {_KINDS}, not {type(source).__name__}")

    def _open_path(self, path: str | os.PathLike[str], offset: int) -> Iterator[memoryview]:
        self.name = os.fsdecode(path)
        try:
            self._file = file = io.FileIO(path, "r")
        except OSError as error:
            _raise_for(error, self.name)
        try:
            status = os.fstat(file.fileno())
            regular = stat.S_ISREG(status.st_mode)
            if regular:
                self.size = status.st_size
            chunks = self._open_stream(_filler(file), True)
            if not regular or self.compression is not None or offset == 0:
                return self._skip(chunks, offset)
            if offset > status.st_size:
                self._raise_early_end(offset, status.st_size)
            file.seek(offset)
            self.position = offset
            return self._read(_filler(file), self._new_buffer(), 0)
        except BaseException:
            self.close()
            raise

    def _open_stream(
        self, fill: Callable[[memoryview], int], decompress: bool
    ) -> Iterator[memoryview]:
        buffer = self._new_buffer()
        if not decompress:
            self._fill = fill
            return self._read(fill, buffer, 0)
        head_bytes = 0
        while head_bytes < _decompress.MAGIC_BYTES:
            count = self._filled(fill, buffer[head_bytes:])
            if count == 0:
                break
            head_bytes += count
        self.compression = _decompress.detect(bytes(buffer[: _decompress.MAGIC_BYTES]))
        chunks = self._read(fill, buffer, head_bytes)
        if self.compression is not None:
            return self._unpack(chunks, self.compression)
        self._fill = fill
        return chunks

    def _new_buffer(self) -> memoryview:
        return memoryview(bytearray(max(self._chunk_bytes, _decompress.MAGIC_BYTES)))

    def _filled(self, fill: Callable[[memoryview], int], view: memoryview) -> int:
        try:
            return fill(view)
        except OSError as error:
            _raise_for(error, self.name)

    def _read(
        self, fill: Callable[[memoryview], int], buffer: memoryview, count: int
    ) -> Iterator[memoryview]:
        """Yield the `count` bytes that `buffer` holds already, then fill it again and again."""
        shown = buffer.toreadonly()
        count = count or self._filled(fill, buffer)
        while count:
            self.position += count
            yield shown[:count]
            count = self._filled(fill, buffer)
        self._check_size()

    def _check_size(self) -> None:
        if self.size is not None and self.position < self.size:
            raise SourceError(
                errno.EIO,
                f"the file shrank while it was read: it ended at byte {self.position} "
                f"of {self.size}; read it again when nobody writes to it",
                self.name,
            )

    def _counted(self, views: Iterable[memoryview]) -> Iterator[memoryview]:
        for view in views:
            if view.nbytes:
                self.position += view.nbytes
                yield view

    def _skip(self, chunks: Iterator[memoryview], offset: int) -> Iterator[memoryview]:
        return self._skipped(chunks, offset) if offset else chunks

    def _skipped(self, chunks: Iterator[memoryview], offset: int) -> Iterator[memoryview]:
        left = offset
        for chunk in chunks:
            if left < chunk.nbytes:
                yield chunk[left:] if left else chunk
                left = 0
            else:
                left -= chunk.nbytes
        if left:
            self._raise_early_end(offset, offset - left)

    def _raise_early_end(self, offset: int, size: int) -> NoReturn:
        raise SourceError(
            errno.EINVAL, f"ends at byte {size}, before the offset {offset} to start at", self.name
        )

    def _unpack(self, chunks: Iterator[memoryview], compression: str) -> Iterator[memoryview]:
        """Decompress member after member; the output of each step is one chunk."""
        try:
            new_engine, library_errors = _decompress.engine_maker(compression)
        except ModuleNotFoundError as error:
            raise SourceError(
                errno.ENOTSUP,
                "is compressed with zstd, and no library for it is installed: "
                "pip install 'fastcore-native[compress]'",
                self.name,
            ) from error
        return self._unpacked(chunks, compression, new_engine, library_errors)

    def _unpacked(
        self,
        chunks: Iterator[memoryview],
        compression: str,
        new_engine: Callable[[], _decompress.Engine],
        library_errors: tuple[type[Exception], ...],
    ) -> Iterator[memoryview]:
        engine: _decompress.Engine | None = None
        for chunk in chunks:
            data: Any = chunk
            more = False
            while len(data) or more:
                if engine is None:
                    # gzip(1) accepts zero padding between and after members; tape blocks made it.
                    if compression == "gzip" and data[0] == 0:
                        data = bytes(data).lstrip(b"\0")
                        continue
                    engine = new_engine()
                try:
                    output, data, more = engine.step(data, self._chunk_bytes)
                except library_errors as error:
                    self._raise_damaged(compression, str(error), error)
                if engine.eof:
                    engine = None
                view = memoryview(output)
                for at in range(0, len(view), self._chunk_bytes):
                    yield view[at : at + self._chunk_bytes]
        if engine is not None:
            self._raise_damaged(compression, "it is cut short", None)

    def _raise_damaged(self, compression: str, reason: str, cause: Exception | None) -> NoReturn:
        raise SourceError(
            errno.EBADMSG,
            f"the {compression} data is damaged near compressed byte {self.position}: {reason}; "
            "fetch or pack the file again",
            self.name,
        ) from cause

    def readinto(self, view: memoryview) -> int:
        """Read the next bytes into `view`; return how many, 0 at the end.

        For those who need each chunk in memory of its own. Not to be mixed with iteration. A file
        that is not compressed is read without a copy on the way.
        """
        if not self._rest:
            if self._started and self._fill is not None:
                count = self._filled(self._fill, view)
                self.position += count
                if count == 0:
                    self._check_size()
                return count
            self._started = True
            self._rest = next(self, self._rest)
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def __iter__(self) -> Source:
        return self

    def __next__(self) -> memoryview:
        return next(self._chunks)

    def close(self) -> None:
        """Close the file if this object opened it; asking for more chunks then gives none."""
        self._chunks = iter(())
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        packed = f" ({self.compression})" if self.compression else ""
        size = "?" if self.size is None else self.size
        return f"<Source {self.name!r}{packed}, at byte {self.position} of {size}>"


_TEXT_MODE = "source is a file in text mode; open it in binary mode ('rb'), or pass its .buffer"


def _view_of(source: Any) -> memoryview | None:
    """Return the bytes of a bytes-like object as a flat memoryview; None if it is none."""
    try:
        view = memoryview(source)
    except TypeError:
        return None
    if not view.c_contiguous:
        raise ValueError("source must be a contiguous buffer; copy it first (bytes(source))")
    if view.nbytes == 0:
        return memoryview(b"")
    if view.ndim == 1 and view.itemsize == 1 and view.format == "B":
        return view
    try:
        return view.cast("B")
    except (TypeError, ValueError):  # ctypes arrays have formats that cast() does not know
        import numpy as np

        return memoryview(np.frombuffer(source, np.uint8).data)


def _views(chunks: Iterable[Any]) -> Iterator[memoryview]:
    for chunk in chunks:
        yield _chunk_view(chunk)


def _chunk_view(chunk: Any) -> memoryview:
    view = _view_of(chunk)
    if view is None:
        hint = "; encode it first" if isinstance(chunk, str) else ""
        raise TypeError(
            f"source must yield bytes-like chunks, but yielded {type(chunk).__name__}{hint}"
        )
    return view


def _filler(file: Any) -> Callable[[memoryview], int]:
    """Return a function that reads the next bytes of `file` into a view: how many, 0 at the end."""
    readinto = getattr(file, "readinto", None)
    if isinstance(file, io.BufferedReader):
        # readinto() would wait until the whole view is full: bad for a pipe or a socket.
        readinto = file.readinto1
    if readinto is None:
        return _read_filler(file.read)

    def fill(view: memoryview) -> int:
        count = readinto(view)
        if count is None:
            raise BlockingIOError(errno.EAGAIN, "the file is non-blocking and has no data now")
        return int(count)

    return fill


def _read_filler(read: Callable[[int], Any]) -> Callable[[memoryview], int]:
    def fill(view: memoryview) -> int:
        data = read(len(view))
        if isinstance(data, str):
            raise TypeError(_TEXT_MODE)
        if data is None:
            raise BlockingIOError(errno.EAGAIN, "the file is non-blocking and has no data now")
        count = len(data)
        if count > len(view):
            raise ValueError(f"source.read({len(view)}) returned {count} bytes")
        view[:count] = data
        return count

    return fill


async def open_async_source(
    source: object, chunk_bytes: int = CHUNK_BYTES
) -> AsyncIterator[memoryview]:
    """Yield the chunks of an async source, or of any source that `open_source` takes.

    Parameters
    ----------
    source : asyncio.StreamReader, async iterable of bytes-like, or any other source
        What has an awaitable ``read`` is read `chunk_bytes` at a time. What is
        not asynchronous is read as `open_source` does, blocking the event loop
        for one chunk at a time.
    chunk_bytes : int, default 1 MiB
        At most this many bytes are asked for at a time.

    Raises
    ------
    TypeError
        It yields something that is not bytes-like.
    """
    if hasattr(source, "__aiter__"):
        # A StreamReader is an async iterable too, but of lines, each with a limit on its length.
        read = getattr(source, "read", None)
        if read is not None:
            while len(view := _chunk_view(await read(chunk_bytes))):
                yield view
            return
        async for chunk in source:
            if len(view := _chunk_view(chunk)):
                yield view
        return
    with open_source(source, chunk_bytes) as opened:
        for view in opened:
            yield view
