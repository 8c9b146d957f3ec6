"""The embedded backend: messages in `fastcore.wal`, groups in a journal and LMDB.

One process of the machine has the directory; the lock of a log says which. It
works on the store itself (`_Here`), the others ask it over a Unix socket
(`_There`). When it leaves or dies, they notice at once, one of them takes its
place, and the others connect to that one. What was confirmed is in the log.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Sequence
from itertools import count
from typing import Any, ClassVar

from fastcore import errors, wal
from fastcore._native.queue import Message, make_messages
from fastcore.errors import BackendUnavailable, QueueError
from fastcore.queue._frames import FrameReader, encode_frame
from fastcore.queue._journal import pack, unpack
from fastcore.queue._local import Poller
from fastcore.queue._server import Server, socket_address
from fastcore.queue._store import Delivered, Store
from fastcore.queue.backend import Backoff, Headers, Options, Pending, Sink
from fastcore.queue.settings import Settings

__all__ = ["WalBackend"]

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
        "embedded",
        "uncounted_return",
    }
)


class WalBackend:
    """Streams in a directory."""

    name = "wal"
    capabilities = CAPABILITIES

    def __init__(self, settings: Settings) -> None:
        self.reconnects = 0
        self._settings = settings
        self._link: _Here | _There | None = None
        self._linked = asyncio.Event()
        self._subscriptions: dict[int, _Subscription] = {}
        self._numbers = count(1)
        self._relinking: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> None:
        """Take the directory, or connect to the process that has it."""
        await self._join(self._settings.timeout)

    async def close(self) -> None:
        """Leave the directory to others."""
        self._closed = True
        if self._relinking is not None:
            self._relinking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._relinking
        if self._link is not None:
            await self._link.close()

    # ---- the verbs

    async def publish(
        self,
        stream: str,
        payloads: list[bytes],
        ids: Sequence[str | None] | None,
        headers: list[Headers] | None,
    ) -> list[str]:
        link = self._link
        if link is None:
            link = await self._joined()
        return await link.publish(stream, payloads, ids, headers)

    async def pending(self, stream: str, group: str) -> Pending:
        return Pending(*await self.ask("pending", stream, group))

    async def subscribe(
        self, stream: str, group: str, options: Options, sink: Sink
    ) -> _Subscription:
        made = _Subscription(self, next(self._numbers), stream, group, options, sink)
        made.bind(await self._joined())
        return made

    async def ask(self, verb: str, *details: Any) -> Any:
        """Have something done that may be done twice; again where the process that did it dies."""
        while True:
            link = self._link or await self._joined()
            try:
                return await link.ask(verb, *details)
            except BackendUnavailable:
                if link is self._link:
                    raise

    # ---- who has the directory

    async def _joined(self) -> _Here | _There:
        if self._link is None:
            try:
                await asyncio.wait_for(self._linked.wait(), self._settings.timeout)
            except asyncio.TimeoutError:
                raise BackendUnavailable(
                    f"queue {self._settings.path}: no process serves it, and none could take it "
                    f"over within {self._settings.timeout:g} s; nothing was stored"
                ) from None
        assert self._link is not None
        return self._link

    async def _join(self, patience: float) -> None:
        backoff = Backoff(first=0.005, most=0.25)
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while True:
            try:
                self._link = await _link(self._settings, self)
                self._linked.set()
                return
            except (ConnectionError, FileNotFoundError) as error:
                # Somebody has the lock and does not listen: it starts, or it leaves.
                if isinstance(error, QueueError) or loop.time() > until:
                    raise BackendUnavailable(
                        f"queue {self._settings.path}: another process has it and does not answer "
                        f"({type(error).__name__}); is it stopped?"
                    ) from error
            await asyncio.sleep(backoff.pause())

    def lost(self, link: _There) -> None:
        """Hear from a link that the process at its other end has gone."""
        if self._closed or link is not self._link:
            return
        self._link = None
        self._linked.clear()
        self.reconnects += 1
        self._relinking = asyncio.get_running_loop().create_task(self._relink())

    async def _relink(self) -> None:
        try:
            await self._join(self._settings.give_up)
        except Exception as error:
            for subscription in list(self._subscriptions.values()):
                subscription.sink.fail(error)
            return
        assert self._link is not None
        log.info("queue %s: %s", self._settings.path, self._link.role)
        for subscription in list(self._subscriptions.values()):
            subscription.bind(self._link)

    def subscribed(self, subscription: _Subscription) -> None:
        self._subscriptions[subscription.number] = subscription

    def unsubscribed(self, subscription: _Subscription) -> None:
        self._subscriptions.pop(subscription.number, None)

    def found(self, number: int) -> _Subscription | None:
        """Return the subscription of a number."""
        return self._subscriptions.get(number)


class _Subscription:
    """A consumer's place; it stays while the processes that serve it come and go."""

    def __init__(
        self,
        backend: WalBackend,
        number: int,
        stream: str,
        group: str,
        options: Options,
        sink: Sink,
    ) -> None:
        self.number = number
        self.stream = stream
        self.group = group
        self.options = options
        self.sink = sink
        self._backend = backend
        self._asker: Poller | _Asker | None = None
        self._asked: tuple[int, list[int]] | None = None
        self._posting: set[asyncio.Task[Any]] = set()
        backend.subscribed(self)

    def bind(self, link: _Here | _There) -> None:
        """Receive from `link` from now on, and ask it what its predecessor did not answer."""
        self._asker = link.asker(self)
        if self._asked is not None:
            self._asker.request(*self._asked)

    def request(self, limit: int, acks: list[int]) -> None:
        self._asked = (limit, acks)
        assert self._asker is not None
        self._asker.request(limit, acks)

    def deliver(self, found: Delivered) -> None:
        self._asked = None
        self.sink.deliver(
            make_messages(
                self.sink.window,
                found.seqs,
                found.payloads,
                found.timestamps,
                found.headers,
                found.deliveries,
            )
        )

    def fail(self, error: Exception) -> None:
        self._asked = None
        self.sink.fail(error)

    def post(self, acks: list[int]) -> None:
        asker = self._asker
        if isinstance(asker, Poller):
            asker.store.settle(self.stream, self.group, acks)
            return
        task = asyncio.get_running_loop().create_task(self.ack(acks))
        self._posting.add(task)
        task.add_done_callback(self._posted)

    def _posted(self, task: asyncio.Task[None]) -> None:
        self._posting.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("%s: not acknowledged, delivered again: %s", self.stream, task.exception())

    async def ack(self, tokens: Sequence[int]) -> None:
        while others := self._posting - {asyncio.current_task()}:
            await asyncio.wait(others)
        if tokens:
            await self._backend.ask("settle", self.stream, self.group, tokens)

    async def term(self, tokens: Sequence[int]) -> None:
        await self.ack(tokens)

    async def nak(self, messages: Sequence[Message], delay: float, *, uncount: bool) -> None:
        tokens = [message.token for message in messages]
        await self._backend.ask("give_back", self.stream, self.group, tokens, delay, uncount)

    async def renew(self, tokens: Sequence[int]) -> None:
        await self._backend.ask("renew", self.stream, self.group, tokens, self.options.ack_wait)

    async def bury(self, message: Message, reason: str) -> None:
        await self._backend.ask("bury", self.stream, self.group, [message.token], reason)

    async def close(self) -> None:
        self._asked = None
        self._backend.unsubscribed(self)
        if self._asker is not None:
            self._asker.close()


