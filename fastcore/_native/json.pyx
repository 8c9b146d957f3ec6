"""The JSON reader: chunks in, Python objects or columns out. See fastcore.json."""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.dict cimport PyDict_SetItem
from cpython.list cimport PyList_Append
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from cpython.ref cimport Py_INCREF, Py_XINCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.stddef cimport size_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset, strlen

from fastcore._native.c cimport FC_OK, fc_status
from fastcore._native.c_json cimport *
from fastcore._native.cpu cimport active_kernels

from decimal import Decimal

from fastcore.errors import DecodeError, PathError

cdef extern from "busy.h" nogil:
    ctypedef struct fc_busy:
        pass
    void fc_busy_init(fc_busy *busy)
    int fc_busy_enter(fc_busy *busy)
    void fc_busy_leave(fc_busy *busy)

COLUMN_TYPES = tuple([
    fc_column_info_of(<fc_column_type>t).name.decode() for t in range(FC_COLUMN_TYPES)
])

cdef enum:
    POLICY_RAISE = 0
    POLICY_SKIP = 1
    POLICY_CALL = 2
    SHAPE_RECORD = 0
    SHAPE_VALUE = 1
    SHAPE_TUPLE = 2
    SHAPE_DICT = 3
    STEP_MORE = 0
    STEP_VALUE = 1
    STEP_ERROR = 2


cdef class Program:
    """Paths, compiled. `paths` lists (cell, many, steps), a step being a tuple as in paths.py."""

    cdef fc_json_program *program

    def __cinit__(self, paths):
        self.program = fc_json_program_new()
        if self.program == NULL:
            raise MemoryError("json paths")
        for cell, many, steps in paths:
            self._add(cell, many, steps)

    def __dealloc__(self):
        fc_json_program_free(self.program)

    cdef int _add(self, size_t cell, bint many, tuple steps) except -1:
        cdef size_t count = len(steps), i
        cdef fc_json_step_spec *specs
        cdef fc_status status
        cdef bytes name
        names = []  # keeps the bytes alive
        specs = <fc_json_step_spec *>PyMem_Malloc((count + 1) * sizeof(fc_json_step_spec))
        if specs == NULL:
            raise MemoryError("json paths")
        try:
            memset(specs, 0, (count + 1) * sizeof(fc_json_step_spec))
            for i in range(count):
                step = steps[i]
                specs[i].kind = <fc_json_step_kind><int>step.kind
                specs[i].descend = step.descend
                name = step.name.encode("utf-8", "surrogatepass")
                names.append(name)
                specs[i].name = <const uint8_t *><const char *>name
                specs[i].name_bytes = len(name)
                specs[i].start = step.start
                specs[i].stop = step.stop
                specs[i].step = step.step
            status = fc_json_program_add(self.program, specs, count, cell, many)
        finally:
            PyMem_Free(specs)
        if status != FC_OK:
            raise PathError("the paths have too many steps in all, or one is too long")
        return 0


# Cython's way of breaking a cycle drops a Py_buffer's owner without releasing the buffer; the
# other objects of a cycle are enough to break it.
@cython.no_gc_clear
cdef class Reader:
    """What decoders of objects and of columns share: the reader, its buffer, errors, one thread."""

    cdef fc_json_reader *_reader
    cdef Program _program, _root
    cdef fc_busy _busy
    cdef Py_buffer _view
    cdef bint _has_view, _finished
    cdef int _policy
    cdef object _on_error, _failed
    cdef uint64_t _given_up

    def __cinit__(self, *args, **kwargs):
        fc_busy_init(&self._busy)

    def __dealloc__(self):
        if self._has_view:
            PyBuffer_Release(&self._view)
        fc_json_reader_free(self._reader)

    cdef int _open(self, Program program, size_t cells, options) except -1:
        cdef fc_json_options c_options
        if self._reader != NULL:
            raise RuntimeError("a decoder is initialised once")
        c_options.validate = options.validate
        c_options.depth_max = options.max_depth
        c_options.record_bytes_max = options.max_record_bytes
        self._root = None if options.root is None else Program(options.root)
        c_options.root = NULL if self._root is None else self._root.program
        self._on_error = options.on_error
        self._policy = {"raise": POLICY_RAISE, "skip": POLICY_SKIP}.get(
            options.on_error if isinstance(options.on_error, str) else None, POLICY_CALL)
        self._program = program
        self._reader = fc_json_reader_new(
            active_kernels(), &c_options, NULL if program is None else program.program, cells)
        if self._reader == NULL:
            raise MemoryError("json decoder")
        return 0

    cdef int _enter(self) except -1:
        if not fc_busy_enter(&self._busy):
            raise RuntimeError(
                "this decoder is in use: it serves one thread at a time, and no call from on_error")
        return 0

    cdef int _load(self, chunk) except -1:
        """Make `chunk` the reader's next one; None: there is no more."""
        if self._reader == NULL:
            raise RuntimeError("the decoder was not initialised")
        if self._failed is not None:
            raise self._failed
        if self._finished:
            raise ValueError("the decoder is closed")
        if chunk is None:
            self._finished = True
            fc_json_finish(self._reader)
            return 0
        if isinstance(chunk, str):
            raise TypeError("chunk must be bytes-like, not str; encode it first")
        try:
            PyObject_GetBuffer(chunk, &self._view, PyBUF_SIMPLE)
        except TypeError:
            raise TypeError(
                f"chunk must be bytes-like, not {type(chunk).__name__}") from None
        self._has_view = True
        fc_json_feed(self._reader, <const uint8_t *>self._view.buf, self._view.len)
        return 0

    cdef void _unload(self) noexcept:
        if self._has_view:
            self._has_view = False
            PyBuffer_Release(&self._view)

    cdef object _error(self):
        cdef const fc_json_fault *fault = fc_json_fault_of(self._reader)
        cdef bytes excerpt = fault.excerpt
        return DecodeError(
            (<bytes>fault.message).decode(), fault.offset, fault.line, fault.column, fault.record,
            excerpt.decode("utf-8", "replace"))

    cdef object _handle(self, bint rejected):
        """A fault: None to go on behind it, or the error to raise when all before is delivered."""
        error = self._error()
        if self._policy == POLICY_RAISE:
            self._failed = error
            self._given_up = not rejected
            self._unload()
            return error
        if self._policy == POLICY_CALL:
            self._on_error(error)
        if not rejected:
            fc_json_resume(self._reader)
        return None

    def _counts(self):
        cdef fc_json_stats stats
        if self._reader == NULL:
            raise RuntimeError("the decoder was not initialised")
        stats = fc_json_stats_of(self._reader)
        errors = stats.errors + self._given_up
        return stats.bytes, stats.records, errors - (self._failed is not None), errors, stats.position


include "json_objects.pxi"
include "json_batch.pxi"
include "json_blocks.pxi"
include "json_tokens.pxi"
include "json_async.pxi"
