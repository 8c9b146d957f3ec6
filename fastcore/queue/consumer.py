"""A consumer: ``async for`` over the messages of a group, and their acknowledgment.

A consumer has a source at its client's backend, and after `switch` a second one
at the backend before, until that is drained. A source asks for the next batch
when the consumer has handed out the last one, and sends the acknowledgments that
have gathered along with it.

A program may leave the loop, which drops the consumer, and settle the messages
it has in hand afterwards: those hold on to their source, and the source does
not hold on to the consumer.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import TYPE_CHECKING

from fastcore._native.queue import Buffer, Message, Window, monotonic
from fastcore.errors import QueueError
from fastcore.queue.backend import Backend, Options, Subscription
from fastcore.queue.names import dead_stream

if TYPE_CHECKING:
    from fastcore.queue.client import TaskQueueClient

__all__ = ["Consumer", "Source"]

log = logging.getLogger("fastcore.queue")

DRAIN_LOOK_S = 0.05  # how often a backend that was switched from is asked whether it is empty


class Source(Window):
    """What a consumer gets from one backend."""

    def __init__(self, consumer: Consumer, backend: Backend) -> None:
        self.client = consumer.client
        self.options = consumer.options
        super().__init__(
            consumer.stream, consumer.group, self.options.ack_wait, self.client.handle_latency
        )
        self.backend = backend
        self.draining = False
        self.failure: Exception | None = None
        self._consumer = weakref.ref(consumer)
        self._requested = False
        self._subscription: Subscription | None = None
        self._renewing: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def window(self) -> Window:
        return self

    @property
    def _open(self) -> Subscription:
        assert self._subscription is not None, "a source has messages once it is open"
        return self._subscription

    async def open(self) -> None:
        """Take a place in the group."""
        self._subscription = await self.backend.subscribe(
            self.stream, self.group, self.options, self
        )

    def request(self) -> None:
        """Ask for the next batch, unless that was done."""
        if not self._requested:
            self._requested = True
            self._open.request(self.options.batch, self.take_acks())

    # ---- what a backend calls

    def deliver(self, messages: list[Message]) -> None:
        self._requested = False
        consumer = self._consumer()
        if consumer is None or consumer.closed:
            self.client.spawn(self.give_back(messages))
            return
        consumer.receive(messages)
        if self._renewing is None:
            self._renewing = self._loop.call_later(self.ack_wait / 2, self._renew_buffered)

    def fail(self, error: Exception) -> None:
        self._requested = False
        self.failure = error
        consumer = self._consumer()
        if consumer is not None:
            consumer.wake()

    # ---- what a message calls

    def schedule_flush(self) -> None:
        self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self.scheduled = False
        acks = self.take_acks()
        if acks:
            self._open.post(acks)

    async def nak(self, message: Message, delay: float = 0) -> None:
        if not delay >= 0:
            raise ValueError(f"delay must be at least 0 seconds, not {delay!r}")
        message.settle("nak")
        spent = message.deliveries >= self.options.max_deliver
        if spent and dead_stream(self.stream) is not None:
            await self._open.bury(message, "max_deliver")
            self.client.counters.dead += 1
        else:
            await self._open.nak([message], delay, uncount=False)
            self.client.counters.given_back += 1

    async def term(self, message: Message) -> None:
        message.settle("term")
        await self._open.term([message.token])
        self.client.counters.terminated += 1

    async def bury(self, message: Message, reason: str) -> None:
        """Send a message to the dead letters now."""
        message.settle("term")
        if dead_stream(self.stream) is None:
            await self._open.term([message.token])
            self.client.counters.terminated += 1
        else:
            await self._open.bury(message, reason)
            self.client.counters.dead += 1

    async def in_progress(self, message: Message) -> None:
        now = monotonic()
        await self._open.renew([message.token])
        message.renewed(now)

    async def ack(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages that were marked so, and wait for the confirmation."""
        await self._open.ack([*self.take_acks(), *(message.token for message in messages)])

    async def confirm(self) -> None:
        """Send the window, and wait for the confirmation."""
        await self._open.ack(self.take_acks())

    # ---- what its consumer calls

    def _renew_buffered(self) -> None:
        """Keep what waits in the buffer of a slow program from being delivered to others."""
        self._renewing = None
        consumer = self._consumer()
        if consumer is None or consumer.closed:
            return
        waiting = [message for message in consumer.buffered() if message.owner is self]
        if not waiting:
            return
        now = monotonic()

        async def renew() -> None:
            try:
                await self._open.renew([message.token for message in waiting])
            except QueueError as error:
                log.warning("renewing messages of %s: %s", self.stream, error)
                return  # they expire, which is what deadlines are for
            for message in waiting:
                message.renewed(now)

        self.client.spawn(renew())
        self._renewing = self._loop.call_later(self.ack_wait / 2, self._renew_buffered)

    async def give_back(self, messages: Sequence[Message]) -> None:
        """Return messages that nobody saw."""
        mine = [message for message in messages if message.owner is self]
        if mine:
            try:
                await self._open.nak(mine, 0, uncount=True)
            except QueueError as error:
                log.warning("giving messages of %s back: %s", self.stream, error)

    async def close(self, buffered: Sequence[Message] = ()) -> None:
        """Give `buffered` back and receive no more; messages in hand can still be settled."""
        if self._renewing is not None:
            self._renewing.cancel()
        if self._subscription is None:
            return
        try:
            await self.confirm()
        except QueueError as error:
            log.warning("acknowledging messages of %s: %s", self.stream, error)
        # First it stops receiving, or what it gives back would come to itself.
        await self._subscription.close()
        await self.give_back(buffered)


