"""The client without an event loop, from several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from fastcore.queue import ClientClosed, Pending, QueueNameError, sync


def test_the_contract_without_await(place):
    with sync.TaskQueueClient(place.kind, **place.keywords) as client:
        assert client.backend == place.kind
        assert "ordered" in client.capabilities
        first = client.publish(place.stream, b"a", id="1", headers={"k": "v"})
        assert client.publish(place.stream, b"again", id="1") == first
        client.publish_many(place.stream, [b"b", b"c", b"d", b"e"])
        with client.consume(place.stream, "g", ack_wait=20) as consumer:
            message = next(consumer)
            assert (message.payload, message.headers, message.id) == (b"a", {"k": "v"}, first)
            assert (message.stream, message.group, message.deliveries) == (place.stream, "g", 1)
            message.in_progress()
            message.ack()
            second = next(consumer)
            second.nak()
            third = next(consumer)
            third.term()
            rest = [next(consumer) for _ in range(3)]
            assert sorted(m.payload for m in rest) == [b"b", b"d", b"e"]
            client.ack_many(rest)
            assert consumer.next(timeout=0.1) is None
        client.flush()
        assert client.pending(place.stream, "g") == Pending(0, 0, None)
        assert client.stats().acknowledged == 4
        with pytest.raises(QueueNameError):
            client.publish("a b", b"x")


def test_threads_share_a_client(place):
    with sync.TaskQueueClient(place.kind, **place.keywords) as client:

        def publish(thread: int) -> list[str]:
            return [client.publish(place.stream, b"%d-%d" % (thread, i)) for i in range(25)]

        with ThreadPoolExecutor(4) as threads:
            ids = [id for found in threads.map(publish, range(4)) for id in found]
        assert len(set(ids)) == 100

        def consume(_: int) -> list[bytes]:
            seen = []
            with client.consume(place.stream, "g", batch=5) as consumer:
                while (message := consumer.next(timeout=0.5)) is not None:
                    seen.append(message.payload)
                    message.ack()
            return seen

        with ThreadPoolExecutor(3) as threads:
            seen = [payload for found in threads.map(consume, range(3)) for payload in found]
        assert sorted(seen) == sorted(b"%d-%d" % (t, i) for t in range(4) for i in range(25))


def test_a_client_that_is_not_open_says_so(tmp_path):
    client = sync.TaskQueueClient(path=tmp_path)
    with pytest.raises(ClientClosed, match="with client"):
        client.publish("jobs", b"x")
    with client:
        client.publish("jobs", b"x")
    with pytest.raises(ClientClosed, match="closed"):
        client.publish("jobs", b"x")
