"""A connection to Redis that sends a batch at once and takes replies as they come.

redis-py makes the connection: the address, TLS, the user, the password and the
database are its business. Then this protocol takes its place on the transport,
so that a batch costs one write, and its replies no task and no stream reader.
Commands are answered in order, so that waiting for replies is a queue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from fastcore.errors import (
    AuthenticationFailed,
    BackendUnavailable,
    GroupMismatch,
    QueueError,
    StorageFull,
)

__all__ = ["RedisConnection", "RedisConnector", "command", "error_of"]

Replies = Callable[["list[Any] | None", "Exception | None"], None]

WATCH_S = 0.25


def command(*words: bytes | str | int | float) -> bytes:
    """Return a command in RESP."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        data = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def error_of(reply: Exception, doing: str) -> Exception:
    """Return what a program gets for an error that Redis replied."""
    text = str(reply)
    kind = text.partition(" ")[0]
    if kind == "OOM":
        return StorageFull(f"{doing}: Redis is over its maxmemory and stores no more: {text}")
    if kind == "WRONGTYPE":
        return GroupMismatch(
            f"{doing}: the key holds something else than a stream; use another stream name, or "
            f"another database in redis_url"
        )
    if kind in ("NOAUTH", "WRONGPASS", "NOPERM"):
        return AuthenticationFailed(f"{doing}: Redis refuses this user: {text}")
    if kind in ("LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "MISCONF", "UNBLOCKED"):
        return BackendUnavailable(f"{doing}: Redis does not take this now: {text}")
    return QueueError(f"{doing}: Redis says: {text}")


class RedisConnector:
    """Makes connections, by way of redis-py."""

    def __init__(self, url: str, timeout: float) -> None:
        try:
            import hiredis
            from redis import asyncio as redis
        except ImportError as error:
            raise QueueError(
                "the Redis backend needs redis-py and hiredis: pip install 'fastcore-native[queue]'"
            ) from error
        self._hiredis = hiredis
        self._timeout = timeout
        try:
            self._pool: Any = redis.ConnectionPool.from_url(
                url,
                protocol=2,
                decode_responses=False,
                socket_connect_timeout=timeout,
                socket_timeout=timeout,
            )
        except ValueError:
            # Its message may repeat the URL, and with it the password.
            raise ValueError(
                "redis_url must be redis://[user:password@]host[:port][/db], rediss:// for TLS, or "
                "unix://[user:password@]path"
            ) from None
        known = self._pool.connection_kwargs
        self.where = str(known.get("path") or f"{known.get('host')}:{known.get('port', 6379)}")

    async def connect(self) -> RedisConnection:
        """Return a new connection; what is wrong says `where`, never the password."""
        from redis import exceptions

        made = self._pool.make_connection()
        try:
            await asyncio.wait_for(made.connect(), self._timeout)
        except (exceptions.AuthenticationError, exceptions.AuthorizationError) as error:
            await _drop(made)
            raise AuthenticationFailed(
                f"Redis at {self.where} refuses the user or password of redis_url "
                f"({type(error).__name__})"
            ) from None
        except (exceptions.RedisError, OSError, asyncio.TimeoutError) as error:
            await _drop(made)
            raise BackendUnavailable(
                f"no Redis server answers at {self.where} ({_reason(error)}); is it running, and "
                f"is redis_url right (rediss:// for TLS)?"
            ) from None
        # redis-py forgets the streams; they stay referenced, as one that is dropped closes its
        # transport.
        writer, made._reader, made._writer = made._writer, None, None
        protocol = RedisConnection(writer, self._hiredis, self._timeout, self.where)
        writer.transport.set_protocol(protocol)
        return protocol


async def _drop(connection: Any) -> None:
    await connection.disconnect(nowait=True)


def _reason(error: BaseException) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    if isinstance(error, asyncio.TimeoutError):
        return "no answer in time"
    return type(cause or error).__name__


class RedisConnection(asyncio.Protocol):
    """An open connection."""

    def __init__(
        self, writer: asyncio.StreamWriter, hiredis: Any, timeout: float, where: str
    ) -> None:
        self._writer = writer
        self._transport = writer.transport
        self._error_type = hiredis.ReplyError
        self._reader = hiredis.Reader()
        self._timeout = timeout
        self._where = where
        self._loop = asyncio.get_running_loop()
        # Batches that wait for replies: how many are missing, those there are, whom to tell.
        self._waiting: deque[tuple[int, list[Any], Replies, float]] = deque()
        self._on_lost: Callable[[], None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.lost = False

    def when_lost(self, call: Callable[[], None]) -> None:
        """Have `call` called once, when the connection is lost."""
        if self.lost:
            self._loop.call_soon(call)
        else:
            self._on_lost = call

    def send(
        self, data: bytes | memoryview, count: int, replies: Replies, patience: float = 0.0
    ) -> None:
        """Send `count` commands; `replies` gets their answers, or an error.

        `patience`: how long the server may block on purpose.
        """
        if self.lost:
            replies(None, self._gone("not sent: nothing was stored"))
            return
        deadline = self._loop.time() + self._timeout + patience
        self._waiting.append((count, [], replies, deadline))
        if self._watch is None:
            self._watch = self._loop.call_later(WATCH_S, self._look)
        self._transport.write(data)

    async def call(self, data: bytes | memoryview, count: int = 1) -> list[Any]:
        """Send `count` commands, and return their replies; errors are among these."""
        waiter: asyncio.Future[list[Any]] = self._loop.create_future()

        def replies(got: list[Any] | None, error: Exception | None) -> None:
            if waiter.done():
                return
            if error is not None:
                waiter.set_exception(error)
            else:
                assert got is not None
                waiter.set_result(got)

        self.send(data, count, replies)
        return await waiter

    async def one(self, data: bytes, doing: str) -> Any:
        """Send a command and return its reply; an error is raised."""
        (reply,) = await self.call(data)
        if isinstance(reply, self._error_type):
            raise error_of(reply, doing)
        return reply

    def check(self, replies: Sequence[Any], doing: str) -> None:
        """Raise the first error among replies."""
        for reply in replies:
            if isinstance(reply, self._error_type):
                raise error_of(reply, doing)

    def is_error(self, reply: Any, kind: str) -> bool:
        """Whether a reply is an error of this kind."""
        return isinstance(reply, self._error_type) and str(reply).startswith(kind)

    # ---- what the transport calls

    def data_received(self, data: bytes) -> None:
        reader, waiting = self._reader, self._waiting
        reader.feed(data)
        while waiting:
            count, got, replies, _ = waiting[0]
            while len(got) < count:
                try:
                    reply = reader.gets()
                except Exception:  # hiredis.ProtocolError: not Redis, or bytes went missing
                    self.abort()
                    return
                if reply is False:
                    return
                got.append(reply)
            waiting.popleft()
            replies(got, None)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if self._watch is not None:
            self._watch.cancel()
        waiting, self._waiting = self._waiting, deque()
        for _, _, replies, _ in waiting:
            replies(None, self._gone("the connection was lost before the answer came"))
        if self._on_lost is not None:
            self._on_lost()

    def _look(self) -> None:
        """Give up on a server that has stopped answering."""
        self._watch = None
        if not self._waiting:
            return
        if self._waiting[0][3] < self._loop.time():
            self.abort()
            return
        self._watch = self._loop.call_later(WATCH_S, self._look)

    def _gone(self, what: str) -> BackendUnavailable:
        return BackendUnavailable(f"Redis at {self._where}: {what}")

    def abort(self) -> None:
        """Drop the connection without a word."""
        self._transport.abort()

    def close(self) -> None:
        """Close the connection."""
        self._on_lost = None
        self._transport.close()
