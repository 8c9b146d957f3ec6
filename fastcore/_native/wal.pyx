"""The write-ahead log as an object: buffers, the GIL, errors. See fastcore.wal."""

import os
import warnings
import weakref
from collections import namedtuple
from operator import index

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyTypeObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_SET_ITEM
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from fastcore import errors
from fastcore._native.c cimport FC_OK, fc_error, fc_status
from fastcore._native.c_wal cimport (
    FC_WAL_ASYNC, FC_WAL_BATCH, FC_WAL_STRICT, FC_WAL_SYNC, FC_WAL_TAIL, bool as c_bool, fc_wal,
    fc_wal_abandon, fc_wal_append, fc_wal_append_many, fc_wal_close, fc_wal_commit,
    fc_wal_durable_end, fc_wal_entry, fc_wal_first_seq, fc_wal_free, fc_wal_get_mark,
    fc_wal_is_read_only, fc_wal_next_seq, fc_wal_now_ns, fc_wal_open, fc_wal_options,
    fc_wal_payload, fc_wal_read, fc_wal_reader, fc_wal_reader_close, fc_wal_reader_open,
    fc_wal_refused, fc_wal_running, fc_wal_set_mark, fc_wal_try_append, fc_wal_write_out,
)
from fastcore._native.cpu cimport active_kernels
from fastcore._native.errors cimport raise_status

cdef extern from "Python.h":
    ctypedef object (*allocator "allocfunc")(PyTypeObject *, Py_ssize_t)
    allocator tp_alloc_of "FC_TP_ALLOC"(PyTypeObject *)

cdef extern from *:
    """
    #define FC_TP_ALLOC(type) ((type)->tp_alloc)
    """

# A larger payload is copied without the GIL.
cdef enum:
    TRY_BYTES = 64 * 1024
    CHUNK_BYTES = 256 * 1024
    ENTRIES = 8192
    MARK_VALUE_BYTES_MAX = 4096

cdef uint64_t NO_END = 0xFFFFFFFFFFFFFFFF

cdef dict _DURABILITY = {"sync": FC_WAL_SYNC, "batch": FC_WAL_BATCH, "async": FC_WAL_ASYNC}
cdef dict _RECOVERY = {"tail": FC_WAL_TAIL, "strict": FC_WAL_STRICT}

Record = namedtuple("Record", ("seq", "timestamp", "payload"), module=__name__)

cdef PyTypeObject *_record_type = <PyTypeObject *>Record

_logs = weakref.WeakSet()


def _after_fork():
    for log in list(_logs):
        log._abandon()
    _logs.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


cdef object _as_int(value, str name):
    try:
        return value if type(value) is int else index(value)
    except TypeError:
        raise TypeError(f"{name} must be an int, not {type(value).__name__}") from None


cdef int64_t _as_int64(value, str name) except? -1:
    try:
        return _as_int(value, name)
    except OverflowError:
        raise ValueError(f"{name} must fit 64 bits, not {value!r}") from None


cdef uint64_t _as_seq(value, str name) except? 0:
    number = _as_int(value, name)
    if number < 0:
        raise ValueError(f"{name} must be at least 0, not {value!r}")
    try:
        return number
    except OverflowError:
        raise ValueError(f"{name} must fit 64 bits, not {value!r}") from None


cdef int _get_buffer(payload, Py_buffer *view, str name) except -1:
    try:
        PyObject_GetBuffer(payload, view, PyBUF_SIMPLE)
    except TypeError:
        raise TypeError(
            f"{name} must be bytes-like, not {type(payload).__name__}"
        ) from None
    return 0


