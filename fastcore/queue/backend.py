"""What a backend is: seven verbs, of which five belong to a subscription.

`publish` and `pending` are asked of the backend; `request`, `ack`, `nak`,
`renew` and `bury` of one consumer's subscription to one stream and group. Tokens
are whatever a backend names a delivery with. `request` and `post` return at once,
so that handing out a message and acknowledging it cost no task and no turn of
the event loop; what `request` asked for arrives at the subscription's `Sink`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from fastcore._native.queue import Message, Window

__all__ = ["Backend", "Backoff", "Headers", "Options", "Pending", "Sink", "Subscription"]

Headers = dict[str, str] | None


class Pending(NamedTuple):
    """How far a group has come.

    Attributes
    ----------
    lag : int
        Messages that were never delivered to the group.
    in_flight : int
        Messages that were delivered and not acknowledged; those waiting to be
        delivered again are among them.
    oldest : int or None
        When the oldest of all these was stored, in nanoseconds since 1970; None:
        there are none.
    """

    lag: int
    in_flight: int
    oldest: int | None


@dataclass(frozen=True)
class Options:
    """How a consumer wants its messages."""

    consumer: str
    batch: int
    ack_wait: float
    max_deliver: int


class Sink(Protocol):
    """Who takes what a subscription receives."""

    @property
    def window(self) -> Window: ...
    def deliver(self, messages: list[Message]) -> None: ...
    def fail(self, error: Exception) -> None: ...


class Subscription(Protocol):
    """One consumer's place in a group. All methods belong to the event loop's thread."""

    def request(self, limit: int, acks: list[Any]) -> None:
        """Settle `acks`, and deliver up to `limit` messages when there are some, once."""

    def post(self, acks: list[Any]) -> None:
        """Settle `acks` without saying when; a failure leaves them to be delivered again."""

    async def ack(self, tokens: Sequence[Any]) -> None:
        """Settle, and return when the backend has confirmed these and all that were posted."""

    async def nak(self, messages: Sequence[Message], delay: float, *, uncount: bool) -> None:
        """Have messages delivered again; `uncount`: nobody saw them, where that can be said."""

    async def renew(self, tokens: Sequence[Any]) -> None:
        """Let `ack_wait` begin anew."""

    async def term(self, tokens: Sequence[Any]) -> None:
        """Settle what failed."""

    async def bury(self, message: Message, reason: str) -> None:
        """Move a message to the dead letters, and settle it."""

    async def close(self) -> None:
        """Stop receiving."""


class Backend(Protocol):
    """Where streams are kept."""

    name: str
    capabilities: frozenset[str]

    @property
    def reconnects(self) -> int: ...
    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def publish(
        self,
        stream: str,
        payloads: list[bytes],
        ids: Sequence[str | None] | None,
        headers: list[Headers] | None,
    ) -> list[str]: ...
    async def subscribe(
        self, stream: str, group: str, options: Options, sink: Sink
    ) -> Subscription: ...
    async def pending(self, stream: str, group: str) -> Pending: ...


class Backoff:
    """How long to wait before the next attempt: doubling, capped, and never two alike."""

    def __init__(self, first: float = 0.02, most: float = 2.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def pause(self) -> float:
        """Return the next pause in seconds, with full jitter upwards of its half."""
        pause = self._next * random.uniform(0.5, 1.0)
        self._next = min(self._next * 2, self._most)
        return pause

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._next = self._first