class Consumer(Buffer):
    """What `TaskQueueClient.consume` returns: an asynchronous iterator over messages.

    It never ends by itself. Leaving the loop and dropping it, `aclose`, or
    ``async with`` gives back what was received and not handed out.
    """

    def __init__(self, client: TaskQueueClient, stream: str, group: str, options: Options) -> None:
        super().__init__()
        self.client = client
        self.stream = stream
        self.group = group
        self.options = options
        self.sources: list[Source] = []
        self.closed = False
        self._waiters: list[asyncio.Future[None]] = []
        self._opening = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<Consumer {self.options.consumer} of {self.stream!r}, group {self.group!r}>"

    async def refill(self) -> Message:
        """Wait for a message."""
        while True:
            message = self.pop()
            if message is not None:
                return message
            await self._more()

    async def batches(self) -> AsyncIterator[list[Message]]:
        """Yield lists of messages as they come, of 1 to `batch`, for micro-batches."""
        while True:
            messages = self.pop_all()
            if messages:
                yield messages
                continue
            try:
                await self._more()
            except StopAsyncIteration:
                return

    async def _more(self) -> None:
        """Return when something may have come, or was lost."""
        if self.closed:
            raise StopAsyncIteration
        self.client.check_open()
        if not self.sources:
            async with self._opening:
                if not self.sources:
                    await self.attach(self.client.active)
        for source in self.sources:
            if source.failure is not None:
                failure, source.failure = source.failure, None
                raise failure
            source.request()
        if len(self):
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    async def attach(self, backend: Backend) -> None:
        """Receive from `backend`, and from the one before until it is drained."""
        source = Source(self, backend)
        await source.open()
        self.client.sources.add(source)
        for old in self.sources:
            if not old.draining:
                old.draining = True
                self.client.spawn(drain(weakref.ref(self), old))
        self.sources.append(source)
        self.wake()

    def receive(self, messages: list[Message]) -> None:
        """Take what a source received."""
        self.client.count_delivered(messages)
        self.put(messages)
        self.wake()

    def wake(self) -> None:
        """Have everybody who waits look again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def aclose(self) -> None:
        """Acknowledge what is to be, give back what was not handed out, and leave the group."""
        for leaving in self._leave():
            await leaving

    def __del__(self) -> None:
        if not getattr(self, "closed", True):
            self.client.spawn_from_anywhere(self._leave())

    def _leave(self) -> list[Coroutine[None, None, None]]:
        if self.closed:
            return []
        self.closed = True
        self.wake()
        buffered = self.clear()
        sources, self.sources = self.sources, []
        return [source.close(buffered) for source in sources]

    async def __aenter__(self) -> Consumer:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()


async def drain(of: weakref.ref[Consumer], source: Source) -> None:
    """Leave `source` when its backend holds nothing more for the group."""
    while True:
        try:
            lag, in_flight, _ = await source.backend.pending(source.stream, source.group)
        except QueueError as error:
            log.warning("draining %s: %s; its messages stay there", source.backend.name, error)
            break
        if not lag and not in_flight:
            break
        await asyncio.sleep(DRAIN_LOOK_S)
        consumer = of()
        if consumer is None or source not in consumer.sources:
            return
        del consumer
    consumer = of()
    if consumer is None or source not in consumer.sources:
        return
    consumer.sources.remove(source)
    await source.close()
