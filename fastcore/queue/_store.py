"""The embedded queue of one directory: its streams' logs, its groups, who waits for what.

    queue/
      groups/     who has seen what: see _journal.py. Its lock says who serves the directory.
      streams/    one log per stream
      socket      where the other processes of this machine ask: see _server.py

All verbs may be called from any thread; one lock keeps them apart. A change is
written to the journal, then made in memory, then acted on.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from fastcore.errors import PayloadTooLarge, StorageFull
from fastcore.queue._group import Group
from fastcore.queue._journal import Durability, Journal
from fastcore.queue._stream import SEGMENT_BYTES, Headers, Stream
from fastcore.queue._tail import Chunk
from fastcore.queue.names import dead_headers, dead_id, dead_stream

__all__ = ["Delivered", "Store"]

PAYLOAD_BYTES_MAX = SEGMENT_BYTES - 64 * 1024  # room for headers, and for the log's own
FETCH_BYTES_MAX = 16 * 1024 * 1024  # a batch ends early where it would be larger

Waiter = Callable[[], None]


class Delivered(NamedTuple):
    """A batch; `headers` None: none has any, `deliveries` None: all for the first time."""

    seqs: list[int]
    payloads: list[bytes]
    timestamps: list[int]
    headers: list[Headers] | None
    deliveries: list[int] | None


class Store:
    """An open directory; one process at a time has it."""

    def __init__(self, path: str, durability: Durability, dedup_window: float) -> None:
        """Open `path`; `fastcore.wal.LockedError` where another process has it open."""
        self.path = path
        self.durability: Durability = durability
        self._dedup_window = dedup_window
        self._lock = threading.Lock()
        self._streams: dict[str, Stream] = {}
        self._waiters: dict[str, dict[str, deque[Waiter]]] = {}
        self._closed = False
        os.makedirs(os.path.join(path, "streams"), exist_ok=True)
        self._journal = Journal(path, durability)
        try:
            self._groups = self._journal.load()
            self._journal.snapshot(self._groups)()
        except BaseException:
            self._journal.close()
            raise

    # ---- the verbs

    def publish(
        self,
        stream: str,
        payloads: list[bytes],
        ids: Sequence[str | None] | None = None,
        headers: list[Headers] | None = None,
    ) -> Sequence[int]:
        """Store messages, and return their sequence numbers; known ids give those of before."""
        for payload in payloads:
            if len(payload) > PAYLOAD_BYTES_MAX:
                raise PayloadTooLarge(
                    f"publish to {stream!r}: a payload of {len(payload)} bytes is over the limit "
                    f"of {PAYLOAD_BYTES_MAX}; store it elsewhere and publish where it is"
                )
        with self._lock:
            log = self._stream(stream)
            seqs = self._append(log, payloads, ids, headers)
            woken = self._to_wake(stream)
        for wake in woken:
            wake()
        return seqs

    def commit(self, stream: str) -> None:
        """Return when everything published to `stream` is on stable storage."""
        with self._lock:
            log = self._stream(stream).log
        log.commit()

    def fetch(
        self,
        stream: str,
        group: str,
        limit: int,
        acks: Sequence[int],
        ack_wait: float,
        max_deliver: int,
        waiter: Waiter | None = None,
    ) -> Delivered | None:
        """Settle `acks`, then deliver up to `limit` messages; None where there are none.

        Then `waiter` is called once, from any thread, when there may be some.
        """
        woken: list[Waiter] = []
        try:
            with self._lock:
                log = self._stream(stream)
                state = self._group(stream, group)
                if acks:
                    self._settle(stream, group, state, acks)
                now = time.monotonic()
                due = state.due(now, limit)
                if due:
                    dead = self._give_up(stream, group, log, state, due, max_deliver)
                    woken += dead
                    due = [seq for seq in due if seq in state.unsettled]
                delivered = self._deliver(stream, group, log, state, due, limit, ack_wait)
                if delivered is None and waiter is not None:
                    waiters = self._waiters.setdefault(stream, {}).setdefault(group, deque())
                    waiters.append(waiter)
                elif state.cursor < log.log.next_seq:
                    woken += self._to_wake_one(stream, group)
        finally:
            for wake in woken:
                wake()
        return delivered

    def settle(self, stream: str, group: str, seqs: Sequence[int]) -> None:
        """Acknowledge or terminate: not to be delivered to the group again."""
        with self._lock:
            self._stream(stream)
            self._settle(stream, group, self._group(stream, group), seqs)

    def give_back(
        self, stream: str, group: str, seqs: Sequence[int], delay: float, *, uncount: bool = False
    ) -> None:
        """Have `seqs` delivered again after `delay` seconds."""
        if not seqs:
            return
        with self._lock:
            self._stream(stream)
            state = self._group(stream, group)
            self._journal.given_back(stream, group, seqs, delay, uncount)
            state.give_back(seqs, time.monotonic() + delay, uncount=uncount)
            woken = self._to_wake_one(stream, group)
        for wake in woken:
            wake()

    def renew(self, stream: str, group: str, seqs: Sequence[int], ack_wait: float) -> None:
        """Let `ack_wait` begin anew."""
        with self._lock:
            if seqs:
                self._journal.renewed(stream, group, seqs, ack_wait)
                self._group(stream, group).renew(seqs, time.monotonic() + ack_wait)

    def bury(self, stream: str, group: str, seqs: Sequence[int], reason: str) -> None:
        """Move `seqs` to the stream of dead letters."""
        with self._lock:
            log = self._stream(stream)
            state = self._group(stream, group)
            live = [seq for seq in seqs if seq in state.unsettled]
            woken = self._bury(stream, group, log, state, live, reason)
        for wake in woken:
            wake()

    def pending(self, stream: str, group: str) -> tuple[int, int, int | None]:
        """Return how many were never delivered, how many are not settled, the oldest's time."""
        with self._lock:
            log = self._stream(stream)
            state = self._groups.get((stream, group)) or Group(log.log.first_seq)
            end = log.log.next_seq
            oldest = state.oldest()
            when = None
            if oldest < end:
                when = next(iter(log.read(oldest, oldest + 1))).timestamps[0]
            return end - state.cursor, len(state.unsettled), when

    def next_due(self, stream: str, group: str) -> float | None:
        """Return the monotonic time at which a delivery may be repeated, None for never."""
        with self._lock:
            return self._group(stream, group).next_due()

    def wake_one(self, stream: str, group: str) -> None:
        """Have one of those who wait look again."""
        with self._lock:
            woken = self._to_wake_one(stream, group)
        for wake in woken:
            wake()

    def stop_waiting(self, stream: str, group: str, waiter: Waiter) -> None:
        """Forget a waiter."""
        with self._lock:
            waiters = self._waiters.get(stream, {}).get(group)
            if waiters is not None and waiter in waiters:
                waiters.remove(waiter)

    def snapshot(self) -> None:
        """Write the groups' state down where much has happened; takes a sync."""
        with self._lock:
            if self._closed or not self._journal.wants_snapshot():
                return
            write = self._journal.snapshot(self._groups)
        write()

    def close(self) -> None:
        """Commit everything and give the directory to whoever wants it."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                self._journal.snapshot(self._groups)()
            finally:
                for stream in self._streams.values():
                    stream.log.close()
                self._journal.close()

    # ---- with the lock held

    def _stream(self, name: str) -> Stream:
        found = self._streams.get(name)
        if found is not None:
            return found
        path = os.path.join(self.path, "streams", name)
        made = self._streams[name] = Stream(path, self.durability, self._dedup_window)
        # What a power cut took from the log, or what was trimmed, no group may remember: the
        # numbers come again for other messages.
        first, stop = made.log.first_seq, made.log.next_seq
        changed = False
        for (stream, _), group in self._groups.items():
            if stream == name:
                before = group.cursor, len(group.unsettled)
                group.forget(first, stop)
                changed |= before != (group.cursor, len(group.unsettled))
        if changed:
            self._journal.snapshot(self._groups)()
        return made

    def _group(self, stream: str, group: str) -> Group:
        found = self._groups.get((stream, group))
        if found is None:
            first = self._stream(stream).log.first_seq
            found = self._groups[stream, group] = Group(first)
        return found

    def _append(
        self,
        log: Stream,
        payloads: list[bytes],
        ids: Sequence[str | None] | None,
        headers: list[Headers] | None,
    ) -> Sequence[int]:
        try:
            if ids is None or not any(id is not None for id in ids):
                return log.append(payloads, None, headers)
            return self._append_new(log, payloads, ids, headers)
        except OSError as error:
            raise _full(error) from error

    @staticmethod
    def _append_new(
        log: Stream,
        payloads: list[bytes],
        ids: Sequence[str | None],
        headers: list[Headers] | None,
    ) -> list[int]:
        now = time.time_ns()
        known = [None if id is None else log.known(id, now) for id in ids]
        first_of: dict[str, int] = {}  # an id may come twice in one batch
        new: list[int] = []
        for index, id in enumerate(ids):
            if known[index] is None and (id is None or first_of.setdefault(id, index) == index):
                new.append(index)
        seqs: Sequence[int] = ()
        if new:
            seqs = log.append(
                [payloads[index] for index in new],
                [ids[index] for index in new],
                None if headers is None else [headers[index] for index in new],
            )
        seq_of = dict(zip(new, seqs, strict=True))
        result: list[int] = []
        for index, (id, seq) in enumerate(zip(ids, known, strict=True)):
            if seq is None:
                seq = seq_of[index if id is None else first_of[id]]
            result.append(seq)
        return result

    def _deliver(
        self,
        stream: str,
        group: str,
        log: Stream,
        state: Group,
        due: list[int],
        limit: int,
        ack_wait: float,
    ) -> Delivered | None:
        seqs: list[int] = []
        payloads: list[bytes] = []
        timestamps: list[int] = []
        headers: list[Headers] = []
        counts: list[int] | None = None
        size = 0
        deadline = time.monotonic() + ack_wait

        def add(chunk: Chunk, numbers: Sequence[int]) -> None:
            nonlocal size
            seqs.extend(numbers)
            payloads.extend(chunk.payloads)
            timestamps.extend(chunk.timestamps)
            none: list[Headers] = [None] * len(chunk.payloads)
            headers.extend(chunk.headers or none)
            size += sum(map(len, chunk.payloads))

        if due:
            for chunk in log.read_some(due):
                add(chunk, (chunk.first,))
                if size > FETCH_BYTES_MAX:
                    break
            else:
                self._settle(stream, group, state, list(set(due).difference(seqs)))  # trimmed
            if seqs:
                self._journal.delivered_again(stream, group, seqs, ack_wait)
            counts = state.deliver_again(list(seqs), deadline)
        stop = min(state.cursor + limit - len(due), log.log.next_seq)
        if stop > state.cursor and size < FETCH_BYTES_MAX:
            at = state.cursor
            for chunk in log.read(at, stop):
                chunk = _within(chunk, FETCH_BYTES_MAX - size)
                add(chunk, range(at, at + len(chunk.payloads)))
                at += len(chunk.payloads)
                if size >= FETCH_BYTES_MAX:
                    break
            self._journal.delivered(stream, group, at, ack_wait)
            fresh = state.deliver_new(at, deadline)
            if counts is not None:
                counts += [1] * len(fresh)
        if not seqs:
            return None
        return Delivered(seqs, payloads, timestamps, headers if any(headers) else None, counts)

    def _settle(self, stream: str, group: str, state: Group, seqs: Sequence[int]) -> None:
        if seqs:
            self._journal.settled(stream, group, seqs)
            state.settle(seqs)

    def _give_up(
        self,
        stream: str,
        group: str,
        log: Stream,
        state: Group,
        due: list[int],
        max_deliver: int,
    ) -> list[Waiter]:
        if dead_stream(stream) is None:
            return []
        dead = [seq for seq in due if state.deliveries(seq) >= max_deliver]
        return self._bury(stream, group, log, state, dead, "max_deliver") if dead else []

    def _bury(
        self,
        stream: str,
        group: str,
        log: Stream,
        state: Group,
        seqs: Sequence[int],
        reason: str,
    ) -> list[Waiter]:
        target = dead_stream(stream)
        if target is None or not seqs:
            return []
        payloads: list[bytes] = []
        headers: list[Headers] = []
        ids: list[str] = []
        for chunk in log.read_some(seqs):
            seq = chunk.first
            payloads += chunk.payloads
            about = dead_headers(stream, group, str(seq), state.deliveries(seq), reason)
            headers.append({**((chunk.headers or [None])[0] or {}), **about})
            ids.append(dead_id(group, str(seq)))
        self._append(self._stream(target), payloads, ids, headers)
        self._settle(stream, group, state, seqs)
        return self._to_wake(target)

    def _to_wake(self, stream: str) -> list[Waiter]:
        groups = self._waiters.get(stream)
        if not groups:
            return []
        return [waiters.popleft() for waiters in groups.values() if waiters]

    def _to_wake_one(self, stream: str, group: str) -> list[Waiter]:
        waiters = self._waiters.get(stream, {}).get(group)
        return [waiters.popleft()] if waiters else []


def _within(chunk: Chunk, size: int) -> Chunk:
    """Return as much of `chunk` as fits, at least one message."""
    total = sum(map(len, chunk.payloads))
    if total <= size:
        return chunk
    count = 0
    for payload in chunk.payloads:
        size -= len(payload)
        if size < 0:
            break
        count += 1
    count = max(count, 1)
    headers = None if chunk.headers is None else chunk.headers[:count]
    return Chunk(chunk.first, chunk.payloads[:count], chunk.timestamps[:count], headers)


def _full(error: OSError) -> OSError:
    if error.errno != errno.ENOSPC:
        return error
    return StorageFull(
        errno.ENOSPC, "no space left for the queue's messages: free some, then go on"
    )