# ---- this process has the directory


class _Held:
    """A directory that this process has, for all its clients."""

    all: ClassVar[dict[str, _Held]] = {}
    lock = threading.Lock()

    def __init__(self, settings: Settings) -> None:
        self.store = Store(settings.path, settings.durability, settings.dedup_window)
        try:
            self.server = Server(self.store)
        except BaseException:
            self.store.close()
            raise
        self.users = 0

    @classmethod
    def take(cls, settings: Settings) -> _Held:
        """Open the directory, or share it; `LockedError` where another process has it."""
        key = os.path.realpath(settings.path)
        with cls.lock:
            held = cls.all.get(key)
            if held is None:
                held = cls.all[key] = cls(settings)
            held.users += 1
            return held

    def give_back(self) -> None:
        with self.lock:
            self.users -= 1
            if self.users == 0:
                for key, held in list(self.all.items()):
                    if held is self:
                        del self.all[key]
                self.server.stop()


def _after_fork() -> None:
    # A child has none of its parent's directories; it connects like any other process.
    _Held.all.clear()
    _Held.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Here:
    """The way to a store of this process."""

    role = "this process serves it now"

    def __init__(self, held: _Held) -> None:
        self._held = held
        self._store = held.store

    async def publish(
        self,
        stream: str,
        payloads: list[bytes],
        ids: Sequence[str | None] | None,
        headers: list[Headers] | None,
    ) -> list[str]:
        seqs = self._store.publish(stream, payloads, ids, headers)
        if self._store.durability == "sync":
            await asyncio.to_thread(self._store.commit, stream)
        return list(map(str, seqs))

    async def ask(self, verb: str, *details: Any) -> Any:
        store = self._store
        if verb == "give_back":
            *rest, uncount = details
            return store.give_back(*rest, uncount=uncount)
        return getattr(store, verb)(*details)

    def asker(self, of: _Subscription) -> Poller:
        options = of.options
        return Poller(
            self._store,
            of.stream,
            of.group,
            options.ack_wait,
            options.max_deliver,
            of.deliver,
            of.fail,
        )

    async def close(self) -> None:
        await asyncio.to_thread(self._held.give_back)