cdef class Log:
    cdef fc_wal *_wal
    cdef object __weakref__
    cdef bint _sync
    cdef readonly str path
    cdef readonly str mode
    cdef readonly str durability

    def __init__(self, path, mode="a", *, segment_bytes=64 * 1024 * 1024, durability="batch",
                 batch_bytes=1024 * 1024, batch_ms=5, recovery="tail", create=True):
        cdef fc_wal_options options
        cdef fc_error error
        cdef fc_status status

        if self._wal != NULL:
            raise RuntimeError("a Log is opened once; make a new one")
        if mode not in ("a", "r"):
            raise ValueError(f"mode must be 'a' or 'r', not {mode!r}")
        if durability not in _DURABILITY:
            raise ValueError(f"durability must be 'sync', 'batch' or 'async', not {durability!r}")
        if recovery not in _RECOVERY:
            raise ValueError(f"recovery must be 'tail' or 'strict', not {recovery!r}")
        encoded = os.fsencode(path)
        if b"\0" in encoded:
            raise ValueError("path holds a null byte")
        self.path = os.fsdecode(path)
        self.mode = mode
        self.durability = durability
        self._sync = durability == "sync"
        options.path = encoded
        options.read_only = mode == "r"
        options.create = bool(create)
        options.segment_bytes = _as_seq(segment_bytes, "segment_bytes")
        options.durability = _DURABILITY[durability]
        options.batch_bytes = _as_seq(batch_bytes, "batch_bytes")
        if not 1 <= batch_ms <= 3_600_000:
            raise ValueError(f"batch_ms must be 1 to 3600000, not {batch_ms!r}")
        options.batch_ms = batch_ms
        options.recovery = _RECOVERY[recovery]
        options.io = NULL
        with nogil:
            status = fc_wal_open(&self._wal, &options, active_kernels(), &error)
        raise_status(status, &error, f"open log {self.path}")
        _logs.add(self)

    def __dealloc__(self):
        fc_wal_free(self._wal)

    def __del__(self):
        if self._wal != NULL and not self.closed:
            warnings.warn(f"unclosed log {self.path!r}", ResourceWarning, source=self)
            self.close()

    cdef int _check(self) except -1:
        if self._wal == NULL:
            raise errors.ClosedError("the log was never opened")
        return 0

    cdef int _check_open(self) except -1:
        cdef fc_error error
        self._check()
        if not fc_wal_running(self._wal):
            raise_status(fc_wal_refused(self._wal, &error), &error, "use of a closed log")
        return 0

    def _abandon(self):
        if self._wal != NULL:
            fc_wal_abandon(self._wal)

    @property
    def closed(self):
        return self._wal == NULL or not fc_wal_running(self._wal)

    @property
    def first_seq(self):
        self._check()
        return fc_wal_first_seq(self._wal)

    @property
    def next_seq(self):
        cdef uint64_t seq
        self._check()
        with nogil:
            seq = fc_wal_next_seq(self._wal)
        return seq

    @property
    def durable_seq(self):
        cdef uint64_t end
        self._check()
        with nogil:
            end = fc_wal_durable_end(self._wal)
        return <object>end - 1

    cdef object _put(self, const void *data, size_t length, int64_t timestamp):
        cdef fc_error error
        cdef fc_status status
        cdef uint64_t seq
        cdef c_bool timed_out
        cdef uint64_t end

        if length > TRY_BYTES or not fc_wal_try_append(self._wal, timestamp, data, length, &seq):
            with nogil:
                status = fc_wal_append(self._wal, timestamp, data, length, &seq, &error)
            raise_status(status, &error, "append")
        if self._sync:
            with nogil:
                status = fc_wal_commit(self._wal, seq + 1, -1, &timed_out, &end, &error)
            raise_status(status, &error, "append")
        return seq

    def append(self, payload, timestamp=None):
        cdef Py_buffer view
        cdef int64_t when

        self._check()
        if timestamp is None:
            when = fc_wal_now_ns(self._wal)
        else:
            when = _as_int64(timestamp, "timestamp")
        if type(payload) is bytes:
            return self._put(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), when)
        _get_buffer(payload, &view, "payload")
        try:
            return self._put(view.buf, view.len, when)
        finally:
            PyBuffer_Release(&view)

    def append_many(self, payloads, timestamps=None):
        cdef fc_wal_payload *items = NULL
        cdef Py_buffer *views = NULL
        cdef int64_t *times = NULL
        cdef size_t count, i, held = 0, done = 0
        cdef uint64_t seq = 0, end = 0
        cdef fc_error error
        cdef fc_status status
        cdef c_bool timed_out

        self._check()
        if isinstance(payloads, (bytes, bytearray, memoryview, str)):
            raise TypeError(f"payloads must be an iterable of bytes-like objects, "
                            f"not {type(payloads).__name__}")
        cdef list kept = list(payloads)
        count = len(kept)
        cdef list when = None if timestamps is None else list(timestamps)
        if when is not None and <size_t>len(when) != count:
            raise ValueError(f"timestamps has {len(when)} items for {count} payloads")
        try:
            items = <fc_wal_payload *>PyMem_Malloc(count * sizeof(fc_wal_payload))
            views = <Py_buffer *>PyMem_Malloc(count * sizeof(Py_buffer))
            if when is not None:
                times = <int64_t *>PyMem_Malloc(count * sizeof(int64_t))
            if items == NULL or views == NULL or (when is not None and times == NULL):
                raise MemoryError("append_many")
            for i in range(count):
                payload = kept[i]
                if when is not None:
                    times[i] = _as_int64(when[i], f"timestamps[{i}]")
                if type(payload) is bytes:
                    items[i].data = PyBytes_AS_STRING(payload)
                    items[i].length = PyBytes_GET_SIZE(payload)
                else:
                    _get_buffer(payload, &views[held], f"payloads[{i}]")
                    items[i].data = views[held].buf
                    items[i].length = views[held].len
                    held += 1
            with nogil:
                status = fc_wal_append_many(self._wal, times, items, count, &seq, &done, &error)
                if status == FC_OK and self._sync and count > 0:
                    status = fc_wal_commit(self._wal, seq + count, -1, &timed_out, &end, &error)
            raise_status(status, &error, f"append {count} records, of which {done} were added")
            return range(seq, seq + count)
        finally:
            for i in range(held):
                PyBuffer_Release(&views[i])
            PyMem_Free(items)
            PyMem_Free(views)
            PyMem_Free(times)

    def commit(self, seq=None, timeout=None):
        cdef uint64_t wanted, end
        cdef int64_t timeout_ns = -1
        cdef c_bool timed_out
        cdef fc_error error
        cdef fc_status status

        self._check_open()
        if timeout is not None:
            if not timeout >= 0:
                raise ValueError(f"timeout must be at least 0 seconds, not {timeout!r}")
            timeout_ns = <int64_t>min(timeout * 1e9, 9e18)
        wanted = fc_wal_next_seq(self._wal) if seq is None else _as_seq(seq, "seq") + 1
        with nogil:
            status = fc_wal_commit(self._wal, wanted, timeout_ns, &timed_out, &end, &error)
        raise_status(status, &error, "commit")
        if timed_out:
            raise errors.CommitTimeoutError(
                f"commit: record {wanted - 1} is not on stable storage after {timeout} s"
            )
        return <object>end - 1

    def replay(self, start=None, stop=None, *, since=None, until=None):
        cdef uint64_t end, last, first = 0
        cdef fc_error error
        cdef fc_status status = FC_OK

        self._check_open()
        if start is not None:
            first = _as_seq(start, "start")
        with nogil:
            end = fc_wal_next_seq(self._wal)
            if self._writes():
                status = fc_wal_write_out(self._wal, &error)
        raise_status(status, &error, "replay")
        if stop is not None:
            last = _as_seq(stop, "stop")
            end = min(end, last)
        return Replay(
            self, first, end,
            None if since is None else _as_int64(since, "since"),
            None if until is None else _as_int64(until, "until"),
        )

    cdef bint _writes(self) noexcept nogil:
        return not fc_wal_is_read_only(self._wal)

    def _set_mark(self, str name not None, value):
        cdef fc_error error
        cdef fc_status status
        cdef Py_buffer view
        cdef bytes key = name.encode("utf-8")
        cdef const char *key_at = key
        cdef size_t key_bytes = len(key)

        self._check_open()
        if value is None:
            with nogil:
                status = fc_wal_set_mark(self._wal, key_at, key_bytes, NULL, 0, &error)
        else:
            _get_buffer(value, &view, "value")
            with nogil:
                status = fc_wal_set_mark(self._wal, key_at, key_bytes,
                                         view.buf if view.len > 0 else <void *>key_at,
                                         view.len, &error)
            PyBuffer_Release(&view)
        raise_status(status, &error, f"set mark {name!r}")

    def _get_mark(self, str name not None):
        cdef fc_error error
        cdef fc_status status
        cdef bytes key = name.encode("utf-8")
        cdef const char *key_at = key
        cdef size_t key_bytes = len(key), value_bytes = 0
        cdef uint64_t seq = 0
        cdef c_bool found = False
        cdef uint8_t value[MARK_VALUE_BYTES_MAX]

        self._check_open()
        with nogil:
            status = fc_wal_get_mark(self._wal, key_at, key_bytes, value, sizeof(value),
                                     &value_bytes, &seq, &found, &error)
        raise_status(status, &error, f"get mark {name!r}")
        if not found:
            return None
        return seq, PyBytes_FromStringAndSize(<const char *>value, value_bytes)

    def close(self):
        cdef fc_error error
        cdef fc_status status
        if self._wal == NULL:
            return
        with nogil:
            status = fc_wal_close(self._wal, &error)
        _logs.discard(self)
        raise_status(status, &error, f"close log {self.path}")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.close()

    def __repr__(self):
        what = f"{type(self).__name__}({self.path!r}, mode={self.mode!r}"
        if self.closed:
            return f"<{what}), closed>"
        return (f"<{what}, durability={self.durability!r}), records {self.first_seq} to "
                f"{self.next_seq}, durable before {self.durable_seq + 1}>")


