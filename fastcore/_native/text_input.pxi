# What goes in: patterns, haystacks, columns; and arrays that come out. Part of text.pyx.

cdef bytes utf8(str text):
    return text.encode("utf-8", "surrogatepass")


cdef bytes folded(bytes text):
    cdef Py_ssize_t length = PyBytes_GET_SIZE(text)
    cdef uint8_t *out = <uint8_t *>malloc(fc_fold_bytes_max(length))
    if out == NULL:
        raise MemoryError("folding the case of a pattern")
    try:
        return out[:fc_fold_utf8(<const uint8_t *>PyBytes_AS_STRING(text), length, out)]
    finally:
        free(out)


cdef class Patterns:
    """The patterns of a matcher or a table: as given, and as bytes one after the other."""

    cdef tuple given
    cdef bint is_text
    cdef bytes joined
    cdef object offsets

    def __cinit__(self, patterns, str name, bint fold):
        if isinstance(patterns, (str, bytes, bytearray)):
            raise TypeError(
                f"{name} must be a list of str or of bytes, not one {type(patterns).__name__}"
            )
        self.given = tuple(patterns)
        self.is_text = bool(self.given) and isinstance(self.given[0], str)
        wanted = str if self.is_text else bytes
        encoded = []
        for i, pattern in enumerate(self.given):
            if not isinstance(pattern, wanted):
                raise TypeError(
                    f"{name} must all be str or all be bytes; {name}[0] is "
                    f"{type(self.given[0]).__name__}, {name}[{i}] {type(pattern).__name__}"
                )
            if not pattern:
                raise ValueError(f"{name}[{i}] is empty; it would match everywhere. Leave it out")
            if self.is_text:
                pattern = utf8(pattern)
                if fold:
                    pattern = folded(pattern)
            encoded.append(pattern)
        self.joined = b"".join(encoded)
        self.offsets = np.zeros(len(encoded) + 1, np.uint64)
        np.cumsum([len(pattern) for pattern in encoded], out=self.offsets[1:])


# Cython's way of breaking a cycle would drop the buffer's owner without releasing the buffer.
@cython.no_gc_clear
cdef class Haystack:
    """What is searched: bytes, held for as long as this object lives."""

    cdef const uint8_t *text
    cdef size_t length
    cdef bint in_points  # offsets are to be turned into code points
    cdef Py_buffer view
    cdef bint has_view
    cdef uint8_t *owned
    cdef object keeper

    def __dealloc__(self):
        free(self.owned)
        if self.has_view:
            PyBuffer_Release(&self.view)

    cdef int take_str(self, str text, bint fold) except -1:
        cdef uint8_t *folded_text
        self.keeper = text
        if PyUnicode_IS_ASCII(text):
            self.text = <const uint8_t *>PyUnicode_DATA(text)
            self.length = PyUnicode_GET_LENGTH(text)
            return 0
        self.in_points = True
        self.encode(text)
        if fold:
            folded_text = <uint8_t *>malloc(fc_fold_bytes_max(self.length))
            if folded_text == NULL:
                raise MemoryError("folding the case of a haystack")
            with nogil:
                self.length = fc_fold_utf8(self.text, self.length, folded_text)
            free(self.owned)
            self.text = self.owned = folded_text
        return 0

    cdef int encode(self, str text) except -1:
        """Take the UTF-8 of `text`: several times as fast as str.encode where it is not ASCII."""
        cdef int kind = PyUnicode_KIND(text)
        cdef size_t count = PyUnicode_GET_LENGTH(text)
        cdef const void *units = PyUnicode_DATA(text)
        cdef bytes encoded
        if kind == 4:
            encoded = utf8(text)
            self.keeper = encoded
            self.text = <const uint8_t *>PyBytes_AS_STRING(encoded)
            self.length = PyBytes_GET_SIZE(encoded)
            return 0
        self.owned = <uint8_t *>malloc((kind + 1) * count + 1)
        if self.owned == NULL:
            raise MemoryError("encoding a haystack")
        with nogil:
            if kind == 1:
                self.length = fc_utf8_of_units1(<const uint8_t *>units, count, self.owned)
            else:
                self.length = fc_utf8_of_units2(<const uint16_t *>units, count, self.owned)
        self.text = self.owned
        return 0

    cdef int take_buffer(self, object data) except -1:
        PyObject_GetBuffer(data, &self.view, PyBUF_SIMPLE)
        self.has_view = True
        self.text = <const uint8_t *>self.view.buf
        self.length = <size_t>self.view.len
        return 0


