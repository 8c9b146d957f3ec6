# Asynchronous iterators: over events, and over the values of a decoder. What is there already is
# given without suspending the task.

cdef class AsyncEvents(EventReader):
    """Asynchronous iterator; ``await read()`` gives the next chunk, an empty one at the end."""

    cdef object _read
    cdef bint _over

    def __init__(self, read, str mode not None, prefix, map_type, error, options):
        EventReader.__init__(self, mode, prefix, map_type, error, options)
        self._read = read

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef PyObject *event
        if not self._over and self._pull_now(&event):
            return _Ready(_made(event))
        return self._next_event()

    cdef int _pull_now(self, PyObject **event) except -1:
        try:
            return self._pull(event)
        except BaseException:
            self._over = True
            raise

    async def _next_event(self):
        cdef PyObject *event
        while not self._over:
            if self._pull_now(&event):
                return _made(event)
            if self._finished:
                self._over = True
                self._unload()
                break
            try:
                chunk = await self._read()
                self._load(chunk)
            except BaseException:
                self._over = True
                raise
        raise StopAsyncIteration


cdef class _Ready:
    """An awaitable that has its result already."""

    cdef object _result

    def __init__(self, result):
        self._result = result

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration(self._result)


cdef class AsyncStream:
    """Asynchronous iterator over the values of `decoder`; `chunks` is one over bytes-like objects."""

    cdef ObjectReader _decoder
    cdef object _chunks, _error
    cdef list _values
    cdef Py_ssize_t _next
    cdef bint _ended

    def __init__(self, ObjectReader decoder not None, chunks):
        self._decoder = decoder
        self._chunks = chunks
        self._values = []

    def __aiter__(self):
        return self

    def __anext__(self):
        if self._next < len(self._values):
            return _Ready(self._take())
        return self._next_value()

    cdef object _take(self):
        value = self._values[self._next]
        self._next += 1
        return value

    async def _next_value(self):
        while True:
            if self._next < len(self._values):
                return self._take()
            self._values = []
            self._next = 0
            if self._error is not None:
                error, self._error = self._error, None
                await self.aclose()
                raise error
            if self._ended:
                raise StopAsyncIteration
            try:
                chunk = await anext(self._chunks, None)
            except BaseException:
                self._ended = True
                raise
            if chunk is None:
                self._ended = True
            self._error = self._decoder._feed_into(chunk, self._values)

    @property
    def stats(self):
        """What has been read so far; a little ahead of the values delivered."""
        return self._decoder.stats

    async def aclose(self):
        """Let go of the source. The iterator ends."""
        self._ended = True
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()
