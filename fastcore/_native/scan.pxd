from libc.stdint cimport int64_t


cdef class Int64s:
    """A growing int64 column that NumPy can take over without a copy (see scan.pyx)."""
    cdef int64_t *items
    cdef size_t count, capacity
    cdef Py_ssize_t shape[1]

    cdef int reserve(self, size_t more) except -1 nogil
    cdef object finish(self)


# Hold `data`'s bytes in `view`, or raise what says which argument takes what.
cdef int hold(object data, str name, Py_buffer *view) except -1
