# Columns out of blocks of lines that several threads decode: see fastcore/json/parallel.py.


cdef class BlockReader(ColumnReader):
    """Decodes blocks of lines. What is wrong with a record is noted, for a reader in order to judge.

    Attributes
    ----------
    faults : list
        Of (rows before it, message, offset, line, column, record, excerpt), all counted from where
        `start` says.
    """

    cdef fc_json_place _start
    cdef uint64_t _start_records, _given
    cdef readonly list faults
    cdef bint _stopped

    def __init__(self, plan, options):
        ColumnReader.__init__(self, plan, options)
        self.faults = []

    def begin(self, bint inside):
        """Start a new block; `inside`: it is not the first of the stream."""
        if inside:
            fc_json_begin_inside(self._reader)
        self._start = fc_json_place_of(self._reader)
        self._start_records = self._records()

    cdef uint64_t _records(self):
        cdef fc_json_stats stats = fc_json_stats_of(self._reader)
        return stats.records + stats.errors + self._given_up

    def run(self, block):
        """Decode a block, or where it is None the end of the stream; return self."""
        cdef fc_json_event event
        cdef int mismatched
        self._enter()
        try:
            self._load(block)
            while not self._stopped:
                with nogil:
                    event = fc_batch_read(self._batch, self._reader, <size_t>-1,
                                          self._mismatch_is_null, &mismatched)
                if event == FC_JSON_MORE:
                    break
                if event == FC_JSON_NOMEM:
                    raise MemoryError("json columns")
                if self._policy != POLICY_SKIP:
                    self._note()
                if self._policy == POLICY_RAISE:
                    self._stopped = True
                elif not mismatched:
                    fc_json_resume(self._reader)
        finally:
            self._unload()
            fc_busy_leave(&self._busy)
        return self

    cdef int _note(self) except -1:
        cdef const fc_json_fault *fault = fc_json_fault_of(self._reader)
        cdef bytes excerpt = fault.excerpt
        cdef uint64_t line = fault.line - self._start.lines, column = fault.column
        if line == 1:
            column -= self._start.offset - self._start.line_start
        self.faults.append((
            self._batch.rows, (<bytes>fault.message).decode(), fault.offset - self._start.offset,
            line, column, fault.record - self._start_records, excerpt.decode("utf-8", "replace")))
        return 0

    def place(self):
        """Return (idle, bytes, newlines, bytes behind the last newline, records) since `begin`."""
        cdef fc_json_place place = fc_json_place_of(self._reader)
        return (bool(place.idle), place.offset - self._start.offset,
                place.lines - self._start.lines, place.offset - place.line_start,
                self._records() - self._start_records)

    def clear(self):
        """Forget the rows and the faults that have been dealt with."""
        fc_batch_clear(self._batch)
        self.faults.clear()


cdef class BatchBuilder:
    """Rows of block readers, put together again. `reader` is one of them."""

    cdef ColumnReader _reader
    cdef fc_batch *_batch

    def __init__(self, ColumnReader reader not None):
        self._reader = reader
        self._batch = fc_batch_like(reader._batch)
        if self._batch == NULL:
            raise MemoryError("json columns")

    def __dealloc__(self):
        fc_batch_free(self._batch)

    def __len__(self):
        return self._batch.rows

    def add(self, ColumnReader reader not None, size_t first, size_t count):
        """Add rows [first, first + count) of what `reader` has decoded."""
        cdef fc_status status
        with nogil:
            status = fc_batch_splice(self._batch, reader._batch, first, count)
        if status != FC_OK:
            raise MemoryError("json columns")

    def take(self):
        """Return the rows as a `Batch`, and start anew."""
        cdef Batch batch = Batch.__new__(Batch)
        cdef fc_batch *fresh = fc_batch_like(self._batch)
        if fresh == NULL:
            raise MemoryError("json columns")
        batch._batch = self._batch
        batch._schema = self._reader._schema
        batch._owner = self._reader._defaults
        self._batch = fresh
        return batch


def behind_last_newline(data, Py_ssize_t start, Py_ssize_t stop):
    """Offset just behind the last newline of data[start:stop], or `start`: there is none."""
    cdef const uint8_t[::1] view = data
    cdef Py_ssize_t at = stop
    with nogil:
        while at > start and view[at - 1] != 10:
            at -= 1
    return at
