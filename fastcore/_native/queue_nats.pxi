# NATS: a batch of PUBs as one buffer; acknowledgments of publishes counted, and messages made,
# straight from what the socket gave. The protocol:
# https://docs.nats.io/reference/reference-protocols/nats-protocol

from libc.string cimport memchr, memcmp


cdef class JetStreamMessage(Message):
    """A message of a JetStream consumer; its token is the subject to acknowledge it with."""

    cdef int64_t _seq
    cdef bytes _raw_headers

    @property
    def headers(self):
        if self._headers is None:
            self._headers = _decode_headers(self._raw_headers)
        return self._headers

    @property
    def id(self):
        return str(self._seq)


cdef dict _decode_headers(bytes raw):
    """Return the headers after the line ``NATS/1.0``; those of NATS itself are left out."""
    cdef dict headers = {}
    if raw is None:
        return headers
    for line in raw.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon and not name[:5].lower() == b"nats-":
            text = value.decode("utf-8", "replace")
            headers[name.decode("utf-8", "replace")] = text[1:] if text[:1] == " " else text
    return headers


def encode_pubs(bytes subject not None, bytes reply not None, Py_ssize_t first,
                list payloads not None):
    """Return a PUB for each payload; the n-th is answered at `reply` followed by first + n."""
    cdef Py_ssize_t subject_bytes = PyBytes_GET_SIZE(subject), reply_bytes = PyBytes_GET_SIZE(reply)
    cdef Py_ssize_t total = 0, size, index = first
    cdef bytes made
    cdef char *at
    cdef char *start
    for payload in payloads:
        total += subject_bytes + reply_bytes + 56 + PyBytes_GET_SIZE(<bytes?>payload)
    made = PyBytes_FromStringAndSize(NULL, total)
    start = at = PyBytes_AS_STRING(made)
    for payload in payloads:
        size = PyBytes_GET_SIZE(<bytes>payload)
        memcpy(at, b"PUB ", 4)
        memcpy(at + 4, PyBytes_AS_STRING(subject), subject_bytes)
        at += 4 + subject_bytes
        at[0] = c" "
        memcpy(at + 1, PyBytes_AS_STRING(reply), reply_bytes)
        at = _put_number(at + 1 + reply_bytes, index)
        at[0] = c" "
        at = _put_number(at + 1, size)
        memcpy(at, b"\r\n", 2)
        memcpy(at + 2, PyBytes_AS_STRING(<bytes>payload), size)
        at += 2 + size
        memcpy(at, b"\r\n", 2)
        at += 2
        index += 1
    return memoryview(made)[: at - start]


cdef class NatsInbox:
    """Who takes the messages of one subscription."""

    cdef bint _dirty

    cdef int take(self, const char *subject, Py_ssize_t subject_bytes, const char *reply,
                  Py_ssize_t reply_bytes, const char *body, Py_ssize_t header_bytes,
                  Py_ssize_t body_bytes) except -1:
        """Take one message; `body` begins with the header."""
        return 0

    cdef int flush(self) except -1:
        return 0


@cython.final
cdef class Answers:
    """The answers to one batch: a sequence number each, or bytes that Python has to look at."""

    cdef readonly list results
    cdef readonly Py_ssize_t missing
    cdef object _done

    def __init__(self, Py_ssize_t count, done):
        self.results = [None] * count
        self.missing = count
        self._done = done


@cython.final
cdef class AnswerInbox(NatsInbox):
    """Takes answers at ``<prefix><batch>.<index>``."""

    cdef Py_ssize_t _prefix_bytes
    cdef dict _batches

    def __init__(self, Py_ssize_t prefix_bytes):
        self._prefix_bytes = prefix_bytes
        self._batches = {}

    def expect(self, Py_ssize_t batch, Answers answers not None):
        """Take the answers to a batch from now on."""
        self._batches[batch] = answers

    def forget(self, Py_ssize_t batch):
        """Take them no more."""
        self._batches.pop(batch, None)

    def abandon(self):
        """Tell everybody who waits that nothing more will come."""
        batches, self._batches = self._batches, {}
        for answers in batches.values():
            (<Answers>answers)._done()

    cdef int take(self, const char *subject, Py_ssize_t subject_bytes, const char *reply,
                  Py_ssize_t reply_bytes, const char *body, Py_ssize_t header_bytes,
                  Py_ssize_t body_bytes) except -1:
        cdef Py_ssize_t at = self._prefix_bytes, batch = 0, index = 0
        cdef int64_t seq
        cdef Answers answers
        while at < subject_bytes and subject[at] != c".":
            batch = batch * 10 + (subject[at] - c"0")
            at += 1
        at += 1
        while at < subject_bytes:
            index = index * 10 + (subject[at] - c"0")
            at += 1
        answers = self._batches.get(batch)
        if answers is None or not 0 <= index < len(answers.results):
            return 0
        if answers.results[index] is not None:
            return 0
        seq = -1 if header_bytes else _ack_seq(body, body_bytes)
        if seq >= 0:
            answers.results[index] = seq
        else:
            answers.results[index] = PyBytes_FromStringAndSize(body, body_bytes)
        answers.missing -= 1
        if answers.missing == 0:
            del self._batches[batch]
            answers._done()
        return 0


