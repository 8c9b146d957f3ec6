"""A process for the fault tests: ``child.py produce|consume KIND KEYWORDS STREAM NAME COUNT``.

A producer publishes COUNT messages, again and again until each is confirmed. A consumer writes
down each payload before it acknowledges it, until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastcore.queue import BackendUnavailable, MessageExpired, TaskQueueClient


async def produce(client: TaskQueueClient, stream: str, name: str, count: int) -> None:
    step = 50
    for first in range(0, count, step):
        numbers = range(first, min(first + step, count))
        payloads = [f"{name}-{number}".encode() for number in numbers]
        while True:
            try:
                await client.publish_many(
                    stream, payloads, ids=[payload.decode() for payload in payloads]
                )
                break
            except BackendUnavailable as error:
                print("again:", error, file=sys.stderr, flush=True)
                await asyncio.sleep(0.05)


async def consume(client: TaskQueueClient, stream: str) -> None:
    async for message in client.consume(stream, "g", batch=64, ack_wait=2.0, max_deliver=1000):
        print(message.payload.decode(), message.deliveries, flush=True)
        try:
            await message.ack()
        except MessageExpired as error:
            print("expired:", error, file=sys.stderr, flush=True)


async def main(role: str, kind: str, keywords: str, stream: str, name: str, count: str) -> None:
    options: dict[str, Any] = json.loads(keywords)
    async with TaskQueueClient(kind, **options) as client:
        print("ready", flush=True)
        if role == "produce":
            await produce(client, stream, name, int(count))
            print("done", flush=True)
        else:
            await consume(client, stream)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
