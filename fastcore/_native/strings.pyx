"""Columns of text or bytes, whatever they come as, as chunks of one buffer and its offsets.

Arrow's own layout is taken as it is, without a copy of the data; lists, NumPy arrays and string
views are packed. Arrow's C data interface: https://arrow.apache.org/docs/format/CDataInterface.html
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_Check, PyBytes_GET_SIZE
from cpython.pycapsule cimport PyCapsule_GetPointer
from cpython.unicode cimport PyUnicode_Check
from libc.stdint cimport INT64_MAX, int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    void *PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)

cdef extern from *:
    """
    #include <stdint.h>
    struct ArrowSchema {
        const char *format;
        const char *name;
        const char *metadata;
        int64_t flags;
        int64_t n_children;
        struct ArrowSchema **children;
        struct ArrowSchema *dictionary;
        void (*release)(struct ArrowSchema *);
        void *private_data;
    };
    struct ArrowArray {
        int64_t length;
        int64_t null_count;
        int64_t offset;
        int64_t n_buffers;
        int64_t n_children;
        const void **buffers;
        struct ArrowArray **children;
        struct ArrowArray *dictionary;
        void (*release)(struct ArrowArray *);
        void *private_data;
    };
    struct ArrowArrayStream {
        int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
        int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
        const char *(*get_last_error)(struct ArrowArrayStream *);
        void (*release)(struct ArrowArrayStream *);
        void *private_data;
    };
    """
    cdef struct ArrowSchema:
        const char *format
        void (*release)(ArrowSchema *) noexcept
    cdef struct ArrowArray:
        int64_t length
        int64_t null_count
        int64_t offset
        int64_t n_buffers
        const void **buffers
        void (*release)(ArrowArray *) noexcept
    cdef struct ArrowArrayStream:
        int (*get_schema)(ArrowArrayStream *, ArrowSchema *out) noexcept
        int (*get_next)(ArrowArrayStream *, ArrowArray *out) noexcept
        const char *(*get_last_error)(ArrowArrayStream *) noexcept

_TAKES = (
    "a list of str or bytes, a NumPy array of strings, a fastcore column or an Arrow array of "
    "strings or binaries"
)


cdef class Strings:
    """Rows of bytes in one buffer."""

    def __dealloc__(self):
        free(self.offsets)
        free(self.nulls)
        free(self.owned)

    cdef int set_nulls(self, const uint8_t *bitmap, int64_t offset) except -1:
        """Take the nulls from Arrow's validity bitmap."""
        cdef size_t i
        self.nulls = <uint8_t *>malloc(self.count + 1)
        if self.nulls == NULL:
            raise MemoryError("nulls of a column")
        for i in range(self.count):
            self.nulls[i] = not (bitmap[(i + offset) >> 3] >> ((i + offset) & 7) & 1)
        return 0


cdef class _ArrowChunk:
    """One array out of a stream, released with this object."""

    cdef ArrowArray array

    def __cinit__(self):
        self.array.release = NULL

    def __dealloc__(self):
        if self.array.release != NULL:
            self.array.release(&self.array)


cdef Strings new_strings(size_t count):
    cdef Strings rows = Strings()
    rows.offsets = <int64_t *>calloc(count + 1, sizeof(int64_t))
    if rows.offsets == NULL:
        raise MemoryError("offsets of a column")
    rows.count = count
    return rows


cdef Strings packed(object items, bint text):
    """Rows of a list (or any sequence) of str, or of bytes, and None."""
    cdef list values = items if isinstance(items, list) else list(items)
    cdef Strings rows = new_strings(len(values))
    cdef size_t capacity = 64 * rows.count + 64, used = 0, size, i
    cdef const char *start
    cdef object item, encoded = None
    rows.owned = <uint8_t *>malloc(capacity)
    if rows.owned == NULL:
        raise MemoryError("data of a column")
    for i in range(rows.count):
        item = values[i]
        size = 0
        start = NULL
        if text and PyUnicode_Check(item):
            if PyUnicode_IS_ASCII(item):
                start = <const char *>PyUnicode_DATA(item)
                size = PyUnicode_GET_LENGTH(item)
            else:
                encoded = (<str>item).encode("utf-8", "surrogatepass")
                start = PyBytes_AS_STRING(encoded)
                size = PyBytes_GET_SIZE(encoded)
        elif not text and PyBytes_Check(item):
            start = PyBytes_AS_STRING(item)
            size = PyBytes_GET_SIZE(item)
        elif not text and isinstance(item, (bytearray, memoryview)):
            encoded = bytes(item)
            start = PyBytes_AS_STRING(encoded)
            size = PyBytes_GET_SIZE(encoded)
        elif item is None or (isinstance(item, float) and item != item) or is_missing(item):
            if rows.nulls == NULL:
                rows.nulls = <uint8_t *>calloc(rows.count, 1)
                if rows.nulls == NULL:
                    raise MemoryError("nulls of a column")
            rows.nulls[i] = 1
        else:
            raise TypeError(
                f"column must hold {'str' if text else 'bytes'} or None, like the patterns; "
                f"item {i} is {type(item).__name__}"
            )
        if used + size > capacity:
            capacity = max(2 * capacity, used + size)
            grow(rows, capacity)
        if size:
            memcpy(rows.owned + used, start, size)
        used += size
        rows.offsets[i + 1] = used
    rows.data = rows.owned
    return rows


cdef bint is_missing(object item):
    """pandas.NA, without importing pandas: the one scalar of that name."""
    return type(item).__name__ == "NAType"


