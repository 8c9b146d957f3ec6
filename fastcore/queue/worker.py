"""A worker: calls a handler for each message, several at a time, and settles it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fastcore._native.queue import Message
from fastcore.errors import MessageExpired, MessageSettled, QueueError
from fastcore.queue.consumer import Consumer, Source

if TYPE_CHECKING:
    from fastcore.queue.client import TaskQueueClient

__all__ = ["Handler", "Reject", "Worker"]

log = logging.getLogger("fastcore.queue")

Handler = Callable[[Message], Awaitable[object] | object]

INLINE_TURN = 64  # messages handled without letting the event loop do anything else


class Reject(Exception):
    """Raise it in a handler to send the message to the dead letters without another try."""


class Worker:
    """Consumes a group and calls a handler; `TaskQueueClient.worker` makes one.

    A message is acknowledged when the handler returns. When it raises, the message
    is given back with a delay that doubles with each delivery, and is a dead
    letter after `max_deliver`. While a handler runs, `ack_wait` is renewed.
    """

    def __init__(
        self,
        client: TaskQueueClient,
        stream: str,
        group: str,
        handler: Handler,
        *,
        concurrency: int,
        retry_delay: float,
        retry_delay_max: float,
        grace: float,
        options: dict[str, Any],
    ) -> None:
        self._client = client
        self._stream = stream
        self._group = group
        self._handler = handler
        self._concurrency = concurrency
        self._retry_delay = retry_delay
        self._retry_delay_max = retry_delay_max
        self._grace = grace
        self._options = options
        self._running: dict[asyncio.Task[None], Message] = {}
        self._stopping: asyncio.Event | None = None
        self._free: asyncio.Event | None = None
        self.handled = 0
        self.failed = 0

    def stop(self) -> None:
        """Take no more messages; `run` returns when the handlers that run have ended."""
        if self._stopping is not None:
            self._stopping.set()

    async def run(self, *, signals: bool = True) -> None:
        """Handle messages until `stop` is called, or SIGTERM or SIGINT comes.

        Parameters
        ----------
        signals : bool, default True
            Whether these signals stop it; only in the main thread.

        Raises
        ------
        BackendUnavailable
            There was no server for as long as the client's `give_up`.
        """
        self._stopping = asyncio.Event()
        self._free = asyncio.Event()
        consumer = self._client.consume(self._stream, self._group, **self._options)
        renewing = asyncio.ensure_future(self._renew(consumer.options.ack_wait))
        consuming = asyncio.ensure_future(self._consume(consumer))
        stopping = asyncio.ensure_future(self._stopping.wait())
        with self._stop_on_signals() if signals else contextlib.nullcontext():
            try:
                await asyncio.wait((consuming, stopping), return_when=asyncio.FIRST_COMPLETED)
                if consuming.done():
                    consuming.result()
                consuming.cancel()
                await asyncio.wait((consuming,))
                await consumer.aclose()
                await self._finish()
            finally:
                for task in (consuming, stopping, renewing):
                    task.cancel()
                await asyncio.gather(consuming, stopping, renewing, return_exceptions=True)
                await consumer.aclose()

    @contextlib.contextmanager
    def _stop_on_signals(self) -> Any:
        loop = asyncio.get_running_loop()
        taken: list[signal.Signals] = []
        if threading.current_thread() is threading.main_thread():
            for each in (signal.SIGTERM, signal.SIGINT):
                with contextlib.suppress(NotImplementedError, ValueError):
                    loop.add_signal_handler(each, self.stop)
                    taken.append(each)
        try:
            yield
        finally:
            for each in taken:
                loop.remove_signal_handler(each)

    async def _consume(self, consumer: Consumer) -> None:
        turn = 0
        async for message in consumer:
            # A handler that is a plain function, or a coroutine that does not wait, needs no task.
            await self._begin(message)
            turn += 1
            if turn % INLINE_TURN == 0:
                await asyncio.sleep(0)

    async def _begin(self, message: Message) -> None:
        try:
            result = self._handler(message)
        except Exception as error:
            await self._failed(message, error)
            return
        if not isinstance(result, Awaitable):
            await self._done(message)
            return
        task = asyncio.ensure_future(self._await(message, result))
        self._running[task] = message
        task.add_done_callback(self._ended)
        while len(self._running) >= self._concurrency:
            assert self._free is not None
            self._free.clear()
            await self._free.wait()

    async def _await(self, message: Message, result: Awaitable[object]) -> None:
        try:
            await result
        except asyncio.CancelledError:
            with contextlib.suppress(QueueError):
                await message.nak()
            raise
        except Exception as error:
            await self._failed(message, error)
        else:
            await self._done(message)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        assert self._free is not None
        self._free.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("worker of %s", self._stream, exc_info=task.exception())

    async def _done(self, message: Message) -> None:
        self.handled += 1
        if message.settled:  # the handler did it itself
            return
        try:
            await message.ack()
        except MessageExpired as error:
            log.warning("%s", error)

    async def _failed(self, message: Message, error: Exception) -> None:
        self.failed += 1
        if message.settled:
            return
        log.warning(
            "%s: handler of message %s, delivery %d: %s: %s",
            self._stream,
            message.id,
            message.deliveries,
            type(error).__name__,
            error,
        )
        try:
            if isinstance(error, Reject):
                source = message.owner
                assert isinstance(source, Source)
                await source.bury(message, f"rejected: {error}"[:200].replace("\n", " "))
            else:
                await message.nak(self._delay(message.deliveries))
        except (MessageExpired, MessageSettled) as late:
            log.warning("%s", late)
        except QueueError as lost:
            log.warning("%s: not given back, delivered again after ack_wait: %s", message, lost)

    def _delay(self, deliveries: int) -> float:
        most = min(self._retry_delay * 2.0 ** min(deliveries - 1, 60), self._retry_delay_max)
        return most * random.uniform(0.5, 1.0)

    async def _renew(self, ack_wait: float) -> None:
        while True:
            await asyncio.sleep(ack_wait / 3)
            for message in list(self._running.values()):
                if not message.settled:
                    try:
                        await message.in_progress()
                    except QueueError as error:
                        log.warning("%s", error)

    async def _finish(self) -> None:
        """Wait for the handlers that run; give the messages of the slow ones back."""
        if self._running:
            await asyncio.wait(list(self._running), timeout=self._grace)
        late = list(self._running)
        for task in late:
            task.cancel()
        if late:
            log.warning("%s: %d handlers did not end in time", self._stream, len(late))
            await asyncio.wait(late)
