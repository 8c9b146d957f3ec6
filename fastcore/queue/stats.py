"""What a client has done so far."""

from __future__ import annotations

from dataclasses import dataclass

from fastcore._native.queue import Histogram

__all__ = ["Counters", "Latency", "QueueStats"]


@dataclass(frozen=True)
class Latency:
    """How long something took, in nanoseconds; percentiles are within 13 %."""

    count: int
    p50_ns: int
    p99_ns: int
    max_ns: int

    @classmethod
    def of(cls, histogram: Histogram) -> Latency:
        """Return the summary of a histogram."""
        return cls(
            histogram.count,
            histogram.percentile(50),
            histogram.percentile(99),
            histogram.largest,
        )


@dataclass
class Counters:
    """Counted since the client was made."""

    published: int = 0
    delivered: int = 0
    redelivered: int = 0
    given_back: int = 0
    terminated: int = 0
    dead: int = 0
    switches: int = 0


@dataclass(frozen=True)
class QueueStats:
    """What `TaskQueueClient.stats` returns.

    Attributes
    ----------
    backend : str
        Where messages are published now.
    published : int
        Messages that a backend confirmed.
    delivered, redelivered : int
        Messages received; of these, those that had been delivered before.
    acknowledged, given_back, terminated, dead : int
        What became of them; `dead`: moved to the dead letters by this client.
    reconnects, switches : int
        Connections made anew; calls of `switch`, the automatic ones included.
    publish : Latency
        From a call of `publish` or `publish_many` to its confirmation.
    handle : Latency
        From the arrival of a message to its acknowledgment.
    """

    backend: str
    published: int
    delivered: int
    redelivered: int
    acknowledged: int
    given_back: int
    terminated: int
    dead: int
    reconnects: int
    switches: int
    publish: Latency
    handle: Latency
