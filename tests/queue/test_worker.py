"""Workers: retries, renewal, dead letters, concurrency, a graceful stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from fastcore.queue import Pending, Reject


def run(test):
    asyncio.run(asyncio.wait_for(test, 60))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


def test_a_worker_handles_every_message(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"%d" % i for i in range(300)])
            seen = []
            worker = client.worker(place.stream, "g", lambda message: seen.append(message.payload))
            running = asyncio.ensure_future(worker.run())
            await until(lambda: len(seen) == 300)
            worker.stop()
            await running
            assert seen == [b"%d" % i for i in range(300)]
            assert (worker.handled, worker.failed) == (300, 0)
            assert await client.pending(place.stream, "g") == Pending(0, 0, None)

    run(test())


def test_as_many_handlers_run_as_asked_for(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"x"] * 40)
            running = most = done = 0

            async def handler(message):
                nonlocal running, most, done
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.01)
                running -= 1
                done += 1

            worker = client.worker(place.stream, "g", handler, concurrency=5)
            task = asyncio.ensure_future(worker.run())
            await until(lambda: done == 40)
            worker.stop()
            await task
            assert most == 5

    run(test())


def test_a_failure_is_tried_again_and_then_a_dead_letter(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"bad", b"flaky", b"rejected", b"good"])
            seen = []

            async def handler(message):
                seen.append((message.payload, message.deliveries))
                if message.payload == b"bad" or (seen[-1] == (b"flaky", 1)):
                    raise RuntimeError("no luck")
                if message.payload == b"rejected":
                    raise Reject("not wanted")

            worker = client.worker(
                place.stream, "g", handler, retry_delay=0.05, max_deliver=3, concurrency=4
            )
            task = asyncio.ensure_future(worker.run())
            letters = []
            async for letter in client.consume(f"{place.stream}.dead", "ops"):
                letters.append(letter)
                await letter.ack()
                if len(letters) == 2:
                    break
            await until(lambda: len(seen) == 7)
            worker.stop()
            await task
            assert sorted(seen) == [
                (b"bad", 1),
                (b"bad", 2),
                (b"bad", 3),
                (b"flaky", 1),
                (b"flaky", 2),
                (b"good", 1),
                (b"rejected", 1),
            ]
            reasons = {m.payload: m.headers["fastcore-dead-reason"] for m in letters}
            assert reasons == {b"bad": "max_deliver", b"rejected": "rejected: not wanted"}
            assert (worker.handled, worker.failed) == (2, 5)
            assert await client.pending(place.stream, "g") == Pending(0, 0, None)

    run(test())


def test_ack_wait_is_renewed_while_a_handler_runs(place):
    async def test():
        async with place.client() as client:
            await client.publish(place.stream, b"slow")
            deliveries = []

            async def handler(message):
                deliveries.append(message.deliveries)
                await asyncio.sleep(1.5)

            worker = client.worker(place.stream, "g", handler, ack_wait=0.5)
            task = asyncio.ensure_future(worker.run())
            await until(lambda: worker.handled == 1)
            worker.stop()
            await task
            assert deliveries == [1]
            assert await client.pending(place.stream, "g") == Pending(0, 0, None)

    run(test())


def test_sigterm_lets_handlers_end_and_takes_no_more(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"%d" % i for i in range(10)])
            began = ended = 0

            async def handler(message):
                nonlocal began, ended
                began += 1
                await asyncio.sleep(0.3)
                ended += 1

            worker = client.worker(place.stream, "g", handler, concurrency=2)
            task = asyncio.ensure_future(worker.run())
            await until(lambda: began == 2)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(task, 10)
            assert began == ended == worker.handled
            assert began <= 4
            left = set()
            async for message in client.consume(place.stream, "g"):
                left.add(message.payload)
                await message.ack()
                if len(left) == 10 - ended:
                    break
            assert await client.pending(place.stream, "g") == Pending(0, 0, None)

    run(test())


def test_a_handler_that_does_not_end_is_cancelled_after_the_grace(place):
    async def test():
        async with place.client() as client:
            await client.publish(place.stream, b"x")
            began = asyncio.Event()

            async def handler(message):
                began.set()
                await asyncio.sleep(60)

            worker = client.worker(place.stream, "g", handler, grace=0.2)
            task = asyncio.ensure_future(worker.run())
            await began.wait()
            started = time.monotonic()
            worker.stop()
            await task
            assert time.monotonic() - started < 10
            async for message in client.consume(place.stream, "g"):
                assert message.payload == b"x"
                # nats-server 2.9 tries the consumer that left first, and takes that off the count.
                assert message.deliveries == 2 or place.kind == "jetstream"
                break

    run(test())


def test_wrong_arguments_are_said(place):
    async def test():
        async with place.client() as client:
            with pytest.raises(TypeError, match="handler"):
                client.worker(place.stream, "g", "not callable")
            with pytest.raises(ValueError, match="concurrency"):
                client.worker(place.stream, "g", print, concurrency=0)
            with pytest.raises(ValueError, match="grace"):
                client.worker(place.stream, "g", print, grace=-1)

    run(test())