cdef Haystack hold(object text, str name, bint is_text, bint either, bint fold):
    """Hold `text`, the argument `name`: a str where `is_text`, else a buffer, or `either`."""
    cdef Haystack held = Haystack()
    if PyUnicode_Check(text):
        if not (is_text or either):
            raise TypeError(f"{name} must be bytes-like, like the patterns, not str")
        held.take_str(text, fold)
        return held
    if is_text:
        raise TypeError(f"{name} must be str, like the patterns, not {type(text).__name__}")
    try:
        held.take_buffer(text)
    except TypeError:
        raise TypeError(f"{name} must be str or bytes-like, not {type(text).__name__}") from None
    except (BufferError, ValueError) as error:
        raise ValueError(f"{name} must be a contiguous buffer: {error}") from None
    return held


cdef class Memory:
    """A block of malloc's, as the owner of an array."""

    cdef void *block
    cdef Py_ssize_t length

    def __dealloc__(self):
        free(self.block)

    def __getbuffer__(self, Py_buffer *view, int flags):
        PyBuffer_FillInfo(view, self, self.block, self.length, 0, flags)


cdef object array_of(void *items, size_t count, str dtype, size_t item_bytes):
    """An array that takes `items`, of malloc's, over."""
    cdef Memory memory
    cdef void *fitting
    if count == 0:
        free(items)
        return np.empty(0, dtype)
    fitting = realloc(items, count * item_bytes)
    memory = Memory.__new__(Memory)
    memory.block = items if fitting == NULL else fitting
    memory.length = count * item_bytes
    return np.frombuffer(memory, dtype)


cdef object matches_of(fc_match_list *list):
    """The matches of a list, which is empty afterwards."""
    cdef fc_matches at = list.at
    cdef size_t count = list.count
    memset(list, 0, sizeof(list[0]))
    return Matches(
        array_of(at.pattern, count, "u4", 4),
        array_of(at.start, count, "i8", 8),
        array_of(at.end, count, "i8", 8),
        array_of(at.row, count, "i8", 8) if at.row != NULL else None,
    )


cdef list chunks_of(object column, bint is_text, bint either):
    if not either:
        return strings_of(column, is_text)
    try:
        return strings_of(column, True)
    except TypeError:
        return strings_of(column, False)


cdef Strings folded_rows(Strings chunk):
    """A chunk with its case folded."""
    cdef Strings copy = Strings()
    cdef size_t i, count = chunk.count
    cdef int64_t used = 0
    copy.count = count
    copy.offsets = <int64_t *>malloc((count + 1) * sizeof(int64_t))
    copy.owned = <uint8_t *>malloc(fc_fold_bytes_max(chunk.offsets[count]))
    if copy.offsets == NULL or copy.owned == NULL:
        raise MemoryError("folding the case of a column")
    copy.data = copy.owned
    with nogil:
        copy.offsets[0] = 0
        for i in range(count):
            used += fc_fold_utf8(chunk.data + chunk.offsets[i],
                                 chunk.offsets[i + 1] - chunk.offsets[i], copy.owned + used)
            copy.offsets[i + 1] = used
    return copy


def texts_of(column, bint is_text, rows=None):
    """The bytes of the rows of a column, None for nulls; of all, or of those that `rows` names.

    Rows come with the number of all: (count, texts).
    """
    cdef Strings chunk
    cdef int64_t[::1] wanted
    cdef int64_t first = 0
    cdef size_t i, row, at = 0
    out = []
    wanted = np.zeros(0, np.int64) if rows is None else rows
    for chunk in strings_of(column, is_text):
        if rows is None:
            wanted = np.arange(first, first + <int64_t>chunk.count)
            at = 0
        while at < <size_t>len(wanted) and wanted[at] < first + <int64_t>chunk.count:
            row = wanted[at] - first
            if chunk.nulls != NULL and chunk.nulls[row]:
                out.append(None)
            else:
                out.append(chunk.data[chunk.offsets[row]:chunk.offsets[row + 1]])
            at += 1
        first += chunk.count
    return first, out
