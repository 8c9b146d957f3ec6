"""The write-ahead log as an object: buffers, the GIL, errors. See fastcore.wal."""

import os
import warnings
import weakref
from collections import namedtuple
from operator import index

cimport cython

from cpython.buffer cimport (
    PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_FillInfo, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.memoryview cimport PyMemoryView_FromObject
from libc.stdlib cimport free
from libc.string cimport memcpy, memset
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from fastcore import errors
from fastcore._native.c cimport FC_OK, fc_error, fc_status
from fastcore._native.c_wal cimport (
    FC_WAL_ASYNC, FC_WAL_BATCH, FC_WAL_SALVAGE, FC_WAL_STRICT, FC_WAL_SYNC, FC_WAL_TAIL, bool as c_bool, fc_wal,
    fc_wal_abandon, fc_wal_append, fc_wal_append_many, fc_wal_append_rows, fc_wal_close, fc_wal_commit, fc_wal_damage,
    fc_wal_durable_end, fc_wal_entry, fc_wal_first_seq, fc_wal_free, fc_wal_get_mark,
    fc_wal_is_read_only, fc_wal_next_seq, fc_wal_now_ns, fc_wal_open, fc_wal_options,
    fc_wal_get_stats, fc_wal_payload, fc_wal_read, fc_wal_read_rows, fc_wal_reader,
    fc_wal_position, fc_wal_reader_close, fc_wal_reader_jump, fc_wal_reader_open,
    fc_wal_reader_position, fc_wal_stats, fc_wal_truncate_before,
    fc_wal_refused, fc_wal_report, fc_wal_verify, fc_wal_running, fc_wal_set_mark, fc_wal_try_append, fc_wal_write_out,
)
from fastcore._native.cpu cimport active_kernels
from fastcore._native.errors cimport raise_status

cdef extern from *:
    """
    /* Without a GIL a count of one says nothing about what other threads are about to do. */
    #ifdef Py_GIL_DISABLED
    #define FC_IS_UNSHARED(object) 0
    #else
    #define FC_IS_UNSHARED(object) (Py_REFCNT(object) == 1)
    #endif
    """
    bint _is_unshared "FC_IS_UNSHARED"(object)

# A larger payload is copied without the GIL.
cdef enum:
    TRY_BYTES = 64 * 1024
    MARK_VALUE_BYTES_MAX = 4096

cdef uint64_t NO_END = 0xFFFFFFFFFFFFFFFF

cdef dict _DURABILITY = {"sync": FC_WAL_SYNC, "batch": FC_WAL_BATCH, "async": FC_WAL_ASYNC}
cdef dict _RECOVERY = {"tail": FC_WAL_TAIL, "strict": FC_WAL_STRICT, "salvage": FC_WAL_SALVAGE}

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


cdef int64_t _as_ns(seconds, str name) except? -1:
    if not seconds >= 0:
        raise ValueError(f"{name} must be at least 0 seconds, not {seconds!r}")
    return <int64_t>min(seconds * 1e9, 9e18)


cdef bytes _encoded_path(path):
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError("path holds a null byte")
    return encoded


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
                 batch_bytes=1024 * 1024, batch_ms=5, recovery="tail", create=True,
                 max_bytes=None, max_age=None):
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
            raise ValueError(f"recovery must be 'tail', 'strict' or 'salvage', not {recovery!r}")
        encoded = _encoded_path(path)
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
        options.max_bytes = 0 if max_bytes is None else _as_seq(max_bytes, "max_bytes")
        if max_bytes is not None and options.max_bytes == 0:
            raise ValueError("max_bytes must be at least 1")
        options.max_age_ns = 0 if max_age is None else _as_ns(max_age, "max_age")
        if max_age is not None and options.max_age_ns <= 0:
            raise ValueError(f"max_age must be more than 0 seconds, not {max_age!r}")
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

    cpdef int _check_open(self) except -1:
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

    def _append_rows(self, timestamps, rows, size_t row_bytes, size_t count):
        cdef Py_buffer times, data
        cdef const int64_t *when = NULL
        cdef uint64_t seq = 0, end
        cdef size_t done = 0
        cdef fc_error error
        cdef fc_status status
        cdef c_bool timed_out

        self._check()
        PyObject_GetBuffer(rows, &data, PyBUF_SIMPLE)
        try:
            if timestamps is not None:
                PyObject_GetBuffer(timestamps, &times, PyBUF_SIMPLE)
                when = <const int64_t *>times.buf
            try:
                if <size_t>data.len != count * row_bytes or (
                    when != NULL and <size_t>times.len != count * 8
                ):
                    raise ValueError("the arrays do not fit each other")
                with nogil:
                    status = fc_wal_append_rows(self._wal, when, <const uint8_t *>data.buf,
                                                row_bytes, count, &seq, &done, &error)
                    if status == FC_OK and self._sync and count > 0:
                        status = fc_wal_commit(self._wal, seq + count, -1, &timed_out, &end, &error)
                raise_status(status, &error, f"append {count} rows, of which {done} were added")
                return range(seq, seq + count)
            finally:
                if timestamps is not None:
                    PyBuffer_Release(&times)
        finally:
            PyBuffer_Release(&data)

    def truncate_before(self, seq):
        cdef uint64_t first = _as_seq(seq, "seq"), freed
        cdef fc_error error
        cdef fc_status status

        self._check_open()
        with nogil:
            status = fc_wal_truncate_before(self._wal, first, &freed, &error)
        raise_status(status, &error, "truncate")
        return freed

    def _stats(self):
        cdef fc_wal_stats stats
        self._check_open()
        with nogil:
            fc_wal_get_stats(self._wal, &stats)
        return {
            "segments": stats.segments,
            "segment_bytes": stats.segment_bytes,
            "ring_bytes": stats.ring_bytes,
            "ring_used": stats.ring_used,
            "written_bytes": stats.written_bytes,
            "syncs": stats.syncs,
            "sync_ns": stats.sync_ns,
            "sync_ns_max": stats.sync_ns_max,
            "rolls": stats.rolls,
            "recycled": stats.recycled,
            "removed": stats.removed,
        }

    def commit(self, seq=None, timeout=None):
        cdef uint64_t wanted, end
        cdef int64_t timeout_ns = -1
        cdef c_bool timed_out
        cdef fc_error error
        cdef fc_status status

        self._check_open()
        if timeout is not None:
            timeout_ns = _as_ns(timeout, "timeout")
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

    def _follower(self, start):
        """A replay without an end: asked again after it stopped, it goes on with what came since."""
        self._check_open()
        return Replay(self, 0 if start is None else _as_seq(start, "start"), NO_END, None, None)

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


include "wal_read.pxi"
include "wal_check.pxi"
