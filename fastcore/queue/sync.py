"""The same client for programs without an event loop, and for any number of threads.

One thread runs an event loop with the asynchronous client; calls wait for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from fastcore._native.queue import Message as _AsyncMessage
from fastcore.errors import ClientClosed
from fastcore.queue import client as _asynchronous
from fastcore.queue.backend import Pending
from fastcore.queue.consumer import Consumer as _AsyncConsumer
from fastcore.queue.stats import QueueStats

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self

__all__ = ["Consumer", "Message", "TaskQueueClient"]

_T = TypeVar("_T")


class _Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="fastcore-queue-client", daemon=True
        )
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Return what `work` returns."""
        if not self._thread.is_alive():
            work.close()
            raise ClientClosed("the client was closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError:
            raise ClientClosed("the client was closed") from None
        except BaseException:  # Ctrl-C: the caller leaves, and takes its question back
            future.cancel()
            raise

    def stop(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Message:
    """A delivered message; see `fastcore.queue.Message`."""

    __slots__ = ("_loop", "_message")

    def __init__(self, message: _AsyncMessage, loop: _Loop) -> None:
        self._message = message
        self._loop = loop

    @property
    def payload(self) -> bytes:
        return self._message.payload

    @property
    def headers(self) -> dict[str, str]:
        return self._message.headers

    @property
    def deliveries(self) -> int:
        return self._message.deliveries

    @property
    def id(self) -> str:
        return self._message.id

    @property
    def timestamp(self) -> int:
        return self._message.timestamp

    @property
    def stream(self) -> str:
        return self._message.stream

    @property
    def group(self) -> str:
        return self._message.group

    def ack(self) -> None:
        """Acknowledge; see `fastcore.queue.Message.ack`."""
        self._loop.run(_awaited(self._message, "ack"))

    def nak(self, delay: float = 0) -> None:
        """Give back, to be delivered again after `delay` seconds."""
        self._loop.run(_awaited(self._message, "nak", delay))

    def in_progress(self) -> None:
        """Renew `ack_wait` from now on."""
        self._loop.run(_awaited(self._message, "in_progress"))

    def term(self) -> None:
        """Terminate: not to be delivered to this group again."""
        self._loop.run(_awaited(self._message, "term"))

    def __repr__(self) -> str:
        return repr(self._message)


async def _awaited(message: _AsyncMessage, verb: str, *details: Any) -> None:
    await getattr(message, verb)(*details)


class Consumer:
    """An iterator over messages, without an end; a context manager; for one thread at a time."""

    def __init__(self, consumer: _AsyncConsumer, loop: _Loop) -> None:
        self._consumer = consumer
        self._loop = loop

    def __iter__(self) -> Iterator[Message]:
        return self

    def __next__(self) -> Message:
        message = self.next()
        if message is None:
            raise StopIteration
        return message

    def next(self, timeout: float | None = None) -> Message | None:
        """Return the next message, or None after `timeout` seconds without one."""
        found = self._loop.run(_next(self._consumer, timeout))
        return None if found is None else Message(found, self._loop)

    def close(self) -> None:
        """Give back what was not handed out, and leave the group."""
        self._loop.run(self._consumer.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


async def _next(consumer: _AsyncConsumer, timeout: float | None) -> _AsyncMessage | None:
    try:
        return await asyncio.wait_for(anext(consumer), timeout)
    except (asyncio.TimeoutError, StopAsyncIteration):
        return None


class TaskQueueClient:
    """`fastcore.queue.TaskQueueClient` without ``await``; any thread may use it.

    Takes the same arguments. Use it as a context manager.

    Examples
    --------
    >>> import tempfile
    >>> from fastcore.queue.sync import TaskQueueClient
    >>> with tempfile.TemporaryDirectory() as path, TaskQueueClient(path=path) as client:
    ...     _ = client.publish("jobs", b"resize 1.png")
    ...     for message in client.consume("jobs", "workers"):
    ...         print(message.payload)
    ...         message.ack()
    ...         break
    b'resize 1.png'
    """

    def __init__(self, backend: str = "wal", **keywords: Any) -> None:
        self._client = _asynchronous.TaskQueueClient(backend, **keywords)
        self._running: _Loop | None = None

    def __repr__(self) -> str:
        return f"<sync of {self._client!r}>"

    @property
    def _loop(self) -> _Loop:
        if self._running is None:
            raise ClientClosed("the client is not open; use it inside `with client:`")
        return self._running

    def __enter__(self) -> Self:
        if self._running is not None:
            raise ClientClosed("a TaskQueueClient is entered once; make a new one")
        self._running = _Loop()
        try:
            self._running.run(_entered(self._client))
        except BaseException:
            self._running.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Send what acknowledgments are left, give back what was not handed out, disconnect."""
        try:
            self._loop.run(self._client.aclose())
        finally:
            self._loop.stop()

    @property
    def backend(self) -> str:
        """The name of the backend in use."""
        return self._client.backend

    @property
    def capabilities(self) -> frozenset[str]:
        """What the backend in use gives."""
        return self._client.capabilities

    def publish(
        self,
        stream: str,
        payload: Buffer,
        *,
        id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Store one message, and return its id in the stream."""
        return self._loop.run(self._client.publish(stream, payload, id=id, headers=headers))

    def publish_many(
        self,
        stream: str,
        payloads: Iterable[Buffer],
        *,
        ids: Iterable[str | None] | None = None,
        headers: Iterable[Mapping[str, str] | None] | None = None,
    ) -> Sequence[str]:
        """Store messages in order, and return an id for each."""
        return self._loop.run(self._client.publish_many(stream, payloads, ids=ids, headers=headers))

    def consume(
        self,
        stream: str,
        group: str,
        *,
        consumer: str | None = None,
        batch: int = 256,
        ack_wait: float = 30.0,
        max_deliver: int = 5,
    ) -> Consumer:
        """Return an iterator over the messages of a group; it never ends."""
        made = self._client.consume(
            stream,
            group,
            consumer=consumer,
            batch=batch,
            ack_wait=ack_wait,
            max_deliver=max_deliver,
        )
        return Consumer(made, self._loop)

    def ack_many(self, messages: Iterable[Message]) -> None:
        """Acknowledge messages, and return when the backend has confirmed."""
        self._loop.run(self._client.ack_many([message._message for message in messages]))

    def flush(self) -> None:
        """Return when the backend has confirmed every acknowledgment made so far."""
        self._loop.run(self._client.flush())

    def pending(self, stream: str, group: str) -> Pending:
        """Return how far a group has come."""
        return self._loop.run(self._client.pending(stream, group))

    def switch(self, backend: str) -> None:
        """Publish to another backend from now on; consumers drain the old one first."""
        self._loop.run(self._client.switch(backend))

    def stats(self) -> QueueStats:
        """Return what this client has done so far."""
        return self._client.stats()


async def _entered(client: _asynchronous.TaskQueueClient) -> None:
    await client.__aenter__()
