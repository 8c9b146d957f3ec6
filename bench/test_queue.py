"""The task queue: on Redis and JetStream beside their own clients by hand, and embedded.

A round moves `COUNT` messages; client and server share the machine. Peers use the fastest interface
their libraries document: redis-py pipelines with hiredis, nats-py with many publishes in flight.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import workloads
from queue_servers import Loop, Servers

from fastcore.queue import TaskQueueClient

COUNT = workloads.quick(20_000, 5_000)
BATCH = 1_000
ROUNDS = workloads.quick(7, 3)
SIZES = {"100B": 100, "1KiB": 1024}
ROUND_TRIPS = workloads.quick(2_000, 300)

_names = count(1)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    made = Servers()
    yield made
    made.stop()


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


def batches(size: int) -> list[list[bytes]]:
    payloads = [(b"%08d" % i).ljust(size, b"x") for i in range(COUNT)]
    return [payloads[at : at + BATCH] for at in range(0, COUNT, BATCH)]


class Fastcore:
    """This project's client."""

    def __init__(self, loop: Loop, backend: str, **keywords: Any) -> None:
        self._loop = loop
        self.client = TaskQueueClient(backend, **keywords)
        loop.run(self.client.__aenter__())

    def publish(self, stream: str, given: list[list[bytes]]) -> int:
        async def work() -> int:
            return sum([len(await self.client.publish_many(stream, batch)) for batch in given])

        return self._loop.run(work())

    def consume(self, stream: str) -> int:
        async def work() -> int:
            done = 0
            async with self.client.consume(stream, "g", batch=BATCH) as consumer:
                async for message in consumer:
                    await message.ack()
                    done += 1
                    if done == COUNT:
                        break
            await self.client.flush()
            return done

        return self._loop.run(work())

    def close(self) -> None:
        self._loop.run(self.client.aclose())


class RedisByHand:
    """redis-py, synchronous: faster than its asyncio client."""

    def __init__(self, loop: Loop, port: int) -> None:
        redis = pytest.importorskip("redis")
        self._redis = redis.Redis(port=port)

    def publish(self, stream: str, given: list[list[bytes]]) -> int:
        done = 0
        for batch in given:
            pipeline = self._redis.pipeline(transaction=False)
            for payload in batch:
                pipeline.xadd(stream, {"payload": payload})
            done += len(pipeline.execute())
        return done

    def consume(self, stream: str) -> int:
        self._redis.xgroup_create(stream, "g", "0")
        done = 0
        while done < COUNT:
            ((_, entries),) = self._redis.xreadgroup("g", "c", {stream: ">"}, count=BATCH)
            done += self._redis.xack(stream, "g", *[id for id, _ in entries])
        return done

    def close(self) -> None:
        self._redis.close()


class NatsByHand:
    """nats-py."""

    def __init__(self, loop: Loop, port: int) -> None:
        nats = pytest.importorskip("nats")
        self._loop = loop
        self._client = loop.run(nats.connect(f"nats://127.0.0.1:{port}"))
        self._streams = self._client.jetstream(publish_async_max_pending=4 * BATCH)

    def publish(self, stream: str, given: list[list[bytes]]) -> int:
        async def work() -> int:
            await self._streams.add_stream(name=stream, subjects=[stream])
            done = 0
            for batch in given:
                pending = [await self._streams.publish_async(stream, each) for each in batch]
                done += len(await asyncio.gather(*pending))
            return done

        return self._loop.run(work())

    def consume(self, stream: str) -> int:
        async def work() -> int:
            subscription = await self._streams.pull_subscribe(stream, "g")
            done = 0
            while done < COUNT:
                for message in await subscription.fetch(BATCH):
                    await message.ack()
                    done += 1
            await self._client.flush()
            return done

        return self._loop.run(work())

    def close(self) -> None:
        self._loop.run(self._client.close())