# ---- another process has it


class _There(asyncio.Protocol):
    """The way to a store of another process."""

    role = "another process serves it now"

    def __init__(self, backend: WalBackend) -> None:
        self._backend = backend
        self._frames = FrameReader()
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._transport: asyncio.Transport | None = None
        self._gone = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if not self._gone.done():
            self._gone.set_result(None)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(_unanswered())
        self._waiting.clear()
        self._backend.lost(self)

    def data_received(self, data: bytes) -> None:
        for (kind, number, *details), blobs in self._frames.feed(data):
            if kind == "deliver":
                packed, timestamps, headers, deliveries = details
                found = Delivered(unpack(packed), blobs, timestamps, headers, deliveries)
                subscription = self._backend.found(number)
                if subscription is not None:
                    subscription.deliver(found)
            elif kind == "failed":
                subscription = self._backend.found(number)
                if subscription is not None:
                    subscription.fail(_error(*details))
            else:
                waiting = self._waiting.pop(number, None)
                if waiting is None or waiting.done():
                    continue
                if kind == "done":
                    waiting.set_result(details[0])
                else:
                    waiting.set_exception(_error(*details))

    def send(self, fields: Sequence[Any], blobs: Sequence[bytes] = ()) -> None:
        """Send a frame; into the void where the other end has gone."""
        if self._transport is not None:
            self._transport.write(encode_frame(fields, blobs))

    async def _call(self, verb: str, details: Sequence[Any], blobs: Sequence[bytes] = ()) -> Any:
        if self._transport is None:
            raise _unanswered()
        number = next(self._numbers)
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        self.send((verb, number, *details), blobs)
        try:
            return await waiting
        finally:
            self._waiting.pop(number, None)

    async def publish(
        self,
        stream: str,
        payloads: list[bytes],
        ids: Sequence[str | None] | None,
        headers: list[Headers] | None,
    ) -> list[str]:
        return list(map(str, unpack(await self._call("publish", (stream, ids, headers), payloads))))

    async def ask(self, verb: str, *details: Any) -> Any:
        if verb != "pending":
            stream, group, seqs, *rest = details
            details = (stream, group, pack(seqs), *rest)
        return await self._call(verb, details)

    def asker(self, of: _Subscription) -> _Asker:
        return _Asker(self, of)

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await self._gone


class _Asker:
    """Stands for a `Poller` of another process."""

    def __init__(self, link: _There, of: _Subscription) -> None:
        self._link = link
        self._number = of.number
        options = of.options
        details = (of.stream, of.group, options.ack_wait, options.max_deliver)
        link.send(("subscribe", 0, of.number, *details))

    def request(self, limit: int, acks: Sequence[int]) -> None:
        self._link.send(("request", 0, self._number, limit, pack(acks)))

    def close(self) -> None:
        self._link.send(("leave", 0, self._number))


def _unanswered() -> BackendUnavailable:
    return BackendUnavailable(
        "the process that serves the queue has gone before it answered; what was published may "
        "have been stored or not"
    )


def _error(kind: str, text: str) -> Exception:
    """Return the error that another process had, as one of ours."""
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, errors.Error):
        return found(text)
    return QueueError(f"{kind}: {text}")


async def _link(settings: Settings, backend: WalBackend) -> _Here | _There:
    try:
        return _Here(await asyncio.to_thread(_Held.take, settings))
    except wal.LockedError:
        pass
    loop = asyncio.get_running_loop()
    with socket_address(settings.path) as address:
        _, link = await loop.create_unix_connection(lambda: _There(backend), address)
    return link
