# Events and values out of a stream of tokens: fastcore.json.tokens and fastcore.ijson.

from libc.string cimport memset as _memset

from fastcore._native.c_tokens cimport *

EVENT_MODES = ("basic", "parse", "items", "kvitems")


@cython.no_gc_clear  # see Reader
cdef class EventReader:
    """What the pull, push and async forms share: the tokens, the chunk, errors, one thread.

    `mode` is one of EVENT_MODES; `prefix` says where the values of the last two lie. `error` makes
    the exception for a fault, out of the arguments of a DecodeError and whether the stream is cut
    short. `options` is the keywords, checked.
    """

    cdef fc_events *_events
    cdef Py_buffer _view
    cdef bint _has_view, _finished
    cdef object _error

    def __cinit__(self, *args, **kwargs):
        self._events = <fc_events *>PyMem_Malloc(sizeof(fc_events))
        if self._events == NULL:
            raise MemoryError("json events")
        _memset(self._events, 0, sizeof(fc_events))

    def __init__(self, str mode not None, prefix, map_type, error, options):
        cdef fc_tokens_options c_options
        cdef fc_tokens *tokens
        if self._events.tokens != NULL:
            raise RuntimeError("a reader of events is initialised once")
        if prefix is not None and not isinstance(prefix, str):
            raise TypeError(f"prefix must be a str, not {type(prefix).__name__}")
        c_options.depth_max = options.max_depth
        c_options.token_bytes_max = options.max_token_bytes
        c_options.values_min = options.values_min
        c_options.multiple = options.multiple
        c_options.comments = options.comments
        c_options.lone_surrogates = options.lone_surrogates
        tokens = fc_tokens_new(active_kernels(), &c_options)
        if tokens == NULL:
            raise MemoryError("json events")
        self._error = error
        fc_events_open(
            self._events, tokens, EVENT_MODES.index(mode), options.lone_surrogates,
            NULL if prefix is None else <PyObject *>prefix,
            <PyObject *>Decimal if options.numbers == "decimal" else NULL,
            NULL if map_type is None else <PyObject *>map_type)

    def __dealloc__(self):
        self._unload()
        if self._events != NULL:
            fc_events_close(self._events)
            PyMem_Free(self._events)

    cdef int _load(self, chunk) except -1:
        """Make `chunk` the next one; None or an empty one: there is no more."""
        self._unload()
        if chunk is not None:
            if isinstance(chunk, str):
                raise TypeError("chunk must be bytes-like, not str; encode it first")
            PyObject_GetBuffer(chunk, &self._view, PyBUF_SIMPLE)
            self._has_view = True
            if self._view.len > 0:
                fc_tokens_feed(
                    self._events.tokens, <const uint8_t *>self._view.buf, self._view.len)
                return 0
        self._finished = True
        fc_tokens_finish(self._events.tokens)
        return 0

    cdef void _unload(self) noexcept:
        if self._has_view:
            self._has_view = False
            PyBuffer_Release(&self._view)

    cdef object _fault(self):
        cdef const fc_json_fault *fault = fc_tokens_fault(self._events.tokens)
        cdef bytes excerpt = fault.excerpt
        return self._error(
            (<bytes>fault.message).decode(), fault.offset, fault.line, fault.column, fault.record,
            excerpt.decode("utf-8", "replace"), bool(fc_tokens_truncated(self._events.tokens)))

    cdef int _pull(self, PyObject **event) except -1:
        """1: *event is the next one, a new reference; 0: none is left before the next chunk."""
        return self._outcome(fc_events_next(self._events, event))

    cdef int _outcome(self, fc_events_result result) except -1:
        if result == FC_EVENTS_GOT:
            return 1
        if result == FC_EVENTS_MORE:
            return 0
        self._finished = True
        if result == FC_EVENTS_RAISED:
            _reraise()
        raise self._fault()


cdef extern from *:
    """
    static int fc_reraise(void) { return -1; }
    """
    int _reraise "fc_reraise" () except -1


cdef class Events(EventReader):
    """Iterator over the events of `chunks`, an iterator of bytes-like objects."""

    cdef object _chunks
    cdef bint _over

    def __init__(self, chunks, str mode not None, prefix, map_type, error, options):
        EventReader.__init__(self, mode, prefix, map_type, error, options)
        self._chunks = chunks

    def __iter__(self):
        return self

    def __next__(self):
        cdef PyObject *event
        cdef fc_events_result result
        if self._over:
            raise StopIteration
        result = fc_events_next(self._events, &event)
        if result == FC_EVENTS_GOT:
            return _made(event)
        return self._after(result)

    cdef object _after(self, fc_events_result result):
        """The first event of the next chunk, or the error that is waiting."""
        cdef PyObject *event
        try:
            while not self._outcome(result):
                if self._finished:
                    self.close()
                    raise StopIteration
                self._load(next(self._chunks, None))
                result = fc_events_next(self._events, &event)
        except BaseException:
            self._over = True
            raise
        return _made(event)

    def close(self):
        """Let go of the source. The iterator ends."""
        self._over = True
        self._unload()
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


cdef class EventPipe(EventReader):
    """Push form: `target` is sent each event that the chunks sent here complete."""

    cdef object _send

    def __init__(self, target, str mode not None, prefix, map_type, error, options):
        EventReader.__init__(self, mode, prefix, map_type, error, options)
        self._send = target.send

    def send(self, chunk):
        """Take the next bytes; an empty chunk ends the stream, and StopIteration says so."""
        if self._finished:
            raise StopIteration
        if chunk is None:
            raise TypeError("chunk must be bytes-like, not NoneType")
        self._load(chunk)
        self._pass_on()
        if self._finished:
            raise StopIteration

    def close(self):
        """End the stream: an error where it ends inside a value."""
        if not self._finished:
            self._load(None)
            self._pass_on()

    cdef int _pass_on(self) except -1:
        cdef PyObject *event
        try:
            while self._pull(&event):
                self._send(_made(event))
        finally:
            self._unload()
        return 0

    def __iter__(self):
        return self

    def __next__(self):
        return None
