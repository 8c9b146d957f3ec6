"""What one group has seen of one stream: a cursor, and what is not settled behind it.

Every message before `cursor` was delivered. Of those, `unsettled` holds the
ones that are neither acknowledged nor terminated, each under one of two things:
a `Lease`, while a consumer has it; or the time at which it is to be delivered
again. One lease serves a whole batch, so that delivering a thousand messages
costs one object and one `dict.update`.

Times are seconds of a monotonic clock: setting the wall clock expires nothing.
Nothing here reads a clock, a file or a socket.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

__all__ = ["Group", "Lease"]


class Lease:
    """A batch that a consumer has until `deadline`; compared by identity."""

    __slots__ = ("deadline", "seqs")

    def __init__(self, deadline: float, seqs: Sequence[int]) -> None:
        self.deadline = deadline
        self.seqs = seqs


class Group:
    """The state of one group; the caller keeps threads apart."""

    def __init__(self, cursor: int = 0) -> None:
        self.cursor = cursor
        self.unsettled: dict[int, Lease | float] = {}
        self._deliveries: dict[int, int] = {}  # of those delivered more than once
        self._leases: list[tuple[float, int, Lease]] = []  # a heap; may hold what was settled
        self._waiting: list[tuple[float, int]] = []  # a heap; may hold what was settled
        self._made = 0

    def deliver_new(self, stop: int, deadline: float) -> range:
        """Deliver everything from the cursor to `stop`, for the first time."""
        seqs = range(self.cursor, stop)
        if seqs:
            self.unsettled.update(dict.fromkeys(seqs, self._lease(deadline, seqs)))
            self.cursor = stop
        return seqs

    def due(self, now: float, limit: int) -> list[int]:
        """Return up to `limit` messages that are to be delivered again now, longest due first."""
        self._expire(now)
        due: list[int] = []
        waiting = self._waiting
        while waiting and waiting[0][0] <= now and len(due) < limit:
            at, seq = heapq.heappop(waiting)
            if self.unsettled.get(seq) == at:
                due.append(seq)
        # Nobody may see them as delivered before the caller says so.
        for seq in due:
            heapq.heappush(waiting, (_due(self.unsettled[seq]), seq))
        return due

    def deliver_again(self, seqs: Sequence[int], deadline: float) -> list[int]:
        """Deliver `seqs` once more; return how often each was delivered now."""
        counts = [self._deliveries.get(seq, 1) + 1 for seq in seqs]
        self._deliveries.update(zip(seqs, counts, strict=True))
        self.unsettled.update(dict.fromkeys(seqs, self._lease(deadline, seqs)))
        return counts

    def deliveries(self, seq: int) -> int:
        """Return how often a message that is not settled was delivered."""
        return self._deliveries.get(seq, 1)

    def settle(self, seqs: Iterable[int]) -> list[int]:
        """Take `seqs` off the list; return those that were on it."""
        pop, counts = self.unsettled.pop, self._deliveries
        settled = [seq for seq in seqs if pop(seq, None) is not None]
        if counts:
            for seq in settled:
                counts.pop(seq, None)
        return settled

    def give_back(self, seqs: Iterable[int], due: float, *, uncount: bool = False) -> list[int]:
        """Have `seqs` delivered again at `due`; return those that were not settled.

        `uncount`: nobody looked at them, so this delivery does not count.
        """
        given = [seq for seq in seqs if seq in self.unsettled]
        for seq in given:
            self.unsettled[seq] = due
            heapq.heappush(self._waiting, (due, seq))
            if uncount:
                # 0 stands for "never": `deliver_again` makes it 1.
                self._deliveries[seq] = self._deliveries.get(seq, 1) - 1
        return given

    def renew(self, seqs: Sequence[int], deadline: float) -> None:
        """Let the consumer have those of `seqs` that it still has until `deadline`."""
        held = [seq for seq in seqs if isinstance(self.unsettled.get(seq), Lease)]
        if held:
            self.unsettled.update(dict.fromkeys(held, self._lease(deadline, held)))

    def next_due(self) -> float | None:
        """Return when the next message may be to be delivered again; it may be too early."""
        times = [heap[0][0] for heap in (self._leases, self._waiting) if heap]
        return min(times) if times else None

    def forget(self, first: int, stop: int) -> None:
        """Drop what lies outside [first, stop): it was trimmed, or lost with its machine."""
        self.settle([seq for seq in self.unsettled if not first <= seq < stop])
        self.cursor = min(max(self.cursor, first), stop)

    def oldest(self) -> int:
        """Return the first message that is not settled; the cursor where all before it are."""
        return min(self.unsettled, default=self.cursor)

    def dump(self, now: float) -> list[list[float]]:
        """Return [seq, deliveries, seconds until it is delivered again] of what is not settled."""
        return [
            [seq, self.deliveries(seq), max(0.0, _due(state) - now)]
            for seq, state in self.unsettled.items()
        ]

    def load(self, entries: Iterable[list[float]], at: float) -> None:
        """Take over what another process dumped when the clock said `at`."""
        for seq, deliveries, pause in entries:
            self.load_one(int(seq), int(deliveries), at + pause)

    def load_one(self, seq: int, deliveries: int, due: float) -> None:
        """Note a message that is not settled, and when to deliver it again."""
        self.unsettled[seq] = due
        if deliveries != 1:
            self._deliveries[seq] = deliveries
        else:
            self._deliveries.pop(seq, None)
        heapq.heappush(self._waiting, (due, seq))

    def _lease(self, deadline: float, seqs: Sequence[int]) -> Lease:
        # A queue that keeps up settles leases long before their deadline: drop two for each made.
        leases, unsettled = self._leases, self.unsettled.keys()
        for _ in range(2):
            if leases and unsettled.isdisjoint(leases[0][2].seqs):
                heapq.heappop(leases)
        lease = Lease(deadline, seqs)
        self._made += 1  # two leases of one deadline: the heap must not compare them
        heapq.heappush(leases, (deadline, self._made, lease))
        return lease

    def _expire(self, now: float) -> None:
        leases, unsettled = self._leases, self.unsettled
        while leases and leases[0][0] <= now:
            deadline, _, lease = heapq.heappop(leases)
            for seq in lease.seqs:
                if unsettled.get(seq) is lease:
                    unsettled[seq] = deadline
                    heapq.heappush(self._waiting, (deadline, seq))


def _due(state: Lease | float) -> float:
    return state.deadline if isinstance(state, Lease) else state
