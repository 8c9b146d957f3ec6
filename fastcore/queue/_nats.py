"""A connection to NATS: nats-py's, with a parser of our own for what comes in numbers.

Addresses, TLS, users, tokens, credentials, clusters and reconnection are nats-py's
business. Its parser makes an object, and a task's turn, of every message; here the
answers to publishes and the messages of consumers go another way, and all else
still goes to it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
from nats import errors as nats_errors
from nats.aio.client import Client
from nats.protocol.parser import Parser

from fastcore._native.queue import AnswerInbox, Answers, MessageInbox, NatsFeed, Window
from fastcore.errors import AuthenticationFailed, BackendUnavailable, QueueError

__all__ = ["ApiError", "NatsConnection"]

log = logging.getLogger("fastcore.queue")

RECONNECT_WAIT_S = 0.1
FOREVER = -1


class ApiError(QueueError):
    """What JetStream's API replied; `code` is its err_code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class _Parser(Parser):
    """Takes what is ours, and leaves the rest to nats-py, an operation at a time."""

    def __init__(self, client: _Client) -> None:
        self.feed = NatsFeed()
        super().__init__(client)

    def reset(self) -> None:
        super().reset()
        self.feed.reset()

    async def parse(self, data: bytes = b"") -> None:
        rest = self.feed.run(data)
        while rest is not None:
            await super().parse(rest)
            rest = self.feed.run(b"")


class _Client(Client):
    """nats-py's client, and a way to write a whole buffer at once."""

    def __init__(self) -> None:
        super().__init__()
        self.parser = _Parser(self)
        self._ps = self.parser

    def send(self, data: bytes | memoryview) -> None:
        """Write, behind what nats-py has to write."""
        transport: Any = self._transport
        if not self.is_connected or transport is None:
            raise BackendUnavailable("NATS: not connected; nothing was sent")
        if self._pending:
            transport.writelines(self._pending)
            self._pending = []
            self._pending_data_size = 0
        transport.write(data)

    async def drained(self) -> None:
        """Return when the socket has taken most of what was written."""
        transport: Any = self._transport
        if transport is not None:
            await transport.drain()


