"""A task queue: embedded on the project's own log, or on Redis Streams or NATS JetStream."""

from __future__ import annotations

from fastcore._native.queue import Message
from fastcore.errors import (
    AuthenticationFailed,
    BackendUnavailable,
    ClientClosed,
    GroupMismatch,
    MessageExpired,
    MessageSettled,
    PayloadTooLarge,
    QueueError,
    QueueNameError,
    StorageFull,
)
from fastcore.queue.backend import Pending
from fastcore.queue.client import MessageId, TaskQueueClient
from fastcore.queue.consumer import Consumer
from fastcore.queue.stats import Latency, QueueStats
from fastcore.queue.worker import Reject, Worker

__all__ = [
    "AuthenticationFailed",
    "BackendUnavailable",
    "ClientClosed",
    "Consumer",
    "GroupMismatch",
    "Latency",
    "Message",
    "MessageExpired",
    "MessageId",
    "MessageSettled",
    "PayloadTooLarge",
    "Pending",
    "QueueError",
    "QueueNameError",
    "QueueStats",
    "Reject",
    "StorageFull",
    "TaskQueueClient",
    "Worker",
]