cdef int64_t _ack_seq(const char *body, Py_ssize_t size) noexcept:
    """The sequence number of ``{"stream":"...", "seq":12, ...}``; -1 for anything else."""
    cdef Py_ssize_t at = 11
    cdef int64_t seq = 0
    if size < 20 or memcmp(body, b'{"stream":"', 11) != 0:
        return -1
    while at < size and body[at] != c'"':
        at += 1
    at += 1
    while at < size and (body[at] == c"," or body[at] == c" "):
        at += 1
    if at + 6 >= size or memcmp(body + at, b'"seq":', 6) != 0:
        return -1
    at += 6
    while at < size and body[at] == c" ":
        at += 1
    if at >= size or not c"0" <= body[at] <= c"9":
        return -1
    while at < size and c"0" <= body[at] <= c"9":
        seq = seq * 10 + (body[at] - c"0")
        at += 1
    return seq


@cython.final
cdef class MessageInbox(NatsInbox):
    """Makes messages of what a consumer is sent, and hands them over once per read."""

    cdef Window _owner
    cdef object _deliver
    cdef list _messages
    cdef list _statuses

    def __init__(self, Window owner not None, deliver):
        self._owner = owner
        self._deliver = deliver
        self._messages = []
        self._statuses = []

    cdef int take(self, const char *subject, Py_ssize_t subject_bytes, const char *reply,
                  Py_ssize_t reply_bytes, const char *body, Py_ssize_t header_bytes,
                  Py_ssize_t body_bytes) except -1:
        cdef JetStreamMessage message
        cdef int64_t deliveries, seq, timestamp
        self._dirty = True
        if not _parse_reply(reply, reply_bytes, &deliveries, &seq, &timestamp):
            self._statuses.append(PyBytes_FromStringAndSize(body, header_bytes))
            return 0
        message = JetStreamMessage.__new__(JetStreamMessage)
        message.token = PyBytes_FromStringAndSize(reply, reply_bytes)
        message.deliveries = deliveries
        message._seq = seq
        message._timestamp = timestamp
        message._owner = self._owner
        if header_bytes:
            message._raw_headers = PyBytes_FromStringAndSize(body, header_bytes)
        message.payload = PyBytes_FromStringAndSize(body + header_bytes, body_bytes - header_bytes)
        self._messages.append(message)
        return 0

    cdef int flush(self) except -1:
        cdef double now = monotonic_s()
        cdef double deadline = now + self._owner.ack_wait
        cdef JetStreamMessage message
        messages, self._messages = self._messages, []
        statuses, self._statuses = self._statuses, []
        for message in messages:
            message.started = now
            message.deadline = deadline
        self._deliver(messages, statuses)
        return 0


cdef bint _parse_reply(const char *reply, Py_ssize_t size, int64_t *deliveries, int64_t *seq,
                       int64_t *timestamp) noexcept:
    """``$JS.ACK.stream.consumer.deliveries.seq.consumer_seq.timestamp.pending``; newer servers put
    the domain and a hash of the account in front of the stream, and a token at the end."""
    cdef Py_ssize_t starts[16]
    cdef Py_ssize_t count = 1, at, base
    if size < 8 or memcmp(reply, b"$JS.ACK.", 8) != 0:
        return False
    starts[0] = 0
    for at in range(size):
        if reply[at] == c".":
            if count == 16:
                return False
            starts[count] = at + 1
            count += 1
    if count < 9:
        return False
    base = 4 if count == 9 else 6
    deliveries[0] = _number(reply + starts[base])
    seq[0] = _number(reply + starts[base + 1])
    timestamp[0] = _number(reply + starts[base + 3])
    return True


