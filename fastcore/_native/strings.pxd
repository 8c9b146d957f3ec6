from libc.stdint cimport int64_t, uint8_t

cdef class Strings:
    # Rows: data[offsets[i] .. offsets[i + 1]), i < count; offsets[0] is 0.
    cdef const uint8_t *data
    cdef int64_t *offsets
    cdef size_t count
    cdef uint8_t *nulls  # 1 where the row is null; NULL without any
    cdef uint8_t *owned  # data, where it was copied
    cdef object keeper  # whatever else keeps data alive

    cdef int set_nulls(self, const uint8_t *bitmap, int64_t offset) except -1

cdef list strings_of(object column, bint text)