# Not cleared by the garbage collector: what closes the reader still needs the log.
@cython.no_gc_clear
cdef class Replay:
    """The records of a log in order; see Log.replay. One thread at a time."""

    cdef Log _log
    cdef fc_wal_reader *_reader
    cdef fc_wal_entry *_entries
    cdef size_t _count, _at, _capacity
    cdef object _view
    cdef bint _has_since, _has_until, _busy
    cdef int64_t _since, _until

    def __cinit__(self, Log log not None, uint64_t start, uint64_t stop, since, until):
        cdef fc_error error
        self._log = log
        self._capacity = CHUNK_BYTES
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

    cdef int _fill(self) except -1:
        cdef fc_error error
        cdef fc_status status
        cdef size_t wanted = 0
        cdef uint8_t *data

        if self._busy:
            raise RuntimeError("a replay is used by two threads at once")
        self._busy = True
        try:
            while True:
                # A new object each time: the payloads handed out before keep the old one.
                chunk = PyBytes_FromStringAndSize(NULL, self._capacity)
                data = <uint8_t *>PyBytes_AS_STRING(chunk)
                self._count = self._at = 0
                with nogil:
                    status = fc_wal_read(self._reader, data, self._capacity, self._entries,
                                         ENTRIES, &self._count, &wanted, &error)
                raise_status(status, &error, "replay")
                if self._count > 0 or wanted == 0:
                    break
                self._capacity = wanted
            self._view = memoryview(chunk)
            self._capacity = CHUNK_BYTES
            return self._count > 0
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
            return _record(entry, self._view)


cdef object _record(const fc_wal_entry *entry, view):
    cdef object record = tp_alloc_of(_record_type)(_record_type, 3)
    cdef object seq = entry.seq, timestamp = entry.timestamp
    cdef object payload = view[<Py_ssize_t>entry.offset:<Py_ssize_t>(entry.offset + entry.length)]
    Py_INCREF(seq)
    PyTuple_SET_ITEM(record, 0, seq)
    Py_INCREF(timestamp)
    PyTuple_SET_ITEM(record, 1, timestamp)
    Py_INCREF(payload)
    PyTuple_SET_ITEM(record, 2, payload)
    return record
