"""What a queue client does once per message: messages, their hand-out, their acknowledgment.

A backend puts a batch of messages into its consumer's buffer; ``async for``
takes them out one by one without suspending, and `Message.ack` notes its token
in the window of where it came from, which goes to the backend with the next read or
in the next turn of the event loop. See fastcore.queue.consumer.
"""

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint64_t

from fastcore import errors
from fastcore._native.strings cimport Strings, strings_of

cdef extern from *:
    """
    #if defined(_WIN32)
    #include <windows.h>
    static double monotonic_s(void)
    {
        LARGE_INTEGER count, rate;
        QueryPerformanceCounter(&count);
        QueryPerformanceFrequency(&rate);
        return (double)count.QuadPart / (double)rate.QuadPart;
    }
    #else
    #include <time.h>
    static double monotonic_s(void)
    {
        struct timespec at;
        clock_gettime(CLOCK_MONOTONIC, &at);
        return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
    }
    #endif
    """
    double monotonic_s() noexcept nogil

include "queue_histogram.pxi"

cdef enum:
    LIVE
    ACKNOWLEDGED
    GIVEN_BACK
    TERMINATED

cdef tuple _STATES = ("live", "acknowledged", "given back", "terminated")


@cython.final
cdef class _Done:
    """An awaitable without a result that never suspends: no coroutine, no turn of the loop."""

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration

    def send(self, value):
        raise StopIteration

    def throw(self, kind, value=None, traceback=None):
        raise kind if value is None else value

    def close(self):
        pass


cdef _Done _DONE = _Done()


@cython.final
@cython.freelist(16)
cdef class _Next:
    """What ``anext`` awaits. It takes its message when it runs, so that one that is cancelled
    before that takes none; it suspends only where the buffer is empty."""

    cdef Buffer _buffer
    cdef object _refill

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self._step(None)

    def send(self, value):
        return self._step(value)

    cdef object _step(self, object value):
        cdef Message message
        if self._refill is None:
            message = self._buffer.pop()
            if message is not None:
                raise StopIteration(message)
            self._refill = self._buffer.refill()
        return self._refill.send(value)

    def throw(self, kind, value=None, traceback=None):
        if self._refill is None:
            raise kind if value is None else value
        if value is None:
            return self._refill.throw(kind)
        return self._refill.throw(kind, value, traceback)

    def close(self):
        if self._refill is not None:
            self._refill.close()


cdef class Window:
    """Acknowledgments of one consumer at one backend that have not been sent yet."""

    cdef readonly str stream
    cdef readonly str group
    cdef readonly double ack_wait
    cdef list _acks
    cdef public bint scheduled
    cdef readonly Histogram latency
    cdef readonly uint64_t acknowledged

    def __init__(self, str stream not None, str group not None, double ack_wait,
                 Histogram latency not None):
        self.stream = stream
        self.group = group
        self.ack_wait = ack_wait
        self._acks = []
        self.latency = latency

    def take_acks(self):
        """Return the tokens acknowledged since the last call."""
        cdef list taken = self._acks
        if taken:
            self._acks = []
        return taken

    cdef int _acknowledge(self, Message message, double now) except -1:
        self._acks.append(message.token)
        self._count(message, now)
        if not self.scheduled:
            self.scheduled = True
            self.schedule_flush()
        return 0

    cdef int _count(self, Message message, double now) except -1:
        self.acknowledged += 1
        self.latency._record(<int64_t>((now - message.started) * 1e9))
        return 0


