"""Redis Streams: XADD, XREADGROUP, XACK, XAUTOCLAIM, and sorted sets for delays.

    <stream>                  the stream; a message is an entry with the field "payload", and
                              "headers", in JSON, where it has some
    {<stream>}:id:<id>        which entry an id gave, for the dedup window
    {<stream>}:delay:<group>  when messages given back with a delay are due

One connection serves everything that answers at once. Each consumer reads on one
of its own, where it may block; its acknowledgments go ahead of the read.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import orjson

from fastcore._native.queue import Message, encode_xadds, redis_messages
from fastcore.errors import AuthenticationFailed, BackendUnavailable, PayloadTooLarge
from fastcore.queue._redis_scripts import CLAIM, GIVE_BACK, PUBLISH_ONCE, Script
from fastcore.queue._resp import RedisConnection, RedisConnector, command, error_of
from fastcore.queue.backend import Backoff, Headers, Options, Pending, Sink
from fastcore.queue.names import dead_headers, dead_id, dead_stream
from fastcore.queue.settings import Settings

__all__ = ["RedisBackend"]

log = logging.getLogger("fastcore.queue")

CAPABILITIES = frozenset(
    {
        "ordered",
        "dedup",
        "delay",
        "replay",
        "headers",
        "groups",
        "dead_letters",
        "networked",
        "uncounted_return",
    }
)
PAYLOAD_BYTES_MAX = 512 * 1024 * 1024 - 1024  # proto-max-bulk-len
BLOCK_MS = 5000
CLAIM_EVERY_S = (0.02, 1.0)  # a quarter of ack_wait, within this
COUNT_PAGE = 10_000

_T = TypeVar("_T")


class RedisBackend:
    """Streams of a Redis server."""

    name = "redis"
    capabilities = CAPABILITIES

    def __init__(self, settings: Settings) -> None:
        assert settings.redis_url is not None
        self.settings = settings
        self.reconnects = 0
        self.connector = RedisConnector(settings.redis_url, settings.timeout)
        self._connection: RedisConnection | None = None
        self._connecting = asyncio.Lock()
        self._subscriptions: set[_Subscription] = set()
        self._closed = False

    async def open(self) -> None:
        self._connection = await self.connector.connect()

    async def close(self) -> None:
        self._closed = True
        for subscription in list(self._subscriptions):
            await subscription.close()
        if self._connection is not None:
            self._connection.close()

    async def connected(self) -> RedisConnection:
        """Return the shared connection, making it anew where it was lost."""
        connection = self._connection
        if connection is not None and not connection.lost:
            return connection
        async with self._connecting:
            if self._connection is None or self._connection.lost:
                made = await persist(self.connector.connect, self.settings.timeout)
                self._connection = made
                self.reconnects += 1
            return self._connection

    async def script(
        self, script: Script, keys: Sequence[str], arguments: Sequence[Any], doing: str
    ) -> Any:
        """Run a script, and return what it returns."""
        connection = await self.connected()
        (reply,) = await connection.call(_script_call(script.sha, b"EVALSHA", keys, arguments))
        if connection.is_error(reply, "NOSCRIPT"):
            (reply,) = await connection.call(_script_call(script.text, b"EVAL", keys, arguments))
        connection.check([reply], doing)
        return reply

    # ---- the verbs

    async def publish(
        self,
        stream: str,
        payloads: list[bytes],
        ids: Sequence[str | None] | None,
        headers: list[Headers] | None,
    ) -> list[str]:
        for payload in payloads:
            if len(payload) > PAYLOAD_BYTES_MAX:
                raise PayloadTooLarge(
                    f"publish to {stream!r}: a payload of {len(payload)} bytes is over Redis's "
                    f"limit of 512 MiB; store it elsewhere and publish where it is"
                )
        doing = f"publish to {stream!r}"
        connection = await self.connected()
        if ids is None and headers is None:
            data: bytes | memoryview = encode_xadds(self._xadd_head(stream), payloads)
        else:
            if ids is not None:
                loaded = await connection.call(command(b"SCRIPT", b"LOAD", PUBLISH_ONCE.text))
                connection.check(loaded, doing)
            none: list[None] = [None] * len(payloads)
            triples = zip(payloads, ids or none, headers or none, strict=True)
            data = b"".join([self._xadd(stream, *each) for each in triples])
        replies = await connection.call(data, len(payloads))
        try:
            return list(map(bytes.decode, replies))
        except TypeError:
            connection.check(replies, doing)
            raise

    def _limit(self) -> tuple[str | int, ...]:
        most = self.settings.max_messages
        return () if most is None else ("MAXLEN", "~", most)

    def _xadd_head(self, stream: str) -> bytes:
        """Return a command that only lacks its last word, the payload."""
        words = ("XADD", stream, *self._limit(), "*", "payload", b"")
        return command(*words)[: -len(b"$0\r\n\r\n")]

    def _xadd(self, stream: str, payload: bytes, id: str | None, headers: Headers) -> bytes:
        fields: tuple[Any, ...] = ("*", b"payload", payload)
        if headers:
            fields += (b"headers", orjson.dumps(headers))
        if id is None:
            return command(b"XADD", stream, *self._limit(), *fields)
        window = int(self.settings.dedup_window * 1000)
        keys = (stream, f"{{{stream}}}:id:{id}")
        return _script_call(PUBLISH_ONCE.sha, b"EVALSHA", keys, (window, *self._limit(), *fields))

    async def subscribe(
        self, stream: str, group: str, options: Options, sink: Sink
    ) -> _Subscription:
        await self.make_group(stream, group)
        made = _Subscription(self, stream, group, options, sink)
        await made.connect()
        self._subscriptions.add(made)
        return made

    def unsubscribed(self, subscription: _Subscription) -> None:
        self._subscriptions.discard(subscription)

    async def make_group(self, stream: str, group: str) -> None:
        """Make a group that begins with the oldest message, unless it is there."""
        connection = await self.connected()
        (reply,) = await connection.call(
            command("XGROUP", "CREATE", stream, group, "0", "MKSTREAM")
        )
        if not connection.is_error(reply, "BUSYGROUP"):
            connection.check([reply], f"group {group!r} of stream {stream!r}")

    async def pending(self, stream: str, group: str) -> Pending:
        doing = f"pending of {stream!r}, group {group!r}"
        connection = await self.connected()
        summary, groups = await connection.call(
            command("XPENDING", stream, group) + command("XINFO", "GROUPS", stream), 2
        )
        known = None
        if not connection.is_error(groups, "ERR no such key"):
            connection.check([groups], doing)
            for each in groups:
                fields = dict(zip(each[::2], each[1::2], strict=True))
                if fields[b"name"] == group.encode():
                    known = fields
        if known is None:
            in_flight, oldest, last, lag = 0, None, b"0-0", None
        else:
            connection.check([summary], doing)
            in_flight, oldest = summary[0], summary[1]
            last, lag = known[b"last-delivered-id"], known.get(b"lag")
        if lag is None:
            lag = await self._count_after(connection, stream, last, doing)
        if oldest is None and lag:
            entries = await connection.one(
                command("XRANGE", stream, b"(" + last, "+", "COUNT", 1), doing
            )
            oldest = entries[0][0] if entries else None
        when = None if oldest is None else int(oldest.partition(b"-")[0]) * 1_000_000
        return Pending(lag, in_flight, when)

    async def _count_after(
        self, connection: RedisConnection, stream: str, last: bytes, doing: str
    ) -> int:
        """Count what was not delivered, where Redis does not say it (6.2, or after deletions)."""
        if last == b"0-0":
            total: int = await connection.one(command("XLEN", stream), doing)
            return total
        count = 0
        while True:
            page = await connection.one(
                command("XRANGE", stream, b"(" + last, "+", "COUNT", COUNT_PAGE), doing
            )
            count += len(page)
            if len(page) < COUNT_PAGE:
                return count
            last = page[-1][0]


class _Subscription:
    """A consumer: a connection that blocks, and a timer that looks for what is due again."""

    def __init__(
        self, backend: RedisBackend, stream: str, group: str, options: Options, sink: Sink
    ) -> None:
        self._backend = backend
        self._stream = stream
        self._group = group
        self._options = options
        self._sink = sink
        self._keys = (stream, f"{{{stream}}}:delay:{group}")
        self._doing = f"consume {stream!r}, group {group!r}"
        self._loop = asyncio.get_running_loop()
        self._connection: RedisConnection | None = None
        self._client_id = 0
        self._wanted = 0  # how many messages are asked for and have not come
        self._asked = 0  # how many the read that blocks asks for; 0: there is none
        self._unconfirmed: list[bytes] = []  # acknowledgments that went ahead of that read
        least, most = CLAIM_EVERY_S
        self._claim_every = min(max(options.ack_wait / 4, least), most)
        self._claim_timer: asyncio.TimerHandle | None = None
        self._claim_cursor = b"0-0"
        self._claiming = False
        self._claim_due = True
        self._tasks: set[asyncio.Task[Any]] = set()
        self._posting: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def connect(self) -> None:
        """Open the connection that reads."""
        connection = await self._backend.connector.connect()
        try:
            # A server that is still loading answers the first of these, and refuses the second.
            self._client_id = await connection.one(command("CLIENT", "ID"), self._doing)
            await connection.one(command("PING"), self._doing)
        except BaseException:
            connection.close()
            raise
        connection.when_lost(self._lost)
        self._connection = connection

    # ---- reading

    def request(self, limit: int, acks: list[bytes]) -> None:
        self._wanted = limit
        if self._asked:
            if acks:
                self.post(acks)
        else:
            self._read(acks)
        if self._claim_due:
            self._claim()

    def _read(self, acks: list[bytes]) -> None:
        connection = self._connection
        self._unconfirmed = acks
        if connection is None or connection.lost:
            return  # _reconnect reads when it is there
        self._asked = self._wanted
        data = self._xack(acks) if acks else b""
        data += command(
            "XREADGROUP",
            "GROUP",
            self._group,
            self._options.consumer,
            "COUNT",
            self._asked,
            "BLOCK",
            BLOCK_MS,
            "STREAMS",
            self._stream,
            ">",
        )
        connection.send(data, 2 if acks else 1, self._answered, BLOCK_MS / 1000)

    def _answered(self, replies: list[Any] | None, error: Exception | None) -> None:
        self._asked = 0
        if replies is None:
            return  # the connection is lost: see _lost
        self._unconfirmed = []
        reply = replies[-1]
        if isinstance(reply, Exception):
            self._refused(reply)
        elif reply is None:
            if self._wanted and not self._closed:
                self._read([])
        else:
            self._deliver(reply[0][1], None)

    def _deliver(self, entries: list[Any], deliveries: list[int] | None) -> None:
        self._wanted = 0
        self._sink.deliver(redis_messages(self._sink.window, entries, deliveries, orjson.loads))

    def _refused(self, reply: Exception) -> None:
        if str(reply).startswith("NOGROUP"):  # the stream was deleted, and its groups with it
            self._spawn(self._begin_anew())
            return
        error = error_of(reply, self._doing)
        if type(error) is BackendUnavailable:  # it loads, or fails over: as if it were not there
            assert self._connection is not None
            self._connection.abort()
            return
        self._wanted = 0
        self._sink.fail(error)

    async def _begin_anew(self) -> None:
        try:
            await self._backend.make_group(self._stream, self._group)
        except Exception as error:
            self._sink.fail(error)
            return
        if self._wanted and not self._asked and not self._closed:
            self._read([])

    def _lost(self) -> None:
        self._asked = 0
        if not self._closed:
            self._backend.reconnects += 1
            self._spawn(self._reconnect())

    async def _reconnect(self) -> None:
        settings = self._backend.settings
        try:
            await persist(self.connect, settings.give_up)
        except Exception as error:
            self._wanted = 0
            self._sink.fail(error)
            return
        if self._closed:
            assert self._connection is not None
            self._connection.close()
        elif self._wanted and not self._asked:
            self._read(self._unconfirmed)

    # ---- what is due again

    def _claim(self) -> None:
        if self._claiming or self._closed:
            return
        if not self._wanted:
            self._claim_due = True
            return
        self._claiming = True
        self._claim_due = False
        if self._claim_timer is not None:
            self._claim_timer.cancel()
            self._claim_timer = None
        self._spawn(self._claim_now())

    async def _claim_now(self) -> None:
        pause = self._claim_every
        options = self._options
        try:
            found, delay, self._claim_cursor = await self._backend.script(
                CLAIM,
                self._keys,
                (
                    self._group,
                    options.consumer,
                    int(options.ack_wait * 1000),
                    self._wanted or options.batch,
                    self._claim_cursor,
                ),
                self._doing,
            )
            if delay >= 0:
                pause = min(pause, delay / 1000 + 0.001)
            if self._claim_cursor != b"0-0":
                pause = 0
            await self._claimed(found)
        except Exception as error:
            log.warning("%s: looking for what is due again: %s", self._doing, error)
        finally:
            self._claiming = False
            if not self._closed:
                self._claim_in(pause)

    async def _claimed(self, found: list[Any]) -> None:
        most = self._options.max_deliver
        target = dead_stream(self._stream)
        live = [each for each in found if target is None or each[2] <= most]
        if live:
            self._deliver([each[:2] for each in live], [each[2] for each in live])
        for id, fields, deliveries in found:
            if target is not None and deliveries > most:
                (dead,) = redis_messages(
                    self._sink.window, [[id, fields]], [deliveries - 1], orjson.loads
                )
                await self.bury(dead, "max_deliver")

    def _claim_in(self, pause: float) -> None:
        if self._claim_timer is not None:
            self._claim_timer.cancel()
        self._claim_timer = self._loop.call_later(pause, self._claim)

    # ---- settling

    def _xack(self, tokens: Sequence[bytes]) -> bytes:
        return command("XACK", self._stream, self._group, *tokens)

    def post(self, acks: list[bytes]) -> None:
        task = self._spawn(self._post(acks))
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    async def _post(self, acks: list[bytes]) -> None:
        try:
            await self._ack(acks)
        except Exception as error:
            log.warning("%s: not acknowledged, delivered again: %s", self._doing, error)

    async def ack(self, tokens: Sequence[bytes]) -> None:
        if self._posting:
            await asyncio.wait(set(self._posting))
        await self._ack(tokens)

    async def _ack(self, tokens: Sequence[bytes]) -> None:
        # What went ahead of a read that blocks was answered before it: only a lost connection
        # leaves it open.
        every = [*tokens, *self._unconfirmed]
        if every:
            await self._again(lambda c: c.one(self._xack(every), self._doing))

    async def term(self, tokens: Sequence[bytes]) -> None:
        await self.ack(tokens)

    async def nak(self, messages: Sequence[Message], delay: float, *, uncount: bool) -> None:
        arguments: list[Any] = [self._group, self._options.consumer, int(delay * 1000)]
        for message in messages:
            arguments += (message.token, message.deliveries - 1 if uncount else b"")
        await self._backend.script(GIVE_BACK, self._keys, arguments, self._doing)
        if not self._closed:
            self._claim_in(min(delay, self._claim_every))

    async def renew(self, tokens: Sequence[bytes]) -> None:
        await self._again(
            lambda c: c.one(
                command(
                    "XCLAIM",
                    self._stream,
                    self._group,
                    self._options.consumer,
                    0,
                    *tokens,
                    "JUSTID",
                ),
                self._doing,
            )
        )

    async def bury(self, message: Message, reason: str) -> None:
        target = dead_stream(self._stream)
        assert target is not None
        about = dead_headers(self._stream, self._group, message.id, message.deliveries, reason)
        await self._backend.publish(
            target,
            [message.payload],
            [dead_id(self._group, message.id)],
            [{**message.headers, **about}],
        )
        await self.ack([message.token])

    async def _again(self, ask: Callable[[RedisConnection], Awaitable[_T]]) -> _T:
        """Do what may be done twice, a second time where the connection was lost in between."""
        connection = await self._backend.connected()
        try:
            return await ask(connection)
        except AuthenticationFailed:
            raise
        except BackendUnavailable:
            return await ask(await self._backend.connected())

    # ---- the end

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._wanted = 0
        self._backend.unsubscribed(self)
        if self._claim_timer is not None:
            self._claim_timer.cancel()
        connection = self._connection
        if connection is None:
            return
        if self._asked and not connection.lost:
            # A reply may be on its way, with messages that only this consumer knows of.
            with contextlib.suppress(BackendUnavailable):
                shared = await self._backend.connected()
                await shared.call(command("CLIENT", "UNBLOCK", self._client_id))
                await connection.call(command("PING"))
        connection.close()

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _script_call(
    script: bytes, verb: bytes, keys: Sequence[str], arguments: Sequence[Any]
) -> bytes:
    return command(verb, script, len(keys), *keys, *arguments)


async def persist(make: Callable[[], Awaitable[_T]], patience: float) -> _T:
    """Return what `make` makes, trying again for `patience` seconds where there is no server."""
    backoff = Backoff()
    until = asyncio.get_running_loop().time() + patience
    while True:
        try:
            return await make()
        except AuthenticationFailed:
            raise
        except BackendUnavailable:
            pause = backoff.pause()
            if asyncio.get_running_loop().time() + pause > until:
                raise
            await asyncio.sleep(pause)
