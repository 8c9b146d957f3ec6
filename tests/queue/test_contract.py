"""What every backend gives: the same tests on all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Any

import pytest

from fastcore.queue import (
    ClientClosed,
    Consumer,
    Message,
    MessageExpired,
    MessageSettled,
    Pending,
)

SOON_S = 10.0  # what a test waits for something that must come


async def take(consumer: Consumer, count: int, *, ack: bool = True) -> list[Message]:
    """Return the next `count` messages."""
    taken: list[Message] = []
    while len(taken) < count:
        message = await asyncio.wait_for(anext(consumer), SOON_S)
        taken.append(message)
        if ack:
            await message.ack()
    return taken


async def nothing(consumer: Consumer, seconds: float = 0.3) -> None:
    """Check that nothing comes."""
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(anext(consumer), seconds)


def payloads(messages: Iterable[Message]) -> list[bytes]:
    return [message.payload for message in messages]


def run(test: Any) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def test_what_is_published_is_consumed_in_order(place):
    async def test():
        async with place.client() as client:
            ids = [await client.publish(place.stream, b"%d" % i) for i in range(5)]
            ids += await client.publish_many(place.stream, [b"%d" % i for i in range(5, 300)])
            async with client.consume(place.stream, "g", batch=64) as consumer:
                messages = await take(consumer, 300)
                assert payloads(messages) == [b"%d" % i for i in range(300)]
                assert [message.id for message in messages] == ids
                assert {message.deliveries for message in messages} == {1}
                assert {(m.stream, m.group) for m in messages} == {(place.stream, "g")}
                await nothing(consumer)
            assert await client.pending(place.stream, "g") == Pending(0, 0, None)

    run(test())


def test_messages_arrive_while_a_consumer_waits(place):
    async def test():
        async with place.client() as client, place.client() as other:
            consumer = client.consume(place.stream, "g")
            waiting = asyncio.ensure_future(anext(consumer))
            await asyncio.sleep(0.2)
            await other.publish(place.stream, b"late")
            message = await asyncio.wait_for(waiting, SOON_S)
            assert message.payload == b"late"
            await message.ack()

    run(test())


def test_payloads_come_back_byte_for_byte(place):
    given = [b"", b"\0", b"\r\n", bytes(range(256)), b"x" * 300_000, b"$-1\r\n", b"PING\r\n"]

    async def test():
        async with place.client() as client:
            for payload in given:
                await client.publish(place.stream, payload)
            await client.publish_many(place.stream, given)
            await client.publish_many(place.stream, map(bytearray, given))
            await client.publish(place.stream, memoryview(b"abcdef")[::2])
            async with client.consume(place.stream, "g") as consumer:
                assert payloads(await take(consumer, 3 * len(given) + 1)) == [*given * 3, b"ace"]

    run(test())


def test_headers_and_timestamps(place):
    headers = {"kind": " a b ", "X-Utf8": "größe 漢", "empty": ""}

    async def test():
        async with place.client() as client:
            before = time.time_ns()
            await client.publish(place.stream, b"with", headers=headers)
            await client.publish(place.stream, b"without")
            await client.publish_many(place.stream, [b"1", b"2"], headers=[{"n": "1"}, None])
            after = time.time_ns()
            async with client.consume(place.stream, "g") as consumer:
                messages = await take(consumer, 4)
            assert [m.headers for m in messages] == [headers, {}, {"n": "1"}, {}]
            slack = 50_000_000
            for message in messages:
                assert before - slack <= message.timestamp <= after + slack

    run(test())


def test_an_id_is_stored_once(place):
    async def test():
        async with place.client() as client, place.client() as other:
            first = await client.publish(place.stream, b"one", id="order 1")
            assert await client.publish(place.stream, b"two", id="order 1") == first
            assert await other.publish(place.stream, b"three", id="order 1") == first
            second = await client.publish(place.stream, b"four", id="order 2")
            assert second != first
            ids = await client.publish_many(
                place.stream,
                [b"a", b"b", b"c", b"d", b"e"],
                ids=["order 2", "new", None, "new", None],
            )
            assert ids[0] == second
            assert ids[1] == ids[3]
            assert len(set(ids)) == 4
            async with client.consume(place.stream, "g") as consumer:
                assert payloads(await take(consumer, 5)) == [b"one", b"four", b"b", b"c", b"e"]
                await nothing(consumer)

    run(test())


def test_an_id_is_free_again_after_the_window(place):
    async def test():
        async with place.client(dedup_window=0.5) as client:
            first = await client.publish(place.stream, b"one", id="x")
            assert await client.publish(place.stream, b"two", id="x") == first
            await asyncio.sleep(1.2)
            assert await client.publish(place.stream, b"three", id="x") != first

    run(test())


def test_groups_see_everything_once_each(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"%d" % i for i in range(200)])
            seen = {}
            for group in ("a", "b", "with.dot"):
                async with client.consume(place.stream, group, batch=50) as consumer:
                    seen[group] = payloads(await take(consumer, 200))
                    await nothing(consumer, 0.1)
            assert all(found == [b"%d" % i for i in range(200)] for found in seen.values())

    run(test())


def test_consumers_of_a_group_share_the_messages(place):
    async def test():
        async with place.client() as client, place.client() as other:
            seen: list[bytes] = []
            done = asyncio.Event()

            async def work(consumer):
                async for message in consumer:
                    seen.append(message.payload)
                    await message.ack()
                    await asyncio.sleep(0)
                    if len(seen) == 500:
                        done.set()

            consumers = [c.consume(place.stream, "g", batch=10) for c in (client, other, client)]
            tasks = [asyncio.ensure_future(work(consumer)) for consumer in consumers]
            await client.publish_many(place.stream, [b"%d" % i for i in range(500)])
            await asyncio.wait_for(done.wait(), SOON_S)
            await asyncio.sleep(0.1)
            assert sorted(seen, key=int) == [b"%d" % i for i in range(500)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    run(test())


def test_without_ack_a_message_is_delivered_again(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"a", b"b"])
            async with client.consume(place.stream, "g", ack_wait=0.6) as consumer:
                first, second = await take(consumer, 2, ack=False)
                await second.ack()
                started = time.monotonic()
                (again,) = await take(consumer, 1)
                assert 0.3 < time.monotonic() - started < 3
                assert again.payload == b"a"
                assert again.deliveries == 2
                assert again.id == first.id
                assert again.timestamp == first.timestamp
                await nothing(consumer, 1.2)

    run(test())


def test_another_consumer_gets_what_one_left_behind(place):
    async def test():
        async with place.client() as client, place.client() as other:
            await client.publish(place.stream, b"a")
            left = await take(client.consume(place.stream, "g", ack_wait=0.5), 1, ack=False)
            (again,) = await take(other.consume(place.stream, "g", ack_wait=0.5), 1)
            assert again.payload == b"a"
            assert again.deliveries == 2
            await asyncio.sleep(0.3)  # the server's clock began a little earlier than the client's
            with pytest.raises(MessageExpired, match="in_progress"):
                await left[0].ack()

    run(test())


def test_not_delivered_again_while_renewed(place):
    async def test():
        async with place.client() as client:
            await client.publish(place.stream, b"slow")
            async with client.consume(place.stream, "g", ack_wait=0.6) as consumer:
                (message,) = await take(consumer, 1, ack=False)
                other = asyncio.ensure_future(
                    anext(client.consume(place.stream, "g", ack_wait=0.6))
                )
                for _ in range(6):
                    await asyncio.sleep(0.25)
                    await message.in_progress()
                assert not other.done()
                await message.ack()
                await asyncio.sleep(0.9)
                assert not other.done()
                other.cancel()

    run(test())


def test_what_waits_in_a_slow_consumer_is_renewed(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"%d" % i for i in range(5)])
            async with client.consume(place.stream, "g", ack_wait=0.6) as consumer:
                seen = []
                for _ in range(5):
                    message = await asyncio.wait_for(anext(consumer), SOON_S)
                    await asyncio.sleep(0.35)
                    seen.append((message.payload, message.deliveries))
                    await message.ack()
                assert seen == [(b"%d" % i, 1) for i in range(5)]
                await nothing(consumer, 0.9)

    run(test())


def test_nak_delivers_at_once_or_later(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"now", b"later"])
            async with client.consume(place.stream, "g", ack_wait=20) as consumer:
                now, later = await take(consumer, 2, ack=False)
                started = time.monotonic()
                await now.nak()
                await later.nak(delay=0.8)
                (again,) = await take(consumer, 1)
                assert (again.payload, again.deliveries) == (b"now", 2)
                assert time.monotonic() - started < 0.7
                (again,) = await take(consumer, 1)
                assert (again.payload, again.deliveries) == (b"later", 2)
                assert 0.7 < time.monotonic() - started < 3

    run(test())


def test_a_delay_may_be_longer_than_ack_wait(place):
    async def test():
        async with place.client() as client:
            await client.publish(place.stream, b"later")
            async with client.consume(place.stream, "g", ack_wait=0.4) as consumer:
                (message,) = await take(consumer, 1, ack=False)
                started = time.monotonic()
                await message.nak(delay=1.5)
                (again,) = await take(consumer, 1)
                assert again.deliveries == 2
                assert time.monotonic() - started > 1.4

    run(test())


def test_term_is_final(place):
    async def test():
        async with place.client() as client:
            await client.publish(place.stream, b"bad")
            async with client.consume(place.stream, "g", ack_wait=0.5) as consumer:
                (message,) = await take(consumer, 1, ack=False)
                await message.term()
                await nothing(consumer, 1.0)
            assert await client.pending(place.stream, "g") == Pending(0, 0, None)

    run(test())


@pytest.mark.parametrize("how", ["nak", "expiry"])
def test_after_max_deliver_a_message_is_a_dead_letter(place, how):
    async def test():
        async with place.client() as client:
            original = await client.publish(place.stream, b"poison", headers={"k": "v"})
            await client.publish(place.stream, b"good")
            async with client.consume(
                place.stream, "g", ack_wait=0.3, max_deliver=3, batch=1
            ) as consumer:
                deliveries = []
                while True:
                    try:
                        message = await asyncio.wait_for(anext(consumer), 2)
                    except asyncio.TimeoutError:
                        break
                    if message.payload == b"good":
                        await message.ack()
                        continue
                    deliveries.append(message.deliveries)
                    if how == "nak":
                        await message.nak()
                assert deliveries == [1, 2, 3]
                async with client.consume(f"{place.stream}.dead", "ops") as dead:
                    (letter,) = await take(dead, 1)
                    await nothing(dead)
            assert letter.payload == b"poison"
            assert letter.deliveries == 1
            assert letter.headers == {
                "k": "v",
                "fastcore-dead-stream": place.stream,
                "fastcore-dead-group": "g",
                "fastcore-dead-id": original,
                "fastcore-dead-deliveries": "3",
                "fastcore-dead-reason": "max_deliver",
            }
            assert await client.pending(place.stream, "g") == Pending(0, 0, None)

    run(test())


def test_dead_letters_are_delivered_without_limit(place):
    async def test():
        async with place.client() as client:
            stream = f"{place.stream}.dead"
            await client.publish(stream, b"letter")
            async with client.consume(stream, "ops", max_deliver=2) as consumer:
                for deliveries in range(1, 5):
                    (letter,) = await take(consumer, 1, ack=False)
                    assert letter.deliveries == deliveries
                    await letter.nak()

    run(test())


def test_ack_many_is_confirmed_and_names_what_expired(place):
    async def test():
        async with place.client() as client, place.client() as other:
            await client.publish_many(place.stream, [b"%d" % i for i in range(100)])
            consumer = client.consume(place.stream, "g", ack_wait=1.0, batch=100)
            messages = await take(consumer, 100, ack=False)
            await client.ack_many(messages[:60])
            await client.ack_many(messages[:60])
            lag, in_flight, oldest = await other.pending(place.stream, "g")
            assert (lag, in_flight) == (0, 40)
            assert oldest == messages[60].timestamp
            await asyncio.sleep(1.2)
            with pytest.raises(MessageExpired, match="ack_wait"):
                await client.ack_many(messages)
            await consumer.aclose()

    run(test())


def test_pending_counts_what_is_new_and_what_is_in_flight(place):
    async def test():
        async with place.client() as client:
            assert await client.pending(place.stream, "g") == Pending(0, 0, None)
            await client.publish_many(place.stream, [b"%d" % i for i in range(10)])
            lag, in_flight, oldest = await client.pending(place.stream, "g")
            assert (lag, in_flight) == (10, 0)
            consumer = client.consume(place.stream, "g", batch=4)
            messages = await take(consumer, 4, ack=False)
            assert oldest == messages[0].timestamp
            lag, in_flight, oldest = await client.pending(place.stream, "g")
            assert (lag, in_flight, oldest) == (6, 4, messages[0].timestamp)
            await messages[0].ack()
            await messages[1].nak(delay=30)
            lag, in_flight, oldest = await client.pending(place.stream, "g")
            assert (lag, in_flight, oldest) == (6, 3, messages[1].timestamp)
            assert await client.pending(place.stream, "other") == (10, 0, messages[0].timestamp)
            await consumer.aclose()

    run(test())


def test_a_batch_is_as_large_as_asked_for(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"%d" % i for i in range(1000)])
            consumer = client.consume(place.stream, "g", batch=100)
            sizes, seen = [], []
            async for messages in consumer.batches():
                sizes.append(len(messages))
                seen += payloads(messages)
                await client.ack_many(messages)
                if len(seen) == 1000:
                    break
            assert seen == [b"%d" % i for i in range(1000)]
            assert 1 <= max(sizes) <= 100
            await consumer.aclose()
            assert await client.pending(place.stream, "g") == Pending(0, 0, None)

    run(test())


def test_a_slow_consumer_does_not_receive_without_end(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"x"] * 1000)
            consumer = client.consume(place.stream, "g", batch=10)
            messages = await take(consumer, 10, ack=False)
            await asyncio.sleep(0.2)
            lag, in_flight, _ = await client.pending(place.stream, "g")
            assert (lag, in_flight) == (990, 10)
            await client.ack_many(messages)
            await consumer.aclose()

    run(test())


def test_leaving_the_loop_gives_back_what_was_not_handed_out(place):
    async def test():
        async with place.client() as client, place.client() as other:
            await client.publish_many(place.stream, [b"%d" % i for i in range(10)])
            kept = []
            async for message in client.consume(place.stream, "g", ack_wait=20):
                kept.append(message)
                if len(kept) == 3:
                    break
            rest = []
            async with other.consume(place.stream, "g", ack_wait=20) as consumer:
                while set(payloads(rest)) != {b"%d" % i for i in range(3, 10)}:
                    rest += await take(consumer, 1)
            assert len(rest) == 7 or "uncounted_return" not in client.capabilities
            if "uncounted_return" in client.capabilities:
                assert {message.deliveries for message in rest} == {1}
            # What is in hand can still be settled.
            await kept[0].ack()
            await kept[1].in_progress()
            await client.ack_many(kept[1:])
            assert await other.pending(place.stream, "g") == Pending(0, 0, None)

    run(test())


def test_giving_up_the_wait_loses_nothing(place):
    async def test():
        async with place.client() as client:
            consumer = client.consume(place.stream, "g")
            seen = []
            for i in range(20):
                publishing = asyncio.ensure_future(client.publish(place.stream, b"%d" % i))
                try:
                    message = await asyncio.wait_for(anext(consumer), 0.001 * (i % 5))
                    seen.append(message.payload)
                    await message.ack()
                except asyncio.TimeoutError:
                    pass
                await publishing
            seen += payloads(await take(consumer, 20 - len(seen)))
            assert seen == [b"%d" % i for i in range(20)]
            await consumer.aclose()

    run(test())


def test_everything_is_there_after_a_restart_of_the_client(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"%d" % i for i in range(10)])
            consumer = client.consume(place.stream, "g", batch=4, ack_wait=0.5)
            messages = await take(consumer, 4, ack=False)
            await client.ack_many(messages[:2])
        async with place.client() as client:
            seen = await take(client.consume(place.stream, "g", ack_wait=0.5), 8)
            assert sorted(payloads(seen), key=int) == [b"%d" % i for i in range(2, 10)]
            assert {m.payload: m.deliveries for m in seen if m.deliveries > 1} == {b"2": 2, b"3": 2}
            assert await client.pending(place.stream, "g") == Pending(0, 0, None)

    run(test())


def test_a_message_is_settled_once(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"a", b"b"])
            async with client.consume(place.stream, "g") as consumer:
                first, second = await take(consumer, 2, ack=False)
                await first.ack()
                await first.ack()
                for attempt in (first.nak, first.term, first.in_progress):
                    with pytest.raises(MessageSettled, match="acknowledged before"):
                        await attempt()
                await second.term()
                with pytest.raises(MessageSettled, match="terminated before"):
                    await second.ack()

    run(test())


def test_many_publishers_at_once(place):
    async def test():
        async with place.client() as client:
            ids = await asyncio.gather(
                *(client.publish(place.stream, b"%d" % i) for i in range(200))
            )
            assert len(set(ids)) == 200
            async with client.consume(place.stream, "g") as consumer:
                messages = await take(consumer, 200)
            assert {m.id: m.payload for m in messages} == {
                id: b"%d" % i for i, id in enumerate(ids)
            }

    run(test())


def test_stats_count_what_was_done(place):
    async def test():
        async with place.client() as client:
            await client.publish_many(place.stream, [b"%d" % i for i in range(10)])
            await client.publish(place.stream, b"x")
            async with client.consume(place.stream, "g") as consumer:
                messages = await take(consumer, 11, ack=False)
                await messages[0].nak()
                await messages[1].term()
                await client.ack_many(messages[2:])
                await take(consumer, 1)
            stats = client.stats()
            assert stats.backend == place.kind
            assert (stats.published, stats.delivered, stats.redelivered) == (11, 12, 1)
            assert (stats.acknowledged, stats.given_back, stats.terminated) == (10, 1, 1)
            assert stats.publish.count == 2
            assert 0 < stats.publish.p50_ns <= stats.publish.p99_ns <= stats.publish.max_ns
            assert stats.handle.count == 10

    run(test())


def test_a_client_is_used_inside_of_async_with(place):
    async def test():
        client = place.client()
        with pytest.raises(ClientClosed, match="async with"):
            await client.publish(place.stream, b"x")
        async with client:
            await client.publish(place.stream, b"x")
            with pytest.raises(ClientClosed, match="once"):
                await client.__aenter__()
        with pytest.raises(ClientClosed, match="closed"):
            await client.publish(place.stream, b"x")
        with pytest.raises(ClientClosed, match="closed"):
            client.consume(place.stream, "g")

    run(test())
