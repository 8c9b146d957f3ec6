"""Two servers: which one is taken and why, and moving from one to the other."""

from __future__ import annotations

import asyncio
import logging
import socket
import time

import pytest

from fastcore.queue import BackendUnavailable, Pending, TaskQueueClient

NOWHERE = 1  # a port that nobody listens on


def run(test):
    asyncio.run(asyncio.wait_for(test, 60))


def urls(servers, redis=None, nats=None):
    return {
        "redis_url": f"redis://127.0.0.1:{redis or servers['redis'].port}/0",
        "nats_url": f"nats://127.0.0.1:{nats or servers['jetstream'].port}",
    }


def test_jetstream_is_preferred(servers, caplog):
    async def test():
        caplog.set_level(logging.INFO, "fastcore.queue")
        async with TaskQueueClient("redis+jetstream", **urls(servers)) as client:
            assert client.backend == "jetstream"
        assert "queue on jetstream, which is preferred" in caplog.text

    run(test())


def test_redis_is_taken_where_jetstream_does_not_answer(servers, caplog):
    async def test():
        keywords = urls(servers, nats=NOWHERE)
        async with TaskQueueClient("redis+jetstream", **keywords) as client:
            assert client.backend == "redis"
        assert "queue on redis (jetstream: no NATS server answers at 127.0.0.1:1" in caplog.text

    run(test())


def test_a_server_that_listens_and_says_nothing_is_waited_for_so_long(servers, caplog):
    async def test():
        with socket.create_server(("127.0.0.1", 0)) as mute:
            keywords = urls(servers, nats=mute.getsockname()[1])
            started = time.monotonic()
            async with TaskQueueClient("redis+jetstream", timeout=1.0, **keywords) as client:
                assert client.backend == "redis"
            assert time.monotonic() - started < 5

    run(test())


def test_without_any_server_both_reasons_are_said(servers):
    async def test():
        keywords = urls(servers, redis=NOWHERE, nats=NOWHERE)
        with pytest.raises(BackendUnavailable, match=r"(?s)jetstream: .*; redis: "):
            async with TaskQueueClient("redis+jetstream", **keywords):
                pass

    run(test())


def test_switching_under_load_loses_nothing(servers, tmp_path):
    """Publishers and consumers go on while the client moves through all backends."""
    count = 6000

    async def test():
        stream = "switched"
        keywords = urls(servers)
        async with TaskQueueClient("wal", path=tmp_path, **keywords) as client:
            seen = []
            done = asyncio.Event()

            async def consume():
                async for message in client.consume(stream, "g", batch=32):
                    seen.append(message.payload)
                    await message.ack()
                    await asyncio.sleep(0)
                    if len(set(seen)) == count:
                        done.set()

            async def publish():
                for first in range(0, count, 10):
                    await client.publish_many(stream, [b"%d" % (first + i) for i in range(10)])
                    await asyncio.sleep(0)

            consumers = [asyncio.ensure_future(consume()) for _ in range(2)]
            publishing = asyncio.ensure_future(publish())
            for backend in ("redis", "jetstream", "wal", "redis+jetstream"):
                await asyncio.sleep(0.15)
                await client.switch(backend)
            assert client.backend == "jetstream"
            await publishing
            await asyncio.wait_for(done.wait(), 30)
            for task in consumers:
                task.cancel()
            await asyncio.gather(*consumers, return_exceptions=True)
            assert sorted(seen, key=int) == [b"%d" % i for i in range(count)]
            assert client.stats().switches == 4
        for backend in ("wal", "redis", "jetstream"):
            async with TaskQueueClient(backend, path=tmp_path, **keywords) as client:
                assert await client.pending(stream, "g") == Pending(0, 0, None)

    run(test())


def test_what_was_not_acknowledged_stays_at_the_old_backend(servers, tmp_path):
    async def test():
        keywords = urls(servers)
        async with TaskQueueClient("wal", path=tmp_path, **keywords) as client:
            await client.publish("stays", b"old")
            await client.switch("redis")
            await client.publish("stays", b"new")
            consumer = client.consume("stays", "g")
            message = await asyncio.wait_for(anext(consumer), 5)
            assert message.payload == b"new"
            await message.ack()
            await client.switch("wal")
            message = await asyncio.wait_for(anext(consumer), 5)
            assert message.payload == b"old"
            await message.ack()
            await consumer.aclose()

    run(test())