cdef class Buffer:
    """The messages that a consumer has and has not handed out yet."""

    cdef list _ready
    cdef Py_ssize_t _at

    def __init__(self):
        self._ready = []

    def __len__(self):
        return len(self._ready) - self._at

    def __aiter__(self):
        return self

    def __anext__(self):
        cdef _Next made = _Next.__new__(_Next)
        made._buffer = self
        return made

    cpdef Message pop(self):
        """Return the next message that has not expired in the buffer, or None."""
        cdef Message message
        cdef double now
        if self._at >= len(self._ready):
            return None
        now = monotonic_s()
        while self._at < len(self._ready):
            message = self._ready[self._at]
            self._ready[self._at] = None
            self._at += 1
            if message.deadline > now:
                return message
        return None

    def pop_all(self):
        """Return all messages that have not expired in the buffer."""
        cdef double now = monotonic_s()
        return [message for message in self.clear() if (<Message>message).deadline > now]

    def clear(self):
        """Return the messages that were not handed out, and forget them."""
        left = self._ready[self._at:] if self._at else self._ready
        self._ready = []
        self._at = 0
        return left

    def buffered(self):
        """Return the messages that were not handed out."""
        return self._ready[self._at:]

    def put(self, list messages not None):
        """Add messages that a backend delivered."""
        if self._at >= len(self._ready):
            self._ready = messages
        else:
            self._ready = self._ready[self._at:] + messages
        self._at = 0


cdef class Message:
    """A delivered message.

    Attributes
    ----------
    payload : bytes
        As it was published.
    headers : dict of str to str
        As published; empty where there were none.
    deliveries : int
        How often it was delivered to this group, this time included.
    id : str
        Its name in the stream, as `publish` returned it.
    timestamp : int
        When the backend stored it, in nanoseconds since 1970-01-01 UTC.
    stream, group : str
        Where it came from.
    """

    cdef readonly bytes payload
    cdef object _headers
    cdef readonly long deliveries
    cdef public object token
    cdef int64_t _timestamp
    cdef Window _owner
    cdef public double deadline
    cdef readonly double started
    cdef int _state

    def __init__(self):
        raise TypeError("messages are made by consume()")

    @property
    def headers(self):
        headers = self._headers
        if headers is None:
            self._headers = headers = {}
        return headers

    @property
    def id(self):
        return str(self.token)

    @property
    def timestamp(self):
        return self._timestamp

    @property
    def stream(self):
        return self._owner.stream

    @property
    def group(self):
        return self._owner.group

    cdef int _settle(self, int state, double now) except -1:
        if self._state != LIVE:
            raise errors.MessageSettled(
                f"message {self.id} of {self._owner.stream!r} was {_STATES[self._state]} before; "
                f"settle each message once"
            )
        self._check_time(now)
        self._state = state
        return 0

    cdef int _check_time(self, double now) except -1:
        if now > self.deadline:
            raise errors.MessageExpired(
                f"message {self.id} of {self._owner.stream!r}: ack_wait of "
                f"{self._owner.ack_wait:g} s passed {now - self.deadline:.3f} s ago, so it is "
                f"delivered again; call in_progress() while working, or consume with a longer "
                f"ack_wait"
            )
        return 0

    def ack(self):
        """Acknowledge: the message is done with.

        Awaiting returns at once; the acknowledgment leaves with the consumer's
        next read, or in the next turn of the event loop. `ack_many` waits until
        the backend has confirmed. Acknowledging again does nothing.

        Raises
        ------
        MessageExpired
            `ack_wait` passed; the message is delivered again.
        MessageSettled
            It was given back or terminated before.
        """
        cdef double now
        if self._state == ACKNOWLEDGED:
            return _DONE
        now = monotonic_s()
        self._settle(ACKNOWLEDGED, now)
        self._owner._acknowledge(self, now)
        return _DONE

    def settle(self, str how not None):
        """Note that the message is settled, as one of "ack", "nak", "term"; for consumers."""
        cdef double now = monotonic_s()
        self._settle({"ack": ACKNOWLEDGED, "nak": GIVEN_BACK, "term": TERMINATED}[how], now)
        if how == "ack":
            self._owner._count(self, now)

    def nak(self, delay=0):
        """Give the message back: it is delivered again after `delay` seconds."""
        return self._owner.nak(self, delay)

    def in_progress(self):
        """Renew `ack_wait` from now on."""
        cdef double now = monotonic_s()
        if self._state != LIVE:
            raise errors.MessageSettled(
                f"message {self.id} of {self._owner.stream!r} was {_STATES[self._state]} before"
            )
        self._check_time(now)
        return self._owner.in_progress(self)

    def renewed(self, double now):
        """Note that `ack_wait` begins anew; for consumers."""
        self.deadline = now + self._owner.ack_wait

    def term(self):
        """Terminate: the message is not delivered to this group again."""
        return self._owner.term(self)

    @property
    def settled(self):
        return self._state != LIVE

    @property
    def acknowledged(self):
        return self._state == ACKNOWLEDGED

    @property
    def owner(self):
        return self._owner

    def __repr__(self):
        text = repr(self.payload[:40])
        more = "..." if len(self.payload) > 40 else ""
        return (f"<{type(self).__name__} {self.id} of {self._owner.stream!r}, "
                f"delivery {self.deliveries}, {_STATES[self._state]}: {text}{more}>")