class NatsConnection:
    """A connection that is made anew when it is lost, until it is closed."""

    def __init__(self, url: str, timeout: float) -> None:
        self._urls = [each.strip() for each in url.split(",")]
        self._timeout = timeout
        self.reconnects = 0
        self.client = _Client()
        self._answers: AnswerInbox | None = None
        self._answer_prefix = b""
        self._batch = 0
        self._refused: Exception | None = None
        self._up = asyncio.Event()
        self._when_up: list[Callable[[], None]] = []
        self._when_down: list[Callable[[], None]] = []
        self.where = ",".join(_without_password(each) for each in self._urls)

    # ---- life

    async def open(self) -> None:
        """Connect, once."""
        try:
            await asyncio.wait_for(
                self.client.connect(
                    servers=self._urls,
                    allow_reconnect=False,
                    connect_timeout=max(1, round(self._timeout)),
                    reconnect_time_wait=RECONNECT_WAIT_S,  # type: ignore[arg-type]
                    max_reconnect_attempts=0,
                    ping_interval=max(1, round(self._timeout / 2)),
                    max_outstanding_pings=2,
                    error_cb=self._hear_error,
                    disconnected_cb=self._hear_down,
                    reconnected_cb=self._hear_up,
                    closed_cb=self._hear_down,
                    name="fastcore",
                ),
                self._timeout,
            )
        except ValueError:
            raise ValueError(
                "nats_url must be nats://[user:password@]host[:port], tls:// for TLS; several are "
                "separated by commas"
            ) from None
        except (OSError, nats_errors.Error, asyncio.TimeoutError) as error:
            raise self._unavailable(self._refused or error) from None
        finally:
            # nats-py can be closed only once it has begun to connect.
            if not self.client.is_connected and self.client._flush_queue is not None:
                await self.client.close()
        self.client.options["allow_reconnect"] = True
        self.client.options["max_reconnect_attempts"] = FOREVER
        inbox = self.client.new_inbox()
        self._answer_prefix = f"{inbox}.".encode()
        self._answers = AnswerInbox(len(self._answer_prefix))
        await self._listen(f"{inbox}.>", self._answers)
        self._up.set()

    async def close(self) -> None:
        """Disconnect."""
        if self._answers is not None:
            self._answers.abandon()
        await self.client.close()

    def _unavailable(self, error: BaseException) -> BackendUnavailable:
        text = str(error).lower()
        if "hostname in nats connect url" in text:
            return BackendUnavailable(
                "nats_url names no server: nats://[user:password@]host[:port]"
            )
        if "authorization" in text or "authentication" in text or "permissions" in text:
            return AuthenticationFailed(
                f"NATS at {self.where} refuses the user, password or token of nats_url"
            )
        if isinstance(error, ssl.SSLError):
            what = f"TLS failed: {error.reason or 'no handshake'}"
        elif isinstance(error, OSError) and error.strerror:
            what = error.strerror
        else:
            what = type(error).__name__
        return BackendUnavailable(
            f"no NATS server answers at {self.where} ({what}); is it running, and is nats_url "
            f"right (tls:// for TLS)?"
        )

    async def _hear_error(self, error: Exception) -> None:
        self._refused = error
        log.debug("NATS at %s: %s", self.where, type(error).__name__)

    async def _hear_down(self) -> None:
        self._up.clear()
        if self._answers is not None:
            self._answers.abandon()
        for call in list(self._when_down):
            call()

    async def _hear_up(self) -> None:
        self.reconnects += 1
        self._up.set()
        for call in list(self._when_up):
            call()

    def watch(self, up: Callable[[], None], down: Callable[[], None]) -> None:
        """Have these called when the connection is back, and when it is lost."""
        self._when_up.append(up)
        self._when_down.append(down)

    def unwatch(self, up: Callable[[], None], down: Callable[[], None]) -> None:
        """Take back `watch`."""
        self._when_up.remove(up)
        self._when_down.remove(down)

    async def ready(self) -> None:
        """Return when there is a connection, within the timeout."""
        if self.client.is_connected:
            return
        try:
            await asyncio.wait_for(self._up.wait(), self._timeout)
        except asyncio.TimeoutError:
            raise BackendUnavailable(
                f"NATS at {self.where} is gone for {self._timeout:g} s; nothing was sent"
            ) from None

    # ---- asking

    async def ask(
        self, encode: Callable[[bytes], bytes | memoryview], count: int
    ) -> tuple[list[int | bytes | None], bool]:
        """Send what `encode` makes of a reply subject; return `count` answers, and if all came.

        The n-th is to be answered at that subject followed by n.
        """
        assert self._answers is not None
        await self.ready()
        self._batch += 1
        batch = self._batch
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()

        def done() -> None:
            if not waiter.done():
                waiter.set_result(None)

        answers = Answers(count, done)
        self._answers.expect(batch, answers)
        timer = loop.call_later(self._timeout, done)
        try:
            self.client.send(encode(b"%b%d." % (self._answer_prefix, batch)))
            await waiter
        finally:
            timer.cancel()
            self._answers.forget(batch)
        return answers.results, answers.missing == 0

    async def api(self, verb: str, request: object = None) -> dict[str, Any]:
        """Ask JetStream's API; what it refuses is an `ApiError`."""
        body = b"" if request is None else orjson.dumps(request)

        def encode(reply: bytes) -> bytes:
            return b"PUB $JS.API.%b %b0 %d\r\n%b\r\n" % (verb.encode(), reply, len(body), body)

        (answer,), _ = await self.ask(encode, 1)
        if not isinstance(answer, bytes):
            raise BackendUnavailable(
                f"NATS at {self.where}: JetStream's {verb} was not answered within "
                f"{self._timeout:g} s"
            )
        if answer.startswith(b"NATS/"):
            raise BackendUnavailable(
                f"NATS at {self.where} has no JetStream, or it does not answer yet; start the "
                f"server with -js"
            )
        fields: dict[str, Any] = orjson.loads(answer)
        error = fields.get("error")
        if error is not None:
            text = f"JetStream's {verb}: {error.get('description')}"
            raise ApiError(text, int(error.get("err_code") or 0))
        return fields

    # ---- listening

    async def _listen(self, subject: str, inbox: AnswerInbox | MessageInbox) -> Any:
        subscription = await self.client.subscribe(subject)
        self.client.parser.feed.add(subscription._id, inbox)
        return subscription

    async def listen(
        self, owner: Window, deliver: Callable[[list[Any], list[bytes]], None]
    ) -> tuple[bytes, Any]:
        """Make an inbox for messages; return its subject, and what `leave` takes."""
        subject = self.client.new_inbox()
        subscription = await self._listen(subject, MessageInbox(owner, deliver))
        return subject.encode(), subscription

    async def leave(self, subscription: Any) -> None:
        """Receive no more, and return when what was on its way has arrived."""
        try:
            if self.client.is_connected:
                self.client.send(b"UNSUB %d\r\n" % subscription._id)
                await self.client.flush(timeout=max(1, round(self._timeout)))
        except (nats_errors.Error, OSError, QueueError, asyncio.TimeoutError) as error:
            log.debug("leaving an inbox: %s", type(error).__name__)
        finally:
            self.client.parser.feed.remove(subscription._id)
            self.client._remove_sub(subscription._id)


def _without_password(url: str) -> str:
    parts = urlsplit(url if "//" in url else f"nats://{url}")
    try:
        port = parts.port or 4222
    except ValueError:
        port = 4222
    return f"{parts.hostname or 'localhost'}:{port}"