cdef int grow(Strings rows, size_t capacity) except -1:
    cdef uint8_t *larger = <uint8_t *>realloc(rows.owned, capacity)
    if larger == NULL:
        raise MemoryError("data of a column")
    rows.owned = larger
    return 0


cdef Strings of_arrow(const ArrowSchema *schema, const ArrowArray *array, bint text, object keeper):
    cdef bytes form = schema.format
    if form not in (b"u", b"U", b"vu", b"z", b"Z", b"vz"):
        raise TypeError(
            f"column must be an Arrow array of strings or binaries, not of format "
            f"{form.decode('ascii', 'replace')!r}"
        )
    if text and form in (b"z", b"Z", b"vz"):
        raise TypeError("column holds binaries, and the patterns are str")
    if not text and form in (b"u", b"U", b"vu"):
        raise TypeError("column holds strings, and the patterns are bytes")
    cdef Strings rows = new_strings(array.length)
    cdef const uint8_t *bitmap = <const uint8_t *>array.buffers[0]
    rows.keeper = keeper
    if bitmap != NULL and array.null_count != 0:
        rows.set_nulls(bitmap, array.offset)
    if array.length == 0:
        return rows
    if form[0] == c"v":
        unpack_views(rows, array)
    elif form in (b"U", b"Z"):
        take_offsets(rows, array, True)
    else:
        take_offsets(rows, array, False)
    return rows


cdef int take_offsets(Strings rows, const ArrowArray *array, bint large) except -1:
    cdef const int32_t *short_offsets = <const int32_t *>array.buffers[1] + array.offset
    cdef const int64_t *long_offsets = <const int64_t *>array.buffers[1] + array.offset
    cdef int64_t first = long_offsets[0] if large else short_offsets[0], here, before = 0
    cdef size_t i
    for i in range(rows.count + 1):
        here = (long_offsets[i] if large else short_offsets[i]) - first
        if here < before:
            raise ValueError(f"column has an Arrow offset that goes back, at row {i}")
        rows.offsets[i] = before = here
    rows.data = <const uint8_t *>array.buffers[2]
    if rows.data != NULL:
        rows.data += first
    return 0


cdef int unpack_views(Strings rows, const ArrowArray *array) except -1:
    """Views: 16 bytes a row, the length and then 12 bytes, or 4 of them, a buffer, an offset."""
    cdef const uint8_t *views = <const uint8_t *>array.buffers[1] + 16 * array.offset
    cdef const uint8_t *source
    cdef int32_t size, buffer, offset
    cdef int64_t total = 0
    cdef size_t i
    for i in range(rows.count):
        memcpy(&size, views + 16 * i, 4)
        if rows.nulls != NULL and rows.nulls[i]:
            size = 0
        total += size
        rows.offsets[i + 1] = total
    rows.owned = <uint8_t *>malloc(total + 1)
    if rows.owned == NULL:
        raise MemoryError("data of a column")
    for i in range(rows.count):
        size = <int32_t>(rows.offsets[i + 1] - rows.offsets[i])
        if size <= 12:
            source = views + 16 * i + 4
        else:
            memcpy(&buffer, views + 16 * i + 8, 4)
            memcpy(&offset, views + 16 * i + 12, 4)
            source = <const uint8_t *>array.buffers[2 + buffer] + offset
        memcpy(rows.owned + rows.offsets[i], source, size)
    rows.data = rows.owned
    return 0


cdef list of_stream(object capsule, bint text):
    cdef ArrowArrayStream *stream = <ArrowArrayStream *>PyCapsule_GetPointer(
        capsule, "arrow_array_stream")
    cdef ArrowSchema schema
    cdef _ArrowChunk chunk
    cdef list chunks = []
    memset(&schema, 0, sizeof(schema))
    try:
        check_stream(stream, stream.get_schema(stream, &schema))
        while True:
            chunk = _ArrowChunk()
            check_stream(stream, stream.get_next(stream, &chunk.array))
            if chunk.array.release == NULL:
                return chunks
            chunks.append(of_arrow(&schema, &chunk.array, text, chunk))
    finally:
        if schema.release != NULL:
            schema.release(&schema)


cdef int check_stream(ArrowArrayStream *stream, int code) except -1:
    cdef const char *message
    if code == 0:
        return 0
    message = stream.get_last_error(stream)
    raise ValueError(
        "column: its Arrow stream failed: "
        + (message.decode("utf-8", "replace") if message != NULL else f"error {code}")
    )


cdef list strings_of(object column, bint text):
    """The chunks of a column of str (`text`) or of bytes."""
    if isinstance(column, (list, tuple)):
        return [packed(column, text)]
    if hasattr(column, "__arrow_c_array__"):
        schema, array = column.__arrow_c_array__()
        return [
            of_arrow(
                <const ArrowSchema *>PyCapsule_GetPointer(schema, "arrow_schema"),
                <const ArrowArray *>PyCapsule_GetPointer(array, "arrow_array"),
                text,
                (schema, array),
            )
        ]
    if hasattr(column, "__arrow_c_stream__"):
        return of_stream(column.__arrow_c_stream__(), text)
    kind = getattr(getattr(column, "dtype", None), "kind", None)
    if kind is None or not hasattr(column, "tolist"):
        raise TypeError(f"column must be {_TAKES}, not {type(column).__name__}")
    if kind not in "SUTO":
        raise TypeError(f"column must be {_TAKES}, not an array of {column.dtype}")
    if column.ndim != 1:
        raise ValueError(f"column must have one dimension, not {column.ndim}")
    return [packed(column.tolist(), text)]
