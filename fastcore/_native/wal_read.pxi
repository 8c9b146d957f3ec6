# Reading: records out of chunks, and rows into arrays.
#
# A record knows where in which chunk its payload is, and makes a memoryview of it when it is asked for
# one: that view, two objects of Python's, costs more than all the rest of a record. A chunk that no
# record holds any more is filled again.

cdef enum:
    CHUNK_BYTES = 256 * 1024
    LOOK_BYTES = 4096  # what a follower at the end reads to see whether there is more
    ENTRIES = 8192

@cython.final
@cython.no_gc
cdef class _Chunk:
    cdef uint8_t *_data
    cdef size_t _capacity

    def __cinit__(self, size_t capacity):
        self._data = <uint8_t *>PyMem_Malloc(capacity)
        if self._data == NULL:
            raise MemoryError(f"a record of {capacity} bytes")
        self._capacity = capacity

    def __dealloc__(self):
        PyMem_Free(self._data)


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Record:
    """A record of a log: ``seq, timestamp, payload = record``.

    Attributes
    ----------
    seq : int
        Its number.
    timestamp : int
        Nanoseconds since 1970.
    payload : memoryview
        Of a piece of some hundred KiB that the records beside it share. ``bytes(record)`` is a
        copy of its own.
    """

    cdef readonly uint64_t seq
    cdef readonly int64_t timestamp
    cdef _Chunk _chunk
    cdef const uint8_t *_at
    cdef Py_ssize_t _length

    __match_args__ = ("seq", "timestamp", "payload")

    def __init__(self, seq, timestamp, payload):
        cdef bytes data = bytes(payload)
        cdef _Chunk chunk = _Chunk(max(len(data), 1))
        memcpy(chunk._data, PyBytes_AS_STRING(data), len(data))
        self.seq = _as_seq(seq, "seq")
        self.timestamp = _as_int64(timestamp, "timestamp")
        if self._chunk is not None:
            raise RuntimeError("a Record does not change")
        self._chunk = chunk
        self._at = chunk._data
        self._length = len(data)

    @property
    def payload(self):
        return PyMemoryView_FromObject(self)

    def __getbuffer__(self, Py_buffer *view, int flags):
        if self._chunk is None:
            raise BufferError("a Record that was never made")
        PyBuffer_FillInfo(view, self, <void *>self._at, self._length, 1, flags)

    def __bytes__(self):
        return PyBytes_FromStringAndSize(<const char *>self._at, self._length)

    def __len__(self):
        return 3

    def __iter__(self):
        return iter((self.seq, self.timestamp, self.payload))

    def __getitem__(self, at):
        return (self.seq, self.timestamp, self.payload)[at]

    def __eq__(self, other):
        if isinstance(other, (Record, tuple)) and len(other) == 3:
            return tuple(self) == tuple(other)
        return NotImplemented

    def __hash__(self):
        return hash((self.seq, self.timestamp, bytes(self)))

    def __reduce__(self):
        return Record, (self.seq, self.timestamp, bytes(self))

    def __repr__(self):
        cdef Py_ssize_t shown = min(self._length, 40)
        start = PyBytes_FromStringAndSize(<const char *>self._at, shown)
        more = "" if shown == self._length else f" ... {self._length} bytes"
        return f"Record(seq={self.seq}, timestamp={self.timestamp}, payload={start!r}{more})"


# Not cleared by the garbage collector: what closes the reader still needs the log.
@cython.no_gc_clear
cdef class Replay:
    """The records of a log in order; see Log.replay. One thread at a time."""

    cdef Log _log
    cdef fc_wal_reader *_reader
    cdef fc_wal_entry *_entries
    cdef size_t _count, _at
    cdef uint64_t _stop
    cdef _Chunk _chunk, _other
    cdef bint _has_since, _has_until, _busy
    cdef int64_t _since, _until

    def __cinit__(self, Log log not None, uint64_t start, uint64_t stop, since, until):
        cdef fc_error error
        self._log = log
        self._stop = stop
        self._has_since = since is not None
        self._has_until = until is not None
        if since is not None:
            self._since = since
        if until is not None:
            self._until = until
        self._entries = <fc_wal_entry *>PyMem_Malloc(ENTRIES * sizeof(fc_wal_entry))
        if self._entries == NULL:
            raise MemoryError("replay")
        raise_status(fc_wal_reader_open(&self._reader, log._wal, start, stop, &error), &error,
                     "replay")

    def __dealloc__(self):
        fc_wal_reader_close(self._reader)
        PyMem_Free(self._entries)

    def __iter__(self):
        return self

    cdef int _take_chunk(self, size_t capacity) except -1:
        """Have a chunk of that size which no record is in. The last record is often still held."""
        self._chunk, self._other = self._other, self._chunk
        if self._chunk is None or self._chunk._capacity < capacity or not _is_unshared(self._chunk):
            self._chunk = _Chunk(capacity)
        return 0

    cdef int _fill(self) except -1:
        cdef fc_error error
        cdef fc_status status
        # A follower looks often and finds little.
        cdef size_t wanted = 0, capacity = LOOK_BYTES if self._stop == NO_END else CHUNK_BYTES

        if self._busy:
            raise RuntimeError("a replay is used by two threads at once")
        self._busy = True
        try:
            while True:
                self._take_chunk(capacity)
                self._count = self._at = 0
                with nogil:
                    status = fc_wal_read(self._reader, self._chunk._data, self._chunk._capacity,
                                         self._entries, ENTRIES, &self._count, &wanted, &error)
                raise_status(status, &error, "replay")
                if self._count > 0 or wanted == 0:
                    return self._count > 0
                capacity = max(wanted, <size_t>CHUNK_BYTES)
        finally:
            self._busy = False

    def __next__(self):
        cdef fc_wal_entry *entry
        while True:
            if self._at == self._count and not self._fill():
                raise StopIteration
            entry = &self._entries[self._at]
            self._at += 1
            if self._has_since and entry.timestamp < self._since:
                continue
            if self._has_until and entry.timestamp >= self._until:
                continue
            return _record(entry, self._chunk)


