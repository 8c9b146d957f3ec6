# cython: language_level=3, freethreading_compatible=True
"""The same search on every instruction set of this machine, by the C core linked into this module."""

from libc.stdint cimport int64_t, uint8_t

from libfastcore cimport (
    fc_find_bytes, fc_kernels, fc_kernels_available, fc_kernels_level, fc_version,
)


def version():
    """Return the version of the library that was linked."""
    return fc_version().decode()


def every_offset(const uint8_t[::1] text not None, int byte):
    """Return the offsets of `byte`, once per level: {"avx2": [0, 5], "scalar": [0, 5]}."""
    cdef const fc_kernels *tables[16]
    cdef size_t i, k, found, at, count = fc_kernels_available(tables, 16)
    cdef int64_t out[1000]
    result = {}
    for i in range(count):
        at, offsets = 0, []
        while at < <size_t>text.shape[0]:
            with nogil:
                found = fc_find_bytes(tables[i], &text[0], text.shape[0], byte, &at, out, 1000)
            for k in range(found):
                offsets.append(out[k])
        result[fc_kernels_level(tables[i]).decode()] = offsets
    return result
