"""What is wrong is said: which argument, which server, what to do; and never a password."""

from __future__ import annotations

import asyncio

import pytest

from fastcore.queue import (
    AuthenticationFailed,
    BackendUnavailable,
    GroupMismatch,
    PayloadTooLarge,
    QueueError,
    QueueNameError,
    TaskQueueClient,
)

SECRET = "hunter2-and-more"


def run(test):
    asyncio.run(asyncio.wait_for(test, 60))


@pytest.mark.parametrize(
    "name", ["", "a b", "jobs.*", "jobs.>", ".a", "a.", "a..b", "a/b", "a\n", "é", "x" * 161]
)
def test_names_that_not_every_backend_takes(place, name):
    async def test():
        async with place.client() as client:
            with pytest.raises(QueueNameError, match="letters, digits"):
                await client.publish(name, b"x")
            with pytest.raises(QueueNameError, match="group"):
                client.consume("jobs", name)
            with pytest.raises(ValueError, match="stream"):
                await client.pending(name, "g")

    run(test())


def test_wrong_arguments(place):
    async def test():
        async with place.client() as client:
            with pytest.raises(TypeError, match="payload must be bytes-like, not str"):
                await client.publish("jobs", "text")
            with pytest.raises(TypeError, match=r"payloads\[1\] must be bytes-like, not int"):
                await client.publish_many("jobs", [b"x", 1])
            with pytest.raises(TypeError, match="iterable"):
                await client.publish_many("jobs", b"x")
            with pytest.raises(ValueError, match="ids has 1 items for 2"):
                await client.publish_many("jobs", [b"x", b"y"], ids=["1"])
            with pytest.raises(ValueError, match="id must be"):
                await client.publish("jobs", b"x", id=" ")
            with pytest.raises(ValueError, match="line end"):
                await client.publish("jobs", b"x", headers={"a": "b\r\nc"})
            with pytest.raises(ValueError, match="cannot be used"):
                await client.publish("jobs", b"x", headers={"a b": "c"})
            with pytest.raises(TypeError, match="str to str"):
                await client.publish("jobs", b"x", headers={"a": 1})
            for keyword in ({"batch": 0}, {"ack_wait": 0}, {"max_deliver": 0}):
                with pytest.raises(ValueError, match=next(iter(keyword))):
                    client.consume("jobs", "g", **keyword)
            assert await client.publish_many("jobs", []) == []

    run(test())


def test_wrong_settings():
    for keywords, text in [
        ({"backend": "kafka"}, "backend must be one of"),
        ({"backend": "redis"}, "needs redis_url="),
        ({"backend": "redis+jetstream", "redis_url": "redis://x"}, "needs nats_url="),
        ({"durability": "maybe"}, "durability"),
        ({"dedup_window": 0}, "dedup_window"),
        ({"max_messages": 0}, "max_messages must be"),
        ({"max_messages": 10}, "keeps all messages"),
        ({"timeout": -1}, "timeout"),
    ]:
        with pytest.raises(ValueError, match=text):
            TaskQueueClient(**keywords)


def said(error: BaseException | None) -> str:
    """Everything that a traceback would print of an error."""
    text = ""
    while error is not None:
        text += f"{error!r} {error} "
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return text


@pytest.mark.parametrize("kind", ["redis", "jetstream"])
def test_no_server(kind, caplog):
    keywords = {
        "redis_url": f"redis://user:{SECRET}@127.0.0.1:1/0",
        "nats_url": f"nats://user:{SECRET}@127.0.0.1:1",
    }

    async def test():
        client = TaskQueueClient(kind, timeout=2, **keywords)
        with pytest.raises(BackendUnavailable, match=r"answers at 127\.0\.0\.1:1") as caught:
            await client.__aenter__()
        assert SECRET not in said(caught.value) + repr(client) + caplog.text

    run(test())