def make_messages(Window owner not None, list tokens not None, list payloads not None,
                  list timestamps not None, headers, deliveries):
    """Return new messages of the embedded backend.

    `headers` is None or a list of dict or None; `deliveries` is None (all the
    first) or a list of int.
    """
    cdef Py_ssize_t i, count = len(tokens)
    cdef double now = monotonic_s()
    cdef double deadline = now + owner.ack_wait
    cdef Message message
    cdef list made = [None] * count
    for i in range(count):
        message = Message.__new__(Message)
        message.token = tokens[i]
        message.payload = payloads[i]
        message._timestamp = timestamps[i]
        if headers is not None:
            message._headers = headers[i]
        message.deliveries = 1 if deliveries is None else deliveries[i]
        message._owner = owner
        message.started = now
        message.deadline = deadline
        made[i] = message
    return made


def monotonic():
    """Return the seconds of the clock that deadlines are measured with."""
    return monotonic_s()


def count_redelivered(list messages not None):
    """Return how many of `messages` were delivered before."""
    cdef Py_ssize_t count = 0
    cdef Message message
    for message in messages:
        count += message.deliveries > 1
    return count


def read_entries(reader, uint64_t first, uint64_t stop, decode):
    """Read the messages [first, stop) of an embedded stream from its log.

    Parameters
    ----------
    reader : Replay
        Stands at `first` or before.
    first, stop : int
        Sequence numbers.
    decode : callable
        Returns (payload, id, headers) of a record that is more than its payload.

    Returns
    -------
    start, payloads, timestamps, headers, at
        The first message there was, one list each, headers None where no message
        has any, and where the reader stands now.
    """
    cdef list payloads = [], timestamps = [], headers = None
    cdef uint64_t seq, at = first
    cdef object start = first
    cdef Py_buffer view
    cdef const char *data
    for record in reader:
        seq = record.seq
        at = seq + 1
        if seq >= first:
            if not payloads:
                start = seq
            payload = record.payload
            PyObject_GetBuffer(payload, &view, PyBUF_SIMPLE)
            try:
                data = <const char *>view.buf
                if view.len > 0 and data[0] == 0:
                    payloads.append(PyBytes_FromStringAndSize(data + 1, view.len - 1))
                    if headers is not None:
                        headers.append(None)
                else:
                    body, _, fields = decode(payload)
                    if headers is None and fields is not None:
                        headers = [None] * len(payloads)
                    payloads.append(body)
                    if headers is not None:
                        headers.append(fields)
            finally:
                PyBuffer_Release(&view)
            timestamps.append(record.timestamp)
        if at >= stop:
            break
    return start, payloads, timestamps, headers, at


def column_bytes(column):
    """Return the values of a column of strings or binaries as a list of bytes."""
    cdef Strings rows
    cdef list chunks, made = []
    cdef size_t i
    try:
        chunks = strings_of(column, False)
    except TypeError:
        chunks = strings_of(column, True)
    for rows in chunks:
        for i in range(rows.count):
            if rows.nulls != NULL and rows.nulls[i]:
                raise ValueError(f"payloads has a null at row {len(made)}; drop or fill nulls")
            made.append(PyBytes_FromStringAndSize(
                <const char *>rows.data + rows.offsets[i], rows.offsets[i + 1] - rows.offsets[i]
            ))
    return made


include "queue_resp.pxi"
include "queue_nats.pxi"
