"""What a client was told about its backends, and THE table of backends."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from fastcore.queue.backend import Backend

__all__ = ["BACKENDS", "Settings", "make_backend"]


@dataclass(frozen=True)
class Settings:
    """The keywords of `TaskQueueClient`; URLs, which hold passwords, stay out of the repr."""

    path: str
    redis_url: str | None = field(repr=False)
    nats_url: str | None = field(repr=False)
    durability: Literal["batch", "sync", "async"]
    dedup_window: float
    max_messages: int | None
    timeout: float
    give_up: float

    def check(self, backend: str) -> None:
        """Raise where a value is wrong, or `backend` needs one that is missing."""
        if not isinstance(backend, str):
            raise TypeError(f"backend must be a str, not {type(backend).__name__}")
        if backend not in BACKENDS:
            known = ", ".join(map(repr, BACKENDS))
            raise ValueError(f"backend must be one of {known}, not {backend!r}")
        for part in backend.split("+"):
            name = _URL_OF.get(part)
            if name is not None and getattr(self, name) is None:
                example = _EXAMPLES[part]
                raise ValueError(f"backend {backend!r} needs {name}=, such as {example!r}")
        if self.durability not in ("batch", "sync", "async"):
            raise ValueError(
                f"durability must be 'batch', 'sync' or 'async', not {self.durability!r}"
            )
        if not 0.1 <= self.dedup_window <= 86_400:
            raise ValueError(
                f"dedup_window must be 0.1 to 86400 seconds, not {self.dedup_window!r}"
            )
        if self.max_messages is not None:
            if not 1 <= self.max_messages <= 2**53:
                raise ValueError(f"max_messages must be 1 to 2**53, not {self.max_messages!r}")
            if backend == "wal":
                raise ValueError("max_messages is for servers: 'wal' keeps all messages")
        for name in ("timeout", "give_up"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be more than 0 seconds, not {value!r}")


async def _wal(settings: Settings) -> Backend:
    from fastcore.queue.wal import WalBackend

    backend = WalBackend(settings)
    await backend.open()
    return backend


async def _redis(settings: Settings) -> Backend:
    from fastcore.queue.redis import RedisBackend

    backend = RedisBackend(settings)
    await backend.open()
    return backend


async def _jetstream(settings: Settings) -> Backend:
    from fastcore.queue.jetstream import JetStreamBackend

    backend = JetStreamBackend(settings)
    await backend.open()
    return backend


async def _first_that_answers(settings: Settings) -> Backend:
    from fastcore.queue.auto import probe

    return await probe(settings)


BACKENDS: dict[str, Callable[[Settings], Awaitable[Backend]]] = {
    "wal": _wal,
    "redis": _redis,
    "jetstream": _jetstream,
    "redis+jetstream": _first_that_answers,
}
_URL_OF = {"redis": "redis_url", "jetstream": "nats_url"}
_EXAMPLES = {"redis": "redis://localhost:6379/0", "jetstream": "nats://localhost:4222"}


async def make_backend(name: str, settings: Settings) -> Backend:
    """Return an open backend."""
    return await BACKENDS[name](settings)