@pytest.mark.parametrize("kind", ["redis", "jetstream"])
def test_a_wrong_password(kind, start_server, tmp_path, caplog):
    more = {
        "redis": ["--requirepass", "right"],
        "jetstream": ["--user", "user", "--pass", "right"],
    }
    server = start_server(kind, tmp_path / "server", more[kind])
    user = "" if kind == "redis" else "user"
    scheme = "redis" if kind == "redis" else "nats"
    keyword = "redis_url" if kind == "redis" else "nats_url"

    async def enter(password):
        url = f"{scheme}://{user}:{password}@127.0.0.1:{server.port}"
        async with TaskQueueClient(kind, **{keyword: url}) as client:
            await client.publish("jobs", b"x")
            return repr(client)

    try:
        assert "right" not in asyncio.run(enter("right"))
        with pytest.raises(AuthenticationFailed, match="refuses the user") as caught:
            asyncio.run(enter(SECRET))
        assert SECRET not in said(caught.value) + caplog.text
    finally:
        server.stop()


def test_a_bad_url_does_not_show_the_password():
    for keywords in (
        {"backend": "redis", "redis_url": f"http://u:{SECRET}@x"},
        {"backend": "redis", "redis_url": f"redis://u:{SECRET}@x:port"},
        {"backend": "jetstream", "nats_url": f"nats://u:{SECRET}@x:port"},
    ):

        async def test(keywords=keywords):
            with pytest.raises((ValueError, QueueError)) as caught:
                await TaskQueueClient(**keywords).__aenter__()
            assert SECRET not in said(caught.value)

        run(test())


def test_payloads_over_the_limit(servers, tmp_path):
    nats = f"nats://127.0.0.1:{servers['jetstream'].port}"

    async def test():
        async with TaskQueueClient("jetstream", nats_url=nats) as client:
            with pytest.raises(PayloadTooLarge, match="max_payload of 1048576"):
                await client.publish("large", b"x" * (1 << 20) + b"x")
        async with TaskQueueClient(path=tmp_path) as client:
            with pytest.raises(PayloadTooLarge, match="over the limit"):
                await client.publish("large", bytes(64 << 20))
            await client.publish("large", bytes(32 << 20))
            async for message in client.consume("large", "g"):
                assert message.payload == bytes(32 << 20)
                await message.ack()
                break

    run(test())


def test_names_that_belong_to_something_else(servers):
    redis_port, nats_port = servers["redis"].port, servers["jetstream"].port

    async def test():
        from redis.asyncio import Redis

        direct = Redis(port=redis_port)
        await direct.set("a-string", "x")
        await direct.aclose()
        async with TaskQueueClient(
            "redis", redis_url=f"redis://127.0.0.1:{redis_port}/0"
        ) as client:
            with pytest.raises(GroupMismatch, match="something else than a stream"):
                await client.publish("a-string", b"x")
            with pytest.raises(GroupMismatch, match="something else than a stream"):
                await anext(client.consume("a-string", "g"))

        import nats

        connection = await nats.connect(f"nats://127.0.0.1:{nats_port}")
        streams = connection.jetstream()
        await streams.add_stream(name="taken", subjects=["taken"])
        await streams.add_consumer(
            "taken", durable_name="pushed", deliver_subject="somewhere", ack_policy="explicit"
        )
        await streams.add_stream(name="elsewhere", subjects=["other.subject"])
        await streams.add_stream(name="wild", subjects=["wild.*"])
        await connection.close()
        async with TaskQueueClient("jetstream", nats_url=f"nats://127.0.0.1:{nats_port}") as client:
            with pytest.raises(GroupMismatch, match="pushes"):
                await anext(client.consume("taken", "pushed"))
            with pytest.raises(GroupMismatch, match="does not take the subject"):
                await client.publish("elsewhere", b"x")
            with pytest.raises(GroupMismatch, match="takes this subject"):
                await client.publish("wild.card", b"x")

    run(test())
