"""One stream of the embedded queue: its log, its newest messages, its recent ids."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from fastcore import wal
from fastcore._native.queue import read_entries
from fastcore._native.wal import Replay
from fastcore.queue._entry import decode, encode, encode_plain
from fastcore.queue._journal import Durability
from fastcore.queue._tail import Chunk, Tail

__all__ = ["SEGMENT_BYTES", "Headers", "Stream"]

SEGMENT_BYTES = 64 * 1024 * 1024
READERS_MAX = 16  # each holds some 256 KiB
READER_SKIP = 4096

Headers = dict[str, str] | None


class Stream:
    """The log of one stream, with its newest messages and recent ids in memory."""

    def __init__(self, path: str, durability: Durability, dedup_window: float) -> None:
        self.log = wal.open(path, segment_bytes=SEGMENT_BYTES, durability=durability)
        self.tail = Tail(self.log.next_seq)
        self._window_ns = int(dedup_window * 1e9)
        self._readers: OrderedDict[int, Replay] = OrderedDict()  # by where they stand
        self._ids: OrderedDict[str, tuple[int, int]] = OrderedDict()  # id -> seq, timestamp
        since = time.time_ns() - self._window_ns
        for record in self.log.replay(since=since):
            if record.payload[0]:
                entry = decode(record.payload)
                if entry.id is not None:
                    self._ids[entry.id] = (record.seq, record.timestamp)

    def known(self, id: str, now: int) -> int | None:
        """Return the message of this id, where it was published within the window."""
        ids, oldest = self._ids, now - self._window_ns
        while ids:
            first, (_, timestamp) = next(iter(ids.items()))
            if timestamp > oldest:
                break
            del ids[first]
        found = ids.get(id)
        return None if found is None else found[0]

    def append(
        self, payloads: list[bytes], ids: Sequence[str | None] | None, headers: list[Headers] | None
    ) -> range:
        """Append messages; all are new."""
        now = time.time_ns()
        if ids is None and headers is None:
            records = encode_plain(payloads)
        else:
            none: list[None] = [None] * len(payloads)
            records = [
                encode(payload, id, fields)
                for payload, id, fields in zip(payloads, ids or none, headers or none, strict=True)
            ]
        timestamps = [now] * len(records)
        seqs = self.log.append_many(records, timestamps)
        for seq, id in zip(seqs, ids or (), strict=False):
            if id is not None:
                self._ids[id] = (seq, now)
        self.tail.add(Chunk(seqs.start, payloads, timestamps, headers))
        return seqs

    def read(self, first: int, stop: int) -> Iterator[Chunk]:
        """Yield the messages [first, stop), from the log where memory has not got them."""
        if first < self.tail.first:
            yield from self._read_log(first, min(stop, self.tail.first))
            first = self.tail.first
        if first < stop:
            yield from self.tail.read(first, stop)

    def read_some(self, seqs: Sequence[int]) -> Iterator[Chunk]:
        """Yield messages in ascending order, a chunk each; what was trimmed is missing."""
        for seq in sorted(seqs):
            yield from self.read(seq, seq + 1)

    def _read_log(self, first: int, stop: int) -> Iterator[Chunk]:
        reader = self._reader(first)
        start, payloads, timestamps, headers, at = read_entries(reader, first, stop, decode)
        self._readers[at] = reader
        while len(self._readers) > READERS_MAX:
            self._readers.popitem(last=False)
        if payloads:
            yield Chunk(start, payloads, timestamps, headers)

    def _reader(self, first: int) -> Replay:
        """Return a reader that stands at `first` or a little before.

        A new one has to find its place in a segment, so those that have one are kept.
        """
        stands = [at for at in self._readers if at <= first < at + READER_SKIP]
        if stands:
            return self._readers.pop(max(stands))
        return self.log.replay(first)
