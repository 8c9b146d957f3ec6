"""Scans of a whole buffer for bytes, into int64 columns. See fastcore.text.scan."""

import numpy as np

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_ND, PyBUF_SIMPLE, PyBUF_STRIDES
from cpython.buffer cimport PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_CheckSignals
from libc.limits cimport LONG_MAX
from libc.stdint cimport INT64_MAX, SIZE_MAX, int64_t, uint8_t
from libc.stdlib cimport free, realloc

from fastcore._native.c cimport FC_OFFSETS_SLACK, fc_byteset, fc_byteset_make, fc_kernels
from fastcore._native.cpu cimport active_kernels

cdef extern from "base/memory.h" nogil:
    void fc_prefer_huge_pages(void *at, size_t bytes)

cdef enum:
    GIL_RELEASE_BYTES = 16384  # a scan of less takes under a microsecond
    TILE_BYTES = 1 << 26  # signals (Ctrl-C) are looked at after each: some milliseconds
    SAMPLE_BYTES = 1 << 18  # enough to tell how dense hits are
    ITEMS_MIN = 512
    ITEMS_AHEAD_MAX = 1 << 24  # reserved beyond what is there; address space until it is used

# The format character by which NumPy knows its int64.
cdef char *INT64_FORMAT = b"l" if LONG_MAX == INT64_MAX else b"q"
cdef Py_ssize_t INT64_STRIDE = sizeof(int64_t)


