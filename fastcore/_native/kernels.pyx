"""The kernels themselves, on buffers: for tests and benchmarks, which no room's module could be.

Each function calls the kernel of its name (csrc/kernels/kernels.h) in the table in use, once,
and holds the GIL; crc32c_rows calls it once a row, so that a benchmark can see past Python's calls.
"""

import numpy as np

from cpython.buffer cimport PyBuffer_Release
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from fastcore._native.c cimport (
    fc_byteset, fc_byteset_make, fc_json_block, fc_json_carry, fc_kernels,
)
from fastcore._native.cpu cimport active_kernels
from fastcore._native.scan cimport hold

JSON_MASKS = ("quote", "string", "backslash", "open", "close", "comma", "colon", "scalar")


def find_byte(data, uint8_t byte):
    """Offset of the first `byte`, or the length."""
    cdef Py_buffer view
    hold(data, "data", &view)
    try:
        return active_kernels().find_byte(<const uint8_t *>view.buf, view.len, byte)
    finally:
        PyBuffer_Release(&view)


def find_any(data, members):
    """Offset of the first of the members, or the length."""
    cdef Py_buffer view
    cdef fc_byteset made
    hold(members, "members", &view)
    fc_byteset_make(&made, <const uint8_t *>view.buf, view.len)
    PyBuffer_Release(&view)
    hold(data, "data", &view)
    try:
        return active_kernels().find_any(<const uint8_t *>view.buf, view.len, &made)
    finally:
        PyBuffer_Release(&view)


def json_blocks(const uint8_t[::1] data, carry=(0, 0, 0), uint64_t[:, ::1] out=None):
    """Masks as uint64[blocks, 8] in the order of JSON_MASKS, the carry after them, the flags.

    `data` is a multiple of 64 bytes; `carry` is (escape, string, scalar). With `out`, the masks
    go there.
    """
    cdef fc_json_carry state
    cdef size_t blocks = <size_t>(len(data) // 64)
    cdef unsigned flags = 0
    if len(data) % 64:
        raise ValueError(f"data must be blocks of 64 bytes, not {len(data)} bytes")
    if out is None:
        out = np.empty((blocks, len(JSON_MASKS)), np.uint64)
    if <size_t>out.shape[0] < blocks or out.shape[1] * sizeof(uint64_t) != sizeof(fc_json_block):
        raise ValueError(f"out must have {blocks} rows of {len(JSON_MASKS)} masks")
    state.escape, state.string, state.scalar = carry
    if blocks:
        flags = active_kernels().json_blocks(&data[0], blocks, &state, <fc_json_block *>&out[0, 0])
    return np.asarray(out), (state.escape, state.string, state.scalar), flags


def utf8_prefix(data):
    """Length of the longest well-formed prefix."""
    cdef Py_buffer view
    hold(data, "data", &view)
    try:
        return active_kernels().utf8_prefix(<const uint8_t *>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


def crc32c(data, uint32_t crc=0):
    """CRC-32C of the data, going on from `crc`."""
    cdef Py_buffer view
    hold(data, "data", &view)
    try:
        return active_kernels().crc32c(crc, <const uint8_t *>view.buf, view.len)
    finally:
        PyBuffer_Release(&view)


def crc32c_rows(const uint8_t[::1] data, size_t row_bytes):
    """CRC-32C of each `row_bytes` (1 or more) of the data, as uint32[rows]; what is left is not read."""
    cdef const fc_kernels *table = active_kernels()
    cdef size_t i, rows
    cdef uint32_t[::1] out
    if row_bytes == 0:
        raise ValueError("row_bytes must be 1 or more")
    rows = <size_t>len(data) // row_bytes
    made = np.empty(rows, np.uint32)
    out = made
    for i in range(rows):
        out[i] = table.crc32c(0, &data[i * row_bytes], row_bytes)
    return made
