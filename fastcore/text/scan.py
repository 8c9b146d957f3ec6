"""Where given bytes are, in a whole buffer: offsets as one int64 array.

Each function is one pass of a vector kernel over the buffer, without the GIL unless the
buffer is small. None of them reads outside it or copies it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastcore._native import scan as _native

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Buffer

__all__ = ["count_byte", "find_any", "find_byte", "line_offsets"]


def find_byte(data: Buffer, byte: int | bytes) -> NDArray[np.int64]:
    """Return the offset of every `byte` in `data`.

    Parameters
    ----------
    data : bytes-like
        Any contiguous buffer: `bytes`, `bytearray`, `memoryview`, `mmap`, a NumPy array
        (of whatever type: it is read as bytes).
    byte : int or bytes
        A value in ``range(256)``, or one byte.

    Returns
    -------
    ndarray of int64, shape (n,)
        Ascending, counted from the start of `data`; empty where there is none.

    Raises
    ------
    TypeError
        `data` is not bytes-like (a `str` is not), or `byte` is neither int nor bytes.
    ValueError
        `byte` is not one byte, or `data` is not contiguous.

    Examples
    --------
    >>> from fastcore import text
    >>> text.find_byte(b"key=value;k=v", ord("="))
    array([ 3, 11])
    """
    return _native.find_byte(data, byte)


def find_any(data: Buffer, byteset: Buffer) -> NDArray[np.int64]:
    """Return the offset of every byte of `data` that is in `byteset`.

    Parameters
    ----------
    data : bytes-like
        Any contiguous buffer, as in `find_byte`.
    byteset : bytes-like
        The bytes to look for, 0 to 256 different ones; their order and repetitions mean
        nothing. The time does not depend on how many they are.

    Returns
    -------
    ndarray of int64, shape (n,)
        Ascending, counted from the start of `data`.

    Raises
    ------
    TypeError
        `data` or `byteset` is not bytes-like.
    ValueError
        `data` or `byteset` is not contiguous.

    Examples
    --------
    >>> from fastcore import text
    >>> text.find_any(b"a,b;c", b",;")
    array([1, 3])
    """
    return _native.find_any(data, byteset)


def count_byte(data: Buffer, byte: int | bytes) -> int:
    """Return how many bytes of `data` equal `byte`.

    Parameters
    ----------
    data : bytes-like
        Any contiguous buffer, as in `find_byte`.
    byte : int or bytes
        A value in ``range(256)``, or one byte.

    Raises
    ------
    TypeError
        `data` is not bytes-like, or `byte` is neither int nor bytes.
    ValueError
        `byte` is not one byte, or `data` is not contiguous.

    Examples
    --------
    >>> from fastcore import text
    >>> text.count_byte(b"one\\ntwo\\n", b"\\n")
    2
    """
    return _native.count_byte(data, byte)


def line_offsets(data: Buffer) -> NDArray[np.int64]:
    """Return where the lines of `data` start, and after the last one where it ends.

    Line ``i`` is ``data[offsets[i]:offsets[i + 1]]``, with its newline. A line ends with
    a newline byte (``b"\\n"``); the last one may lack it. What follows the last newline is
    a line only if there is something: ``b"a\\n"`` is one line, and so is ``b"a"``. Empty
    `data` has no lines. These are the lines of ``io.BytesIO(data)``; other ends of line
    that `bytes.splitlines` knows (``b"\\r"``) are not looked for.

    Parameters
    ----------
    data : bytes-like
        Any contiguous buffer, as in `find_byte`.

    Returns
    -------
    ndarray of int64, shape (n + 1,)
        For n lines: their starts, then ``len(data)``. The first is always 0.

    Raises
    ------
    TypeError
        `data` is not bytes-like.
    ValueError
        `data` is not contiguous.

    Examples
    --------
    >>> from fastcore import text
    >>> log = b"first\\n\\nthird"
    >>> offsets = text.line_offsets(log)
    >>> offsets
    array([ 0,  6,  7, 12])
    >>> [log[start:end] for start, end in zip(offsets, offsets[1:])]
    [b'first\\n', b'\\n', b'third']
    """
    return _native.line_offsets(data)