cdef inline Record _record(const fc_wal_entry *entry, _Chunk chunk):
    cdef Record record = Record.__new__(Record)
    record.seq = entry.seq
    record.timestamp = entry.timestamp
    record._chunk = chunk
    record._at = chunk._data + entry.offset
    record._length = entry.length
    return record


def read_rows(Log log not None, uint64_t start, size_t row_bytes, timestamps, rows):
    """Fill both arrays with the records from `start` on; return how many there were."""
    cdef Py_buffer times, data
    cdef fc_wal_reader *reader = NULL
    cdef fc_error error
    cdef fc_status status
    cdef size_t done = 0, count = len(timestamps)

    log._check_open()
    PyObject_GetBuffer(timestamps, &times, PyBUF_WRITABLE)
    try:
        PyObject_GetBuffer(rows, &data, PyBUF_WRITABLE)
        try:
            if <size_t>times.len != count * 8 or <size_t>data.len != count * row_bytes:
                raise ValueError("the arrays do not fit each other")
            with nogil:
                status = fc_wal_reader_open(&reader, log._wal, start, start + count, &error)
                if status == FC_OK:
                    status = fc_wal_read_rows(reader, row_bytes, <int64_t *>times.buf,
                                              <uint8_t *>data.buf, count, &done, &error)
                fc_wal_reader_close(reader)
            raise_status(status, &error, "read array")
            return done
        finally:
            PyBuffer_Release(&data)
    finally:
        PyBuffer_Release(&times)


Block = namedtuple(
    "Block", ("start", "stop", "latest", "seq", "segment", "offset", "header_salt", "salt"),
    module=__name__,
)


@cython.no_gc_clear
cdef class Blocks:
    """Runs of records as they lie in the files, some hundred KiB each, with the latest time in each."""

    cdef Log _log
    cdef fc_wal_reader *_reader
    cdef fc_wal_entry *_entries
    cdef uint8_t *_data
    cdef size_t _capacity

    def __cinit__(self, Log log not None, uint64_t start, uint64_t stop):
        cdef fc_error error
        cdef fc_status status
        log._check_open()
        self._log = log
        self._capacity = CHUNK_BYTES
        self._data = <uint8_t *>PyMem_Malloc(self._capacity)
        self._entries = <fc_wal_entry *>PyMem_Malloc(ENTRIES * sizeof(fc_wal_entry))
        if self._data == NULL or self._entries == NULL:
            raise MemoryError("blocks")
        with nogil:
            status = FC_OK if fc_wal_is_read_only(log._wal) else fc_wal_write_out(log._wal, &error)
            if status == FC_OK:
                status = fc_wal_reader_open(&self._reader, log._wal, start, stop, &error)
        raise_status(status, &error, "seek")

    def __dealloc__(self):
        fc_wal_reader_close(self._reader)
        PyMem_Free(self._data)
        PyMem_Free(self._entries)

    def jump(self, block):
        """Start at the block instead of at its segment's start; False when it is not there."""
        cdef fc_wal_position position
        position.seq = block.seq
        position.segment = block.segment
        position.offset = block.offset
        position.header_salt = block.header_salt
        position.salt = block.salt
        return fc_wal_reader_jump(self._reader, &position)

    def __iter__(self):
        return self

    cdef size_t _read(self, fc_wal_position *position) except? 0:
        cdef fc_error error
        cdef fc_status status
        cdef size_t count = 0, wanted = 0
        while True:
            with nogil:
                fc_wal_reader_position(self._reader, position)
                status = fc_wal_read(self._reader, self._data, self._capacity, self._entries,
                                     ENTRIES, &count, &wanted, &error)
            raise_status(status, &error, "seek")
            if count > 0 or wanted == 0:
                return count
            PyMem_Free(self._data)
            self._data = <uint8_t *>PyMem_Malloc(wanted)
            self._capacity = wanted
            if self._data == NULL:
                self._capacity = 0
                raise MemoryError(f"a record of {wanted} bytes")

    def __next__(self):
        cdef fc_wal_position position
        cdef int64_t latest
        cdef size_t i
        cdef size_t count = self._read(&position)
        if count == 0:
            raise StopIteration
        latest = self._entries[0].timestamp
        for i in range(1, count):
            latest = max(latest, self._entries[i].timestamp)
        return Block(self._entries[0].seq, self._entries[count - 1].seq + 1, latest,
                     position.seq, position.segment, position.offset, position.header_salt, position.salt)

    def find(self, int64_t timestamp):
        """The number of the first record from here on that is at or after `timestamp`, else None."""
        cdef fc_wal_position position
        cdef size_t i
        cdef size_t count = self._read(&position)
        while count > 0:
            for i in range(count):
                if self._entries[i].timestamp >= timestamp:
                    return self._entries[i].seq
            count = self._read(&position)
        return None