cdef class Int64s:
    """A growing int64 column.

    Grows by half with realloc, which moves pages instead of copying them once a column is
    large (mremap), and is cut to size at the end: the memory held is that of the result.
    """

    def __dealloc__(self):
        free(self.items)

    cdef int reserve(self, size_t more) except -1 nogil:
        """Make room for `more` items after `count`."""
        cdef size_t wanted = self.count + more
        cdef int64_t *moved
        if wanted <= self.capacity:
            return 0
        wanted = max(wanted, self.capacity + self.capacity // 2, <size_t>ITEMS_MIN)
        if wanted > SIZE_MAX // sizeof(int64_t):
            with gil:
                raise MemoryError("a column of int64 larger than the address space")
        moved = <int64_t *>realloc(self.items, wanted * sizeof(int64_t))
        if moved == NULL:
            with gil:
                raise MemoryError(f"a column of {wanted} int64")
        self.items = moved
        self.capacity = wanted
        fc_prefer_huge_pages(moved, wanted * sizeof(int64_t))
        return 0

    cdef object finish(self):
        """The column as an array that owns it; nothing may be added afterwards."""
        cdef size_t kept = max(self.count, <size_t>1)  # realloc(.., 0) may free
        cdef int64_t *cut = <int64_t *>realloc(self.items, kept * sizeof(int64_t))
        if cut != NULL:
            self.items = cut
            self.capacity = kept
        return np.asarray(self)

    def __getbuffer__(self, Py_buffer *view, int flags):
        self.shape[0] = <Py_ssize_t>self.count
        view.buf = self.items
        view.obj = self
        view.len = <Py_ssize_t>(self.count * sizeof(int64_t))
        view.itemsize = sizeof(int64_t)
        view.readonly = 0
        view.format = INT64_FORMAT if flags & PyBUF_FORMAT else NULL
        view.ndim = 1
        view.shape = self.shape if flags & PyBUF_ND else NULL
        view.strides = &INT64_STRIDE if (flags & PyBUF_STRIDES) == PyBUF_STRIDES else NULL
        view.suboffsets = NULL
        view.internal = NULL


cdef int hold(object data, str name, Py_buffer *view) except -1:
    """Hold `data`'s bytes in `view`, or say what argument `name` takes."""
    try:
        PyObject_GetBuffer(data, view, PyBUF_SIMPLE)
    except TypeError:
        raise TypeError(
            f"{name} must be a bytes-like object, not {type(data).__name__}"
        ) from None
    except (BufferError, ValueError) as error:
        raise ValueError(f"{name} must be a contiguous buffer: {error}") from None
    return 0


cdef int byte_value(object byte) except -1:
    """The value of an argument `byte`: an int, or a bytes object of length 1."""
    if isinstance(byte, (bytes, bytearray)):
        if len(byte) != 1:
            raise ValueError(f"byte must be one byte, not {len(byte)} of them")
        return byte[0]
    try:
        value = byte.__index__()
    except AttributeError:
        raise TypeError(
            f"byte must be an int or one byte of bytes, not {type(byte).__name__}"
        ) from None
    if not 0 <= value <= 255:
        raise ValueError(f"byte must be in range(256), not {value}")
    return value


cdef int scan_tile(const fc_kernels *kernels, const uint8_t *text, size_t length,
                   const fc_byteset *members, uint8_t byte, int64_t base, size_t left,
                   Int64s out) except -1 nogil:
    """Append base + offset of each hit: of `byte`, or of the members where there are some.

    `left` bytes of the whole buffer come after the tile.
    """
    cdef size_t at = 0, used = 0
    cdef double expected
    while at < length:
        if out.capacity - out.count < 2 * FC_OFFSETS_SLACK:
            # As dense as so far, and an eighth more: usually one reservation in all.
            expected = 0 if base + <int64_t>at < SAMPLE_BYTES else min(
                <double>out.count / <double>(base + <int64_t>at) * 1.125
                * <double>(length - at + left), <double>ITEMS_AHEAD_MAX)
            out.reserve(2 * FC_OFFSETS_SLACK + <size_t>expected)
        if members != NULL:
            out.count += kernels.offsets_any(
                text + at, length - at, members, base + <int64_t>at,
                out.items + out.count, out.capacity - out.count, &used)
        else:
            out.count += kernels.offsets_byte(
                text + at, length - at, byte, base + <int64_t>at,
                out.items + out.count, out.capacity - out.count, &used)
        at += used
    return 0


cdef int scan_all(const Py_buffer *view, const fc_byteset *members, uint8_t byte, int64_t shift,
                  Int64s out) except -1:
    """Append shift + offset of each hit in the whole buffer; Ctrl-C is heard between tiles."""
    cdef const fc_kernels *kernels = active_kernels()
    cdef const uint8_t *text = <const uint8_t *>view.buf
    cdef size_t length = <size_t>view.len, at = 0, tile
    if length < GIL_RELEASE_BYTES:
        return scan_tile(kernels, text, length, members, byte, shift, 0, out)
    while at < length:
        tile = min(length - at, <size_t>TILE_BYTES)
        with nogil:
            scan_tile(kernels, text + at, tile, members, byte, shift + <int64_t>at,
                      length - at - tile, out)
        at += tile
        PyErr_CheckSignals()
    return 0


def find_byte(data, byte):
    """Offsets of every `byte`. See fastcore.text.find_byte."""
    cdef uint8_t wanted = <uint8_t>byte_value(byte)
    cdef Int64s out = Int64s()
    cdef Py_buffer view
    hold(data, "data", &view)
    try:
        scan_all(&view, NULL, wanted, 0, out)
    finally:
        PyBuffer_Release(&view)
    return out.finish()


def find_any(data, byteset):
    """Offsets of every byte of `byteset`. See fastcore.text.find_any."""
    cdef fc_byteset members
    cdef Int64s out = Int64s()
    cdef Py_buffer view
    hold(byteset, "byteset", &view)
    fc_byteset_make(&members, <const uint8_t *>view.buf, <size_t>view.len)
    PyBuffer_Release(&view)
    hold(data, "data", &view)
    try:
        scan_all(&view, &members, 0, 0, out)
    finally:
        PyBuffer_Release(&view)
    return out.finish()


def count_byte(data, byte):
    """Number of bytes equal to `byte`. See fastcore.text.count_byte."""
    cdef const fc_kernels *kernels = active_kernels()
    cdef uint8_t wanted = <uint8_t>byte_value(byte)
    cdef Py_buffer view
    cdef const uint8_t *text
    cdef size_t length, at = 0, tile, total = 0
    hold(data, "data", &view)
    try:
        text = <const uint8_t *>view.buf
        length = <size_t>view.len
        if length < GIL_RELEASE_BYTES:
            return kernels.count_byte(text, length, wanted)
        while at < length:
            tile = min(length - at, <size_t>TILE_BYTES)
            with nogil:
                total += kernels.count_byte(text + at, tile, wanted)
            at += tile
            PyErr_CheckSignals()
        return total
    finally:
        PyBuffer_Release(&view)


def line_offsets(data):
    """Where each line starts, then the end. See fastcore.text.line_offsets."""
    cdef Int64s out = Int64s()
    cdef Py_buffer view
    cdef int64_t length
    hold(data, "data", &view)
    try:
        out.reserve(2)
        out.items[0] = 0
        out.count = 1
        scan_all(&view, NULL, c"\n", 1, out)
        length = <int64_t>view.len
    finally:
        PyBuffer_Release(&view)
    if out.items[out.count - 1] != length:  # the last line has no newline
        out.reserve(1)
        out.items[out.count] = length
        out.count += 1
    return out.finish()
