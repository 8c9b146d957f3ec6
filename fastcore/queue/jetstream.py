"""NATS JetStream: a stream for each stream, a durable pull consumer for each group.

A stream takes the subject of its name; its own name, which may hold no dots, has
``=`` in their place, and so have the names of durable consumers. Other programs
may publish to the subject, and read the stream.

`max_deliver` is kept by the clients, not by the server, which would leave such
messages where nobody sees them: the server delivers once more, and the client
that receives it moves the message to the dead letters.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from fastcore._native.queue import Message, encode_pubs
from fastcore.errors import (
    BackendUnavailable,
    GroupMismatch,
    PayloadTooLarge,
    QueueError,
    StorageFull,
)
from fastcore.queue.backend import Backoff, Headers, Options, Pending, Sink
from fastcore.queue.names import dead_headers, dead_id, dead_stream
from fastcore.queue.settings import Settings

try:
    from fastcore.queue._nats import ApiError, NatsConnection
except ImportError as missing:
    raise QueueError(
        "the JetStream backend needs nats-py: pip install 'fastcore-native[queue]'"
    ) from missing

__all__ = ["JetStreamBackend"]

log = logging.getLogger("fastcore.queue")

CAPABILITIES = frozenset(
    {"ordered", "dedup", "delay", "replay", "headers", "groups", "dead_letters", "networked"}
)
CHUNK_MESSAGES = 8192  # published before the first of them must be confirmed
CHUNK_BYTES = 8 * 1024 * 1024
PULL_EXPIRES_S = 30
NO_MESSAGE, NO_CONSUMER, NO_STREAM = 10037, 10014, 10059
STREAM_EXISTS = 10058
SUBJECT_TAKEN = 10065


class JetStreamBackend:
    """Streams of a NATS server."""

    name = "jetstream"
    capabilities = CAPABILITIES

    def __init__(self, settings: Settings) -> None:
        assert settings.nats_url is not None
        self.settings = settings
        self.connection = NatsConnection(settings.nats_url, settings.timeout)
        self._streams: set[str] = set()
        self._subscriptions: set[_Subscription] = set()

    @property
    def reconnects(self) -> int:
        return self.connection.reconnects

    async def open(self) -> None:
        await self.connection.open()
        try:
            await self.connection.api("INFO")
        except BaseException:
            await self.connection.close()
            raise

    async def close(self) -> None:
        for subscription in list(self._subscriptions):
            await subscription.close()
        await self.connection.close()

    def unsubscribed(self, subscription: _Subscription) -> None:
        self._subscriptions.discard(subscription)

    # ---- streams and consumers of the server

    async def make_stream(self, stream: str) -> None:
        """Make a stream, unless it is there."""
        if stream in self._streams:
            return
        settings = self.settings
        config = {
            "name": escaped(stream),
            "subjects": [stream],
            "retention": "limits",
            "storage": "file",
            "discard": "old",
            "max_msgs": settings.max_messages or -1,
            "max_bytes": -1,
            "max_age": 0,
            "max_consumers": -1,
            "num_replicas": 1,
            "duplicate_window": int(settings.dedup_window * 1e9),
        }
        try:
            await self.connection.api(f"STREAM.CREATE.{escaped(stream)}", config)
        except ApiError as error:
            if error.code == SUBJECT_TAKEN:
                raise GroupMismatch(
                    f"stream {stream!r}: another JetStream stream takes this subject; use another "
                    f"name, or remove the subject there"
                ) from None
            if error.code != STREAM_EXISTS:
                raise
            known = await self.connection.api(f"STREAM.INFO.{escaped(stream)}")
            if stream not in known["config"].get("subjects", ()):
                raise GroupMismatch(
                    f"stream {stream!r}: JetStream has a stream {escaped(stream)!r} that does not "
                    f"take the subject {stream!r}; use another name"
                ) from None
        self._streams.add(stream)

    async def make_group(self, stream: str, group: str, ack_wait: float) -> None:
        """Make a durable pull consumer, unless it is there."""
        await self.make_stream(stream)
        path = f"{escaped(stream)}.{escaped(group)}"
        config: dict[str, Any] = {
            "durable_name": escaped(group),
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": int(ack_wait * 1e9),
            "max_deliver": -1,
            "max_ack_pending": -1,
            "replay_policy": "instant",
        }
        try:
            known = (await self.connection.api(f"CONSUMER.INFO.{path}"))["config"]
        except ApiError as error:
            if error.code == NO_STREAM:
                self._streams.discard(stream)
                return await self.make_group(stream, group, ack_wait)
            if error.code != NO_CONSUMER:
                raise
        else:
            if known.get("deliver_subject") or known.get("ack_policy") != "explicit":
                raise GroupMismatch(
                    f"group {group!r} of stream {stream!r}: JetStream has a consumer of this name "
                    f"that pushes, or takes no acknowledgments; use another group, or delete it"
                )
            if known.get("ack_wait") == config["ack_wait"]:
                return None
            config = {**known, "ack_wait": config["ack_wait"]}
        request = {"stream_name": escaped(stream), "config": config}
        await self.connection.api(f"CONSUMER.DURABLE.CREATE.{path}", request)
        return None

    # ---- the verbs

    async def publish(
        self,
        stream: str,
        payloads: list[bytes],
        ids: Sequence[str | None] | None,
        headers: list[Headers] | None,
    ) -> list[str]:
        await self.connection.ready()
        if stream not in self._streams:
            await self.make_stream(stream)
        most = self.connection.client.max_payload
        if max(map(len, payloads)) > most:
            raise PayloadTooLarge(
                f"publish to {stream!r}: a payload of {max(map(len, payloads))} bytes is over the "
                f"server's max_payload of {most}; raise that, or store the payload elsewhere and "
                f"publish where it is"
            )
        subject = stream.encode()
        encode: Callable[[int, int, bytes], bytes | memoryview]
        if ids is None and headers is None:

            def encode(start: int, stop: int, reply: bytes) -> bytes | memoryview:
                return encode_pubs(subject, reply, 0, payloads[start:stop])
        else:
            none: list[None] = [None] * len(payloads)
            blocks = [
                _header_block(id, fields)
                for id, fields in zip(ids or none, headers or none, strict=True)
            ]

            def encode(start: int, stop: int, reply: bytes) -> bytes | memoryview:
                parts = [
                    _publication(subject, b"%b%d" % (reply, index), block, payload)
                    for index, (block, payload) in enumerate(
                        zip(blocks[start:stop], payloads[start:stop], strict=True)
                    )
                ]
                return b"".join(parts)

        stored: list[str] = []
        start = 0
        for stop in _chunks(payloads):
            answers, _ = await self.connection.ask(
                lambda reply, start=start, stop=stop: encode(start, stop, reply),  # type: ignore[misc]
                stop - start,
            )
            stored += self._stored(stream, answers, len(payloads), len(stored))
            await self.connection.client.drained()
            start = stop
        return stored

    def _stored(
        self, stream: str, answers: list[int | bytes | None], total: int, before: int
    ) -> list[str]:
        """Return the ids of a batch, or raise where one was not stored, or nobody knows."""
        if all(type(answer) is int for answer in answers):
            return list(map(str, answers))
        confirmed = before + sum(isinstance(answer, int) for answer in answers)
        some = f"publish to {stream!r}: {confirmed} of {total} messages are confirmed"
        for answer in answers:
            if isinstance(answer, bytes):
                if answer.startswith(b"NATS/1.0 503"):
                    self._streams.discard(stream)  # it was deleted: the next publish makes it
                    raise BackendUnavailable(
                        f"{some}; no stream takes the others: JetStream starts, or somebody "
                        f"deleted it"
                    )
                text = answer.decode("utf-8", "replace")[:300]
                if "insufficient" in text or "maximum" in text:
                    raise StorageFull(f"{some}; JetStream stores no more: {text}")
                raise QueueError(f"{some}; JetStream says: {text}")
        raise BackendUnavailable(
            f"{some} by NATS at {self.connection.where} within {self.settings.timeout:g} s; the "
            f"others may have been stored or not"
        )

    async def subscribe(
        self, stream: str, group: str, options: Options, sink: Sink
    ) -> _Subscription:
        await self.make_group(stream, group, options.ack_wait)
        made = _Subscription(self, stream, group, options, sink)
        await made.open()
        self._subscriptions.add(made)
        return made

    async def pending(self, stream: str, group: str) -> Pending:
        name = escaped(stream)
        try:
            known = await self.connection.api(f"CONSUMER.INFO.{name}.{escaped(group)}")
        except ApiError as error:
            if error.code == NO_STREAM:
                return Pending(0, 0, None)
            if error.code != NO_CONSUMER:
                raise
            state = (await self.connection.api(f"STREAM.INFO.{name}"))["state"]
            lag, in_flight, first = state["messages"], 0, 0
        else:
            lag, in_flight = known["num_pending"], known["num_ack_pending"]
            first = known["ack_floor"]["stream_seq"]
        if not lag and not in_flight:
            return Pending(0, 0, None)
        request = {"seq": first + 1, "next_by_subj": stream}
        try:
            found = await self.connection.api(f"STREAM.MSG.GET.{name}", request)
        except ApiError as error:
            if error.code != NO_MESSAGE:  # trimmed in between
                raise
            return Pending(lag, in_flight, None)
        return Pending(lag, in_flight, _nanoseconds(found["message"]["time"]))


class _Subscription:
    """A consumer: an inbox, and a pull request that is open while messages are wanted."""

    def __init__(
        self,
        backend: JetStreamBackend,
        stream: str,
        group: str,
        options: Options,
        sink: Sink,
    ) -> None:
        self._backend = backend
        self._connection = backend.connection
        self._stream = stream
        self._group = group
        self._options = options
        self._sink = sink
        self._doing = f"consume {stream!r}, group {group!r}"
        path = f"{escaped(stream)}.{escaped(group)}"
        self._pull = f"PUB $JS.API.CONSUMER.MSG.NEXT.{path} ".encode()
        self._inbox = b""
        self._listening: Any = None
        self._wanted = 0
        self._posted: bytes | None = None  # the last acknowledgment sent without asking
        self._open = 0  # how many messages the server will still send
        self._expires = 0.0
        self._pausing: asyncio.TimerHandle | None = None
        self._backoff = Backoff(first=0.05)
        self._giving_up: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.get_running_loop()
        self._closed = False

    async def open(self) -> None:
        """Make the inbox."""
        self._inbox, self._listening = await self._connection.listen(
            self._sink.window, self._arrived
        )
        self._connection.watch(self._up, self._down)

    # ---- reading

    def request(self, limit: int, acks: list[bytes]) -> None:
        self._wanted = limit
        if acks:
            self._posted = acks[-1]
        data = _settlements(acks, b"")
        if self._open <= 0 or self._loop.time() > self._expires:
            data += self._pull_request(limit)
        if data:
            self._send(data)

    def _pull_request(self, limit: int) -> bytes:
        self._open = limit
        self._expires = self._loop.time() + PULL_EXPIRES_S + 1
        body = b'{"batch":%d,"expires":%d}' % (limit, PULL_EXPIRES_S * 10**9)
        return b"%b%b %d\r\n%b\r\n" % (self._pull, self._inbox, len(body), body)

    def _send(self, data: bytes) -> None:
        try:
            self._connection.client.send(data)
        except BackendUnavailable:
            self._open = 0  # _up asks again; acknowledgments lost here are delivered again

    def _pull_again(self) -> None:
        if self._wanted and not self._closed and self._open <= 0:
            self._send(self._pull_request(self._wanted))

    def _arrived(self, messages: list[Message], statuses: list[bytes]) -> None:
        if messages:
            self._open -= len(messages)
            self._backoff.reset()
            most = self._options.max_deliver
            if dead_stream(self._stream) is not None:
                spent = [message for message in messages if message.deliveries > most]
                if spent:
                    messages = [message for message in messages if message.deliveries <= most]
                    self._spawn(self._bury_all(spent))
        if messages:
            self._wanted = 0
            self._sink.deliver(messages)
        for status in statuses:
            self._hear(status.decode("utf-8", "replace"))
        if self._wanted and self._open <= 0 and self._pausing is None:
            self._pull_again()

    def _hear(self, status: str) -> None:
        """Act on what the server says instead of a message."""
        code = status[9:12]
        self._open = 0
        if code not in ("404", "408"):  # the consumer is gone, the server leaves, too many wait
            log.info("%s: %s", self._doing, status.splitlines()[0])
            self._pause()

    def _pause(self) -> None:
        if self._pausing is None and not self._closed:
            self._pausing = self._loop.call_later(self._backoff.pause(), self._after_pause)

    def _after_pause(self) -> None:
        self._spawn(self._renew_group())

    async def _renew_group(self) -> None:
        try:
            await self._backend.make_group(self._stream, self._group, self._options.ack_wait)
        except BackendUnavailable:
            self._pausing = None
            self._pause()
        except QueueError as error:
            self._pausing = None
            self._sink.fail(error)
        else:
            self._pausing = None
            self._pull_again()

    def _up(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None
        self._open = 0
        self._pull_again()

    def _down(self) -> None:
        self._open = 0
        if self._giving_up is None and not self._closed:
            patience = self._backend.settings.give_up
            self._giving_up = self._loop.call_later(patience, self._give_up)

    def _give_up(self) -> None:
        self._giving_up = None
        patience = self._backend.settings.give_up
        self._sink.fail(
            BackendUnavailable(
                f"{self._doing}: NATS at {self._connection.where} is gone for {patience:g} s"
            )
        )

    # ---- settling

    def post(self, acks: list[bytes]) -> None:
        self._posted = acks[-1]
        self._send(_settlements(acks, b""))

    async def _confirm(self, tokens: Sequence[bytes], what: bytes) -> None:
        """Settle, and wait until the server has said so; again if the connection is lost."""

        def encode(reply: bytes) -> bytes:
            parts = [
                b"PUB %b %b%d %d\r\n%b\r\n" % (token, reply, index, len(what), what)
                for index, token in enumerate(tokens)
            ]
            return b"".join(parts)

        for _ in range(2):
            answers, complete = await self._connection.ask(encode, len(tokens))
            if complete:
                return
            missing = zip(tokens, answers, strict=True)
            tokens = [token for token, answer in missing if answer is None]
        raise BackendUnavailable(
            f"{self._doing}: NATS at {self._connection.where} did not confirm "
            f"{len(tokens)} acknowledgments"
        )

    async def ack(self, tokens: Sequence[bytes]) -> None:
        # The server takes acknowledgments in order: one that is confirmed stands for those before,
        # and acknowledging twice does no harm.
        if self._posted is not None:
            tokens = [self._posted, *tokens]
        if tokens:
            await self._confirm(tokens, b"+ACK")
        self._posted = None

    async def term(self, tokens: Sequence[bytes]) -> None:
        await self._confirm(tokens, b"+TERM")

    async def nak(self, messages: Sequence[Message], delay: float, *, uncount: bool) -> None:
        what = b'-NAK {"delay":%d}' % int(delay * 1e9) if delay else b"-NAK"
        await self._confirm([message.token for message in messages], what)

    async def renew(self, tokens: Sequence[bytes]) -> None:
        await self._confirm(tokens, b"+WPI")

    async def bury(self, message: Message, reason: str) -> None:
        await self._bury(message, message.deliveries, reason)

    async def _bury(self, message: Message, deliveries: int, reason: str) -> None:
        target = dead_stream(self._stream)
        assert target is not None
        about = dead_headers(self._stream, self._group, message.id, deliveries, reason)
        await self._backend.publish(
            target,
            [message.payload],
            [dead_id(self._group, message.id)],
            [{**message.headers, **about}],
        )
        await self.term([message.token])

    async def _bury_all(self, spent: Sequence[Message]) -> None:
        for message in spent:
            try:
                await self._bury(message, message.deliveries - 1, "max_deliver")
            except QueueError as error:
                log.warning("%s: moving to the dead letters: %s", self._doing, error)

    # ---- the end

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._wanted = 0
        self._backend.unsubscribed(self)
        self._connection.unwatch(self._up, self._down)
        for timer in (self._pausing, self._giving_up):
            if timer is not None:
                timer.cancel()
        await self._connection.leave(self._listening)

    def _spawn(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def escaped(name: str) -> str:
    """Return a name that JetStream takes for a stream or a consumer; no two give the same."""
    return name.replace(".", "=")


def _chunks(payloads: list[bytes]) -> list[int]:
    """Return where each chunk ends."""
    stops: list[int] = []
    count = size = 0
    for index, payload in enumerate(payloads):
        count += 1
        size += len(payload)
        if count == CHUNK_MESSAGES or size >= CHUNK_BYTES:
            stops.append(index + 1)
            count = size = 0
    if count:
        stops.append(len(payloads))
    return stops


def _header_block(id: str | None, headers: Headers) -> bytes:
    """Return the headers of a message, b"" for none."""
    if id is None and not headers:
        return b""
    lines = ["NATS/1.0"]
    if id is not None:
        lines.append(f"Nats-Msg-Id: {id}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode()


def _publication(subject: bytes, reply: bytes, block: bytes, payload: bytes) -> bytes:
    if not block:
        return b"PUB %b %b %d\r\n%b\r\n" % (subject, reply, len(payload), payload)
    size = len(block)
    head = b"HPUB %b %b %d %d\r\n" % (subject, reply, size, size + len(payload))
    return b"".join((head, block, payload, b"\r\n"))


def _settlements(tokens: Sequence[bytes], what: bytes) -> bytes:
    """Return what settles messages without an answer; an empty body acknowledges."""
    tail = b" %d\r\n%b\r\n" % (len(what), what)
    return b"".join([b"PUB " + token + tail for token in tokens])


def _nanoseconds(text: str) -> int:
    """Return a time of JetStream's, which has up to nine digits after the second."""
    seconds, _, fraction = text.rstrip("Z").partition(".")
    whole = int(datetime.fromisoformat(f"{seconds}+00:00").timestamp())
    return whole * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)
