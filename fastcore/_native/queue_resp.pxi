# Redis: a batch of XADDs as one buffer, and the entries of XREADGROUP as messages.
# The protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP2).

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memcpy


cdef class RedisMessage(Message):
    """A message of a Redis stream; its token is the entry's id."""

    @property
    def id(self):
        return (<bytes>self.token).decode()

    @property
    def timestamp(self):
        return int((<bytes>self.token).partition(b"-")[0]) * 1_000_000


cdef inline char *_put_number(char *at, size_t number) noexcept:
    cdef char digits[20]
    cdef int count = 0
    while True:
        digits[count] = <char>(c"0" + number % 10)
        count += 1
        number //= 10
        if number == 0:
            break
    while count:
        count -= 1
        at[0] = digits[count]
        at += 1
    return at


def encode_xadds(bytes head not None, list payloads not None):
    """Return one command for each payload: `head`, then the payload as a bulk string."""
    cdef Py_ssize_t head_bytes = PyBytes_GET_SIZE(head), total = 0, size
    cdef bytes made
    cdef char *at
    cdef char *start
    for payload in payloads:
        total += head_bytes + 25 + PyBytes_GET_SIZE(<bytes?>payload)
    made = PyBytes_FromStringAndSize(NULL, total)
    start = at = PyBytes_AS_STRING(made)
    for payload in payloads:
        size = PyBytes_GET_SIZE(<bytes>payload)
        memcpy(at, PyBytes_AS_STRING(head), head_bytes)
        at += head_bytes
        at[0] = c"$"
        at = _put_number(at + 1, size)
        at[0] = c"\r"
        at[1] = c"\n"
        memcpy(at + 2, PyBytes_AS_STRING(<bytes>payload), size)
        at += 2 + size
        at[0] = c"\r"
        at[1] = c"\n"
        at += 2
    return memoryview(made)[: at - start]


def redis_messages(Window owner not None, list entries not None, deliveries, decode_headers):
    """Return messages of stream entries, each [id, [name, value, ...]].

    `deliveries` is None (all the first) or a list of int. An entry without a
    field "payload", which another program added, gives the value of its first.
    """
    cdef Py_ssize_t i, k, count = len(entries)
    cdef double now = monotonic_s()
    cdef double deadline = now + owner.ack_wait
    cdef RedisMessage message
    cdef list made = [], fields, entry
    for i in range(count):
        entry = entries[i]
        message = RedisMessage.__new__(RedisMessage)
        message.token = entry[0]
        fields = entry[1]
        message.payload = <bytes?>fields[1]
        for k in range(0, len(fields), 2):
            name = fields[k]
            if name == b"payload":
                message.payload = <bytes?>fields[k + 1]
            elif name == b"headers":
                message._headers = decode_headers(fields[k + 1])
        message.deliveries = 1 if deliveries is None else deliveries[i]
        message._owner = owner
        message.started = now
        message.deadline = deadline
        made.append(message)
    return made