def make(kind: str, engine: str, loop: Loop, servers: Servers) -> Any:
    if kind == "embedded":
        return Fastcore(loop, "wal", path=servers.folder(f"queue{next(_names)}"))
    port = servers.port("redis" if kind == "redis" else "nats")
    if port is None:
        pytest.skip(f"the server of {kind} is not installed")
    if engine != "fastcore":
        return {"redis": RedisByHand, "jetstream": NatsByHand}[kind](loop, port)
    if kind == "redis":
        return Fastcore(loop, "redis", redis_url=f"redis://127.0.0.1:{port}")
    return Fastcore(loop, "jetstream", nats_url=f"nats://127.0.0.1:{port}")


ENGINES = [
    ("embedded", "fastcore"),
    ("redis", "fastcore"),
    ("redis", "redis-py"),
    ("jetstream", "fastcore"),
    ("jetstream", "nats-py"),
]
ROWS = [
    pytest.param(kind, size, engine, id=f"{kind}-{size}-{engine}")
    for kind, engine in ENGINES
    for size in SIZES
]


@pytest.mark.parametrize(("kind", "size", "engine"), ROWS)
def test_publish__1000_at_a_time(benchmark, servers, loop, kind, size, engine):
    benchmark.extra_info.update(items=COUNT)
    given = batches(SIZES[size])
    made = make(kind, engine, loop, servers)
    try:
        published = benchmark.pedantic(
            made.publish, setup=lambda: ((f"p{next(_names)}", given), {}), rounds=ROUNDS
        )
    finally:
        made.close()
    assert published == COUNT


@pytest.mark.parametrize(("kind", "size", "engine"), ROWS)
def test_consume_and_ack__1000_at_a_time(benchmark, servers, loop, kind, size, engine):
    benchmark.extra_info.update(items=COUNT)
    given = batches(SIZES[size])
    made = make(kind, engine, loop, servers)

    def filled() -> tuple[tuple[str], dict[str, Any]]:
        stream = f"c{next(_names)}"
        made.publish(stream, given)
        return (stream,), {}

    try:
        consumed = benchmark.pedantic(made.consume, setup=filled, rounds=ROUNDS)
    finally:
        made.close()
    assert consumed == COUNT


@pytest.mark.parametrize("kind", ["embedded", "redis", "jetstream"])
def test_worker__no_op_tasks(benchmark, servers, loop, kind):
    benchmark.extra_info.update(items=COUNT)
    given = batches(100)
    made = make(kind, "fastcore", loop, servers)

    def filled() -> tuple[tuple[str], dict[str, Any]]:
        stream = f"w{next(_names)}"
        made.publish(stream, given)
        return (stream,), {}

    async def work(stream: str) -> int:
        done = 0

        def handler(message: Any) -> None:
            nonlocal done
            done += 1
            if done == COUNT:
                worker.stop()

        worker = made.client.worker(stream, "g", handler, batch=BATCH)
        await worker.run(signals=False)
        return worker.handled

    try:
        handled = benchmark.pedantic(
            lambda stream: loop.run(work(stream)), setup=filled, rounds=ROUNDS
        )
    finally:
        made.close()
    assert handled == COUNT


@pytest.mark.parametrize("kind", ["embedded", "redis", "jetstream"])
def test_latency__publish_to_handler(benchmark, servers, loop, kind):
    """One message at a time: from the call of `publish` to the message in hand; then its ack."""
    made = make(kind, "fastcore", loop, servers)
    taken: list[float] = []

    async def work() -> int:
        stream = f"l{next(_names)}"
        async with made.client.consume(stream, "g", batch=1) as consumer:
            for index in range(ROUND_TRIPS):
                waiting = asyncio.ensure_future(anext(consumer))
                await asyncio.sleep(0)
                began = time.perf_counter()
                await made.client.publish(stream, b"%d" % index)
                message = await waiting
                taken.append(time.perf_counter() - began)
                await message.ack()
        return len(taken)

    try:
        assert benchmark.pedantic(lambda: loop.run(work()), rounds=1) == ROUND_TRIPS
    finally:
        made.close()
    quantiles = statistics.quantiles(taken, n=100)
    benchmark.extra_info["percentiles"] = {"p50": quantiles[49], "p99": quantiles[98]}