cdef int64_t _number(const char *at) noexcept:
    cdef int64_t value = 0
    while c"0" <= at[0] <= c"9":
        value = value * 10 + (at[0] - c"0")
        at += 1
    return value


@cython.final
cdef class NatsFeed:
    """Cuts what a socket gave into operations, and takes the messages of known inboxes.

    Everything else (INFO, PING, errors, other subscriptions) comes back, one
    complete operation at a time.
    """

    cdef dict _inboxes
    cdef list _parts
    cdef Py_ssize_t _size, _wanted
    cdef list _dirty

    def __cinit__(self):
        self._inboxes = {}
        self._dirty = []
        self.reset()

    def add(self, int sid, NatsInbox inbox not None):
        """Have `inbox` take the messages of a subscription."""
        self._inboxes[sid] = inbox

    def remove(self, int sid):
        """Take them no more."""
        self._inboxes.pop(sid, None)

    def reset(self):
        """Forget what was begun: the connection is another."""
        self._parts = []
        self._size = 0
        self._wanted = 0

    def run(self, bytes data not None):
        """Take in `data`; return an operation that is not ours, or None."""
        cdef bytes buffer
        self._parts.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return None
        buffer = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        try:
            return self._run(buffer)
        finally:
            self._flush()

    cdef int _flush(self) except -1:
        cdef NatsInbox inbox
        dirty, self._dirty = self._dirty, []
        for inbox in dirty:
            inbox._dirty = False
            inbox.flush()
        return 0

    cdef object _keep(self, bytes buffer, Py_ssize_t at, Py_ssize_t wanted):
        self._parts = [buffer[at:]] if at < len(buffer) else []
        self._size = len(buffer) - at
        self._wanted = wanted

    cdef object _run(self, bytes buffer):
        cdef const char *data = PyBytes_AS_STRING(buffer)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(buffer), at = 0, end, total, i, count
        cdef Py_ssize_t starts[8]
        cdef Py_ssize_t ends[8]
        cdef Py_ssize_t header_bytes, body_bytes
        cdef const char *found
        cdef bint with_header, has_reply
        cdef NatsInbox inbox
        while at < size:
            found = <const char *>memchr(data + at, c"\n", size - at)
            if found == NULL:
                self._keep(buffer, at, 0)
                return None
            end = found - data + 1
            with_header = data[at] == c"H"
            if not (size - at > 5 and (memcmp(data + at, b"MSG ", 4) == 0
                                       or memcmp(data + at, b"HMSG ", 5) == 0)):
                self._keep(buffer, end, 0)
                return buffer[at:end]
            # MSG subject sid [reply] bytes, HMSG subject sid [reply] header_bytes bytes
            count = 0
            i = at
            while i < end and count < 8:
                while i < end and (data[i] == c" " or data[i] == c"\r" or data[i] == c"\n"):
                    i += 1
                if i == end:
                    break
                starts[count] = i
                while data[i] != c" " and data[i] != c"\r" and data[i] != c"\n":
                    i += 1
                ends[count] = i
                count += 1
            if not 4 + with_header <= count <= 5 + with_header:
                self._keep(buffer, end, 0)
                return buffer[at:end]  # nats-py says what is wrong with it
            has_reply = count == 5 + with_header
            body_bytes = _number(data + starts[count - 1])
            header_bytes = _number(data + starts[count - 2]) if with_header else 0
            total = end + body_bytes + 2
            if total > size:
                self._keep(buffer, at, total - at)
                return None
            inbox = self._inboxes.get(_number(data + starts[2]))
            if inbox is None or header_bytes > body_bytes:
                self._keep(buffer, total, 0)
                return buffer[at:total]
            inbox.take(
                data + starts[1], ends[1] - starts[1],
                data + starts[3] if has_reply else NULL,
                ends[3] - starts[3] if has_reply else 0,
                data + end, header_bytes, body_bytes,
            )
            if inbox._dirty and inbox not in self._dirty:
                self._dirty.append(inbox)
            at = total
        self._keep(buffer, at, 0)
        return None
