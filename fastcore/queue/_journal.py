"""The groups' state on disk: a journal of what happened, and a snapshot in LMDB.

Every change of a group is appended to a log (``groups/journal``) before it takes
effect. An append survives ``kill -9`` at once and the loss of power some
milliseconds later. From time to time the whole state goes into LMDB
(``groups/state``), in one synced transaction together with the journal's
position, and the journal before it is dropped. Opening reads the snapshot and
replays the rest.

The journal's lock is the role: the process that has it serves the directory.

    ["n", stream, group, stop, wait]       delivered for the first time: all before `stop`
    ["r", stream, group, seqs, wait]       delivered again
    ["w", stream, group, seqs, wait]       renewed
    ["s", stream, group, seqs]             settled
    ["b", stream, group, seqs, wait, un]   given back; un: the delivery does not count

`wait` is in seconds from the record's timestamp until the messages are delivered
again. A wall clock that steps back can lengthen it to that from the takeover on,
one that steps forward cut it short: never longer, never lost.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import lmdb
import orjson

from fastcore import wal
from fastcore.queue._group import Group

__all__ = ["Durability", "Groups", "Journal", "pack", "unpack"]

SEGMENT_BYTES = 4 * 1024 * 1024
STATE_BYTES_MAX = 16 * 1024 * 1024 * 1024  # address space, not disk
SNAPSHOT_RECORDS = 50_000

_POSITION = b"\0position"  # no group's key begins so

Groups = dict[tuple[str, str], Group]
Durability = Literal["batch", "sync", "async"]


def pack(seqs: Sequence[int]) -> list[int]:
    """Return `seqs` as [first, stop, first, stop, ...], in the order given."""
    if isinstance(seqs, range):
        return [seqs.start, seqs.stop]
    if not seqs:
        return []
    first, last = seqs[0], seqs[-1]
    if last - first == len(seqs) - 1 and list(seqs) == list(range(first, last + 1)):
        return [first, last + 1]
    packed = [first]
    stop = first + 1
    for seq in seqs[1:]:
        if seq != stop:
            packed += (stop, seq)
        stop = seq + 1
    packed.append(stop)
    return packed


def unpack(packed: Sequence[int]) -> list[int]:
    """Return what `pack` was given."""
    pairs = zip(packed[::2], packed[1::2], strict=True)
    return [seq for first, stop in pairs for seq in range(first, stop)]


class Journal:
    """Opens the state of all groups, for one process at a time."""

    def __init__(self, path: str, durability: Durability) -> None:
        """Take the role; `fastcore.wal.LockedError` where another process has it."""
        folder = os.path.join(path, "groups")
        os.makedirs(folder, exist_ok=True)
        self._log = wal.open(
            os.path.join(folder, "journal"),
            segment_bytes=SEGMENT_BYTES,
            durability="batch" if durability == "sync" else durability,
        )
        try:
            self._state = lmdb.open(
                os.path.join(folder, "state"), map_size=STATE_BYTES_MAX, max_readers=8
            )
        except BaseException:
            self._log.close()
            raise
        self._snapshot_at = self._log.next_seq

    def load(self) -> Groups:
        """Return all groups as they were."""
        groups: Groups = {}
        start = 0
        with self._state.begin() as read:
            saved = read.get(_POSITION)
            if saved is not None:
                start, wall = orjson.loads(bytes(saved))
                at = _monotonic_at(wall)
                for key, value in read.cursor():
                    if bytes(key) != _POSITION:
                        stream, name = bytes(key).decode().split("\0")
                        fields = orjson.loads(bytes(value))
                        made = groups[stream, name] = Group(fields["cursor"])
                        made.load(fields["unsettled"], at)
        # A snapshot may be ahead of a journal that lost its tail with the power.
        for record in self._log.replay(min(start, self._log.next_seq)):
            _apply(groups, orjson.loads(record.payload), _monotonic_at(record.timestamp / 1e9))
        return groups

    def delivered(self, stream: str, group: str, stop: int, wait: float) -> None:
        """Note that everything before `stop` was delivered."""
        self._log.append(orjson.dumps(("n", stream, group, stop, wait)))

    def delivered_again(self, stream: str, group: str, seqs: Sequence[int], wait: float) -> None:
        """Note one more delivery."""
        self._log.append(orjson.dumps(("r", stream, group, pack(seqs), wait)))

    def renewed(self, stream: str, group: str, seqs: Sequence[int], wait: float) -> None:
        """Note that `wait` begins anew."""
        self._log.append(orjson.dumps(("w", stream, group, pack(seqs), wait)))

    def settled(self, stream: str, group: str, seqs: Sequence[int]) -> None:
        """Note what is done with."""
        self._log.append(orjson.dumps(("s", stream, group, pack(seqs))))

    def given_back(
        self, stream: str, group: str, seqs: Sequence[int], delay: float, uncount: bool
    ) -> None:
        """Note what is to be delivered again after `delay` seconds."""
        self._log.append(orjson.dumps(("b", stream, group, pack(seqs), delay, uncount)))

    def wants_snapshot(self) -> bool:
        """Whether so much happened that opening would take long."""
        return self._log.next_seq - self._snapshot_at >= SNAPSHOT_RECORDS

    def snapshot(self, groups: Groups) -> Callable[[], None]:
        """Return what writes down the state as it is now; calling it takes a sync."""
        now, wall = time.monotonic(), time.time()
        position = self._snapshot_at = self._log.next_seq
        values = [
            (
                f"{stream}\0{name}".encode(),
                orjson.dumps({"cursor": group.cursor, "unsettled": group.dump(now)}),
            )
            for (stream, name), group in groups.items()
        ]

        def write() -> None:
            with self._state.begin(write=True) as txn:
                for key, value in values:
                    txn.put(key, value)
                txn.put(_POSITION, orjson.dumps((position, wall)))

        return write

    def close(self) -> None:
        """Give the role back."""
        try:
            self._state.close()
        finally:
            self._log.close()


def _monotonic_at(wall: float) -> float:
    """Return what the monotonic clock said at a wall clock time, at most what it says now."""
    return time.monotonic() - max(0.0, time.time() - wall)


def _apply(groups: Groups, change: list[Any], at: float) -> None:
    """Make a change of the journal, which was written when the clock said `at`."""
    what, stream, name, *details = change
    group = groups.setdefault((stream, name), Group())
    if what == "n":
        stop, wait = details
        for seq in range(group.cursor, stop):
            group.load_one(seq, 1, at + wait)
        group.cursor = max(group.cursor, stop)
        return
    seqs = unpack(details[0])
    live = [seq for seq in seqs if seq in group.unsettled]
    if what == "s":
        group.settle(live)
    elif what == "r":
        for seq in live:
            group.load_one(seq, group.deliveries(seq) + 1, at + details[1])
    elif what == "w":
        for seq in live:
            group.load_one(seq, group.deliveries(seq), at + details[1])
    else:
        group.give_back(live, at + details[1], uncount=details[2])
