"""A subscription to a store of this process: no task, no thread, no copy."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

from fastcore.queue._store import Delivered, Store

__all__ = ["Poller"]

NO_NEWS_S = 60.0


class Poller:
    """Fetches a batch when it is asked to, as soon as there is one.

    The store calls the waiter from the thread that published; what it is due to
    deliver again has no publisher, so a timer looks then.
    """

    def __init__(
        self,
        store: Store,
        stream: str,
        group: str,
        ack_wait: float,
        max_deliver: int,
        deliver: Callable[[Delivered], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self.store = store
        self._stream = stream
        self._group = group
        self._ack_wait = ack_wait
        self._max_deliver = max_deliver
        self._deliver = deliver
        self._fail = fail
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._timer: asyncio.TimerHandle | None = None
        self._limit = 0  # 0: nobody asks

    def request(self, limit: int, acks: Sequence[int]) -> None:
        """Deliver up to `limit` messages, once."""
        self._limit = limit
        self._look(acks)

    def _look(self, acks: Sequence[int] = ()) -> None:
        if not self._limit:
            self._pass_on()
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        store, stream, group = self.store, self._stream, self._group
        try:
            # Waiting begins before looking, so that nothing comes in between.
            found = store.fetch(
                stream, group, self._limit, acks, self._ack_wait, self._max_deliver, self._wake
            )
        except Exception as error:
            self._limit = 0
            self._fail(error)
            return
        if found is not None:
            self._limit = 0
            self._deliver(found)
            return
        due = store.next_due(stream, group)
        pause = NO_NEWS_S if due is None else min(max(due - time.monotonic(), 0), NO_NEWS_S)
        self._timer = self._loop.call_later(pause, self._look_again)

    def _look_again(self) -> None:
        self.store.stop_waiting(self._stream, self._group, self._wake)
        self._look()

    def _wake(self) -> None:
        if threading.get_ident() == self._thread:
            self._loop.call_soon(self._look)
            return
        try:
            self._loop.call_soon_threadsafe(self._look)
        except RuntimeError:  # the loop is gone, and this consumer with it
            self._pass_on()

    def _pass_on(self) -> None:
        """Have somebody else woken: whoever was woken here has left."""
        self.store.wake_one(self._stream, self._group)

    def close(self) -> None:
        """Look no more."""
        self._limit = 0
        if self._timer is not None:
            self._timer.cancel()
        self.store.stop_waiting(self._stream, self._group, self._wake)
