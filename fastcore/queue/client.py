"""The task-queue client: publish, consume, acknowledge, whatever the backend."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
import weakref
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from fastcore._native.queue import Histogram, Message, count_redelivered
from fastcore.errors import ClientClosed, MessageExpired, MessageSettled
from fastcore.queue import names
from fastcore.queue.backend import Backend, Headers, Options, Pending
from fastcore.queue.consumer import Consumer, Source
from fastcore.queue.payloads import as_payload, as_payloads
from fastcore.queue.settings import Settings, make_backend
from fastcore.queue.stats import Counters, Latency, QueueStats
from fastcore.queue.worker import Handler, Worker

if TYPE_CHECKING:
    from typing_extensions import Buffer, Self

__all__ = ["MessageId", "TaskQueueClient"]

log = logging.getLogger("fastcore.queue")

MessageId = str
BATCH_MAX = 100_000
_made = count(1)


class TaskQueueClient:
    """Publishes messages to streams and consumes them in groups.

    Use it as an asynchronous context manager; it belongs to the event loop it
    was entered in. `fastcore.queue.sync.TaskQueueClient` is for programs without
    one, and for threads.

    Parameters
    ----------
    backend : {"wal", "redis", "jetstream", "redis+jetstream"}, default "wal"
        Where streams are kept: in a directory of this machine, on a Redis server
        (6.2 or later), on a NATS server with JetStream, or on whichever of the
        two answers, JetStream first.
    path : str or os.PathLike, default "queue"
        The directory of ``"wal"``; made where there is none. Any number of
        processes of this machine may use it at once.
    redis_url, nats_url : str, optional
        ``redis://[user:password@]host[:port][/db]``, ``rediss://`` for TLS;
        ``nats://[user:password@]host[:port]``, ``tls://`` for TLS, several
        separated by commas.
    durability : {"batch", "sync", "async"}, default "batch"
        When messages of ``"wal"`` reach stable storage, as in `fastcore.wal.open`.
        With all three a confirmed message survives ``kill -9``. For servers this
        is a setting of the server.
    dedup_window : float, default 120
        For how many seconds a second `publish` with the same `id` stores nothing.
    max_messages : int, optional
        On a server: keep about so many messages in a stream and drop the oldest,
        acknowledged or not. Default: keep all. ``"wal"`` keeps all.
    timeout : float, default 5
        How many seconds one call waits for a server, and `publish` for a
        connection that is being made anew.
    give_up : float, default 60
        After how many seconds without a server a consumer raises
        `BackendUnavailable`. Until then it tries again and again, with pauses
        that double up to 2 s.

    Examples
    --------
    >>> import asyncio, tempfile
    >>> from fastcore.queue import TaskQueueClient
    >>> async def main(path):
    ...     async with TaskQueueClient(path=path) as client:
    ...         await client.publish("jobs", b"resize 1.png", id="job-1")
    ...         await client.publish_many("jobs", [b"resize 2.png", b"resize 3.png"])
    ...         async for message in client.consume("jobs", "workers"):
    ...             print(message.payload, message.deliveries)
    ...             await message.ack()
    ...             if message.payload.endswith(b"3.png"):
    ...                 break
    ...         return await client.pending("jobs", "workers")
    >>> with tempfile.TemporaryDirectory() as path:
    ...     asyncio.run(main(path))
    b'resize 1.png' 1
    b'resize 2.png' 1
    b'resize 3.png' 1
    Pending(lag=0, in_flight=0, oldest=None)
    """

    def __init__(
        self,
        backend: str = "wal",
        *,
        path: str | os.PathLike[str] = "queue",
        redis_url: str | None = None,
        nats_url: str | None = None,
        durability: Literal["batch", "sync", "async"] = "batch",
        dedup_window: float = 120.0,
        max_messages: int | None = None,
        timeout: float = 5.0,
        give_up: float = 60.0,
    ) -> None:
        self._settings = Settings(
            path=os.path.abspath(os.fsdecode(path)),
            redis_url=redis_url,
            nats_url=nats_url,
            durability=durability,
            dedup_window=dedup_window,
            max_messages=max_messages,
            timeout=timeout,
            give_up=give_up,
        )
        self._wanted = backend
        self._settings.check(backend)
        self._active: Backend | None = None
        self._backends: list[Backend] = []
        self._consumers: weakref.WeakSet[Consumer] = weakref.WeakSet()
        self.sources: weakref.WeakSet[Source] = weakref.WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self.counters = Counters()
        self.handle_latency = Histogram()
        self._publish_latency = Histogram()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open" if self._active else "not opened"
        return f"<{type(self).__name__} {self._wanted!r}, {state}>"

    # ---- life

    async def __aenter__(self) -> Self:
        if self._active is not None or self._closed:
            raise ClientClosed("a TaskQueueClient is entered once; make a new one")
        self._loop = asyncio.get_running_loop()
        self._active = await make_backend(self._wanted, self._settings)
        self._backends.append(self._active)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Send what acknowledgments are left, give back what was not handed out, disconnect."""
        if self._closed:
            return
        self._closed = True
        for consumer in list(self._consumers):
            await consumer.aclose()
        for source in list(self.sources):
            await source.close()
        for _ in range(2):  # giving back may itself spawn
            tasks = [task for task in self._tasks if not task.done()]
            if tasks:
                _, late = await asyncio.wait(tasks, timeout=self._settings.timeout)
                for task in late:
                    task.cancel()
        for backend in self._backends:
            await backend.close()
        self._backends.clear()

    def check_open(self) -> None:
        """Raise `ClientClosed` outside of ``async with``."""
        if self._closed or self._active is None:
            state = "was closed" if self._closed else "is not open yet"
            raise ClientClosed(f"the client {state}; use it inside `async with client:`")

    @property
    def active(self) -> Backend:
        """The backend that is published to."""
        self.check_open()
        assert self._active is not None
        return self._active

    @property
    def backend(self) -> str:
        """The name of the backend in use: "wal", "redis" or "jetstream"."""
        return self._wanted if self._active is None else self._active.name

    @property
    def capabilities(self) -> frozenset[str]:
        """What the backend in use gives; the guide has a table.

        ``"ordered"``, ``"dedup"``, ``"delay"``, ``"replay"``, ``"headers"``, ``"groups"``,
        ``"dead_letters"``; ``"embedded"``: needs no server; ``"networked"``: for several
        machines; ``"uncounted_return"``: messages that were received and not handed
        out go back without counting as delivered.
        """
        return self.active.capabilities

    # ---- publishing

    async def publish(
        self,
        stream: str,
        payload: Buffer,
        *,
        id: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> MessageId:
        """Store one message, and return its id in the stream when the backend has confirmed.

        Parameters
        ----------
        stream : str
            Letters, digits, ``_``, ``-`` and single dots in between. Made by the
            first message.
        payload : bytes-like
            Any bytes.
        id : str, optional
            Yours: a second message of the same id within `dedup_window` is not
            stored, and gives what the first one gave.
        headers : mapping of str to str, optional
            Sent along with the payload.

        Raises
        ------
        BackendUnavailable
            The message may have been stored or not. With `id` it is safe to publish
            again.
        PayloadTooLarge, StorageFull, QueueNameError
            It was not stored.
        """
        started = time.perf_counter_ns()
        names.check_name(stream, "stream")
        ids = None if id is None else [names.check_id(id)]
        fields: list[Headers] | None = None if not headers else [names.check_headers(headers)]
        stored = await self.active.publish(stream, [as_payload(payload)], ids, fields)
        self._publish_latency.record(time.perf_counter_ns() - started)
        self.counters.published += 1
        return stored[0]

    async def publish_many(
        self,
        stream: str,
        payloads: Iterable[Buffer],
        *,
        ids: Iterable[str | None] | None = None,
        headers: Iterable[Mapping[str, str] | None] | None = None,
    ) -> Sequence[MessageId]:
        """Store messages in order, in as few round trips as can be.

        Parameters
        ----------
        stream : str
            As for `publish`.
        payloads : iterable of bytes-like, or a column
            A NumPy array gives a message for each element (``S``, ``object``) or
            row (numbers, two dimensions); an Arrow or `fastcore.json` column of
            strings or binary one for each value.
        ids, headers : iterable, optional
            One for each payload, or None.

        Returns
        -------
        sequence of str
            An id for each payload.

        Raises
        ------
        BackendUnavailable
            Some of the messages may have been stored.
        """
        started = time.perf_counter_ns()
        names.check_name(stream, "stream")
        batch = as_payloads(payloads)
        checked_ids = fields = None
        if ids is not None:
            checked_ids = [None if id is None else names.check_id(id) for id in ids]
            _check_length(checked_ids, batch, "ids")
        if headers is not None:
            fields = [None if not each else names.check_headers(each) for each in headers]
            _check_length(fields, batch, "headers")
        if not batch:
            return []
        stored = await self.active.publish(stream, batch, checked_ids, fields)
        self._publish_latency.record(time.perf_counter_ns() - started)
        self.counters.published += len(batch)
        return stored

    # ---- consuming

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
        """Return an asynchronous iterator over the messages of a group; it never ends.

        Parameters
        ----------
        stream, group : str
            Every group sees every message of the stream; the consumers of a
            group share them. A new group begins with the oldest message there is.
        consumer : str, optional
            A name to see in the server's tools; default made of host, process and
            a number.
        batch : int, default 256
            How many messages to receive at a time. Those that wait in the
            consumer are renewed, so that a slow program does not lose them.
        ack_wait : float, default 30
            After how many seconds without acknowledgment a message is delivered
            again. All consumers of a group should say the same.
        max_deliver : int, default 5
            After how many deliveries without success a message goes to the stream
            ``<stream>.dead``.

        Raises
        ------
        BackendUnavailable
            From the iteration: there was no server for `give_up` seconds.
        GroupMismatch
            From the iteration: the name belongs to something else on the server.
        """
        names.check_name(stream, "stream")
        names.check_name(group, "group")
        if consumer is None:
            consumer = f"{_host()}-{os.getpid()}-{next(_made)}"
        names.check_name(consumer, "consumer")
        if not 1 <= batch <= BATCH_MAX:
            raise ValueError(f"batch must be 1 to {BATCH_MAX}, not {batch!r}")
        if not 0.01 <= ack_wait <= 86_400:
            raise ValueError(f"ack_wait must be 0.01 to 86400 seconds, not {ack_wait!r}")
        if not 1 <= max_deliver <= 1_000_000:
            raise ValueError(f"max_deliver must be 1 to 1000000, not {max_deliver!r}")
        self.check_open()
        made = Consumer(self, stream, group, Options(consumer, batch, ack_wait, max_deliver))
        self._consumers.add(made)
        return made

    async def ack_many(self, messages: Iterable[Message]) -> None:
        """Acknowledge messages, and return when the backend has confirmed.

        Raises
        ------
        MessageExpired
            For some of them `ack_wait` had passed; the others are acknowledged.
        """
        self.check_open()
        batches: dict[Source, list[Message]] = {}
        refused: MessageExpired | MessageSettled | None = None
        for message in messages:
            source = message.owner
            assert isinstance(source, Source)
            if message.acknowledged:
                batches.setdefault(source, [])
                continue
            try:
                message.settle("ack")
            except (MessageExpired, MessageSettled) as error:
                refused = error
            else:
                batches.setdefault(source, []).append(message)
        for source, batch in batches.items():
            await source.ack(batch)
        if refused is not None:
            raise refused

    async def flush(self) -> None:
        """Return when the backend has confirmed every acknowledgment made so far."""
        self.check_open()
        for source in list(self.sources):
            await source.confirm()

    async def pending(self, stream: str, group: str) -> Pending:
        """Return how far a group has come; for a group that is new, everything is `lag`."""
        names.check_name(stream, "stream")
        names.check_name(group, "group")
        await self.flush()
        return await self.active.pending(stream, group)

    def worker(
        self,
        stream: str,
        group: str,
        handler: Handler,
        *,
        concurrency: int = 1,
        retry_delay: float = 1.0,
        retry_delay_max: float = 300.0,
        grace: float = 30.0,
        **options: Any,
    ) -> Worker:
        """Return a worker, whose `run` calls `handler` for each message and settles it.

        Parameters
        ----------
        stream, group : str
            As for `consume`.
        handler : callable
            Takes a `Message`; a coroutine function, or a plain one that is quick.
            Returning acknowledges; an exception has the message delivered again
            later; `fastcore.queue.Reject` makes it a dead letter at once.
        concurrency : int, default 1
            How many coroutines of the handler may run at a time.
        retry_delay, retry_delay_max : float, default 1 and 300
            The delay after the first failure in seconds, doubled after each
            further one up to the second figure, and shortened by a random part.
        grace : float, default 30
            How many seconds handlers may take to end when the worker is stopped.
        **options
            `consumer`, `batch`, `ack_wait`, `max_deliver`, as for `consume`.
        """
        if not callable(handler):
            raise TypeError(f"handler must be callable, not {type(handler).__name__}")
        if not 1 <= concurrency <= 100_000:
            raise ValueError(f"concurrency must be 1 to 100000, not {concurrency!r}")
        for name, value in (("retry_delay", retry_delay), ("grace", grace)):
            if not value >= 0:
                raise ValueError(f"{name} must be at least 0 seconds, not {value!r}")
        self.check_open()
        return Worker(
            self,
            stream,
            group,
            handler,
            concurrency=concurrency,
            retry_delay=retry_delay,
            retry_delay_max=retry_delay_max,
            grace=grace,
            options=options,
        )

    # ---- moving

    async def switch(self, backend: str) -> None:
        """Publish to another backend from now on; consumers drain the old one first.

        Each consumer receives from both until its group has nothing left at the
        old one. What has no consumer meanwhile stays there.

        Parameters
        ----------
        backend : str
            As for `TaskQueueClient`; its URL or path was given there.
        """
        self._settings.check(backend)
        before = self.active
        made = await make_backend(backend, self._settings)
        if made.name == before.name:
            await made.close()
            return
        self._active = made
        self._wanted = backend
        self._backends.append(made)
        self.counters.switches += 1
        log.info("switched from %s to %s", before.name, made.name)
        for consumer in list(self._consumers):
            if consumer.sources:
                await consumer.attach(made)

    def stats(self) -> QueueStats:
        """Return what this client has done so far."""
        done = self.counters
        return QueueStats(
            backend=self.backend,
            published=done.published,
            delivered=done.delivered,
            redelivered=done.redelivered,
            acknowledged=self.handle_latency.count,
            given_back=done.given_back,
            terminated=done.terminated,
            dead=done.dead,
            reconnects=sum(backend.reconnects for backend in self._backends),
            switches=done.switches,
            publish=Latency.of(self._publish_latency),
            handle=Latency.of(self.handle_latency),
        )

    # ---- for consumers

    def count_delivered(self, messages: list[Message]) -> None:
        """Count messages that have arrived."""
        self.counters.delivered += len(messages)
        self.counters.redelivered += count_redelivered(messages)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` beside the program, at the latest when the client is closed."""
        assert self._loop is not None
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._spawned_done)

    def _spawned_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a task of the queue client failed", exc_info=task.exception())

    def spawn_from_anywhere(self, work: Sequence[Coroutine[Any, Any, None]]) -> None:
        """Do as `spawn` from a finalizer, which may run in any thread, or too late."""

        def spawn_all() -> None:
            for each in work:
                self.spawn(each)

        try:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(spawn_all)
        except RuntimeError:  # the loop is closed: what was not handed out expires
            for each in work:
                each.close()


def _check_length(given: Sequence[object], batch: Sequence[object], name: str) -> None:
    if len(given) != len(batch):
        raise ValueError(f"{name} has {len(given)} items for {len(batch)} payloads")


def _host() -> str:
    name = socket.gethostname().split(".")[0]
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in name)[:60] or "_"
