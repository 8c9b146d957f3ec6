from collections.abc import Iterable, Iterator
from os import PathLike
from types import TracebackType
from typing import Literal, NamedTuple, SupportsIndex

from typing_extensions import Buffer, Self

class Record(NamedTuple):
    seq: int
    timestamp: int
    payload: memoryview

class Replay(Iterator[Record]):
    def __next__(self) -> Record: ...

class Log:
    path: str
    mode: Literal["a", "r"]
    durability: Literal["sync", "batch", "async"]
    def __init__(
        self,
        path: str | PathLike[str],
        mode: Literal["a", "r"] = "a",
        *,
        segment_bytes: int = ...,
        durability: Literal["sync", "batch", "async"] = "batch",
        batch_bytes: int = ...,
        batch_ms: int = 5,
        recovery: Literal["tail", "strict"] = "tail",
        create: bool = True,
    ) -> None: ...
    @property
    def closed(self) -> bool: ...
    @property
    def first_seq(self) -> int: ...
    @property
    def next_seq(self) -> int: ...
    @property
    def durable_seq(self) -> int: ...
    def append(self, payload: Buffer, timestamp: SupportsIndex | None = None) -> int: ...
    def append_many(
        self, payloads: Iterable[Buffer], timestamps: Iterable[SupportsIndex] | None = None
    ) -> range: ...
    def commit(self, seq: SupportsIndex | None = None, timeout: float | None = None) -> int: ...
    def replay(
        self,
        start: SupportsIndex | None = None,
        stop: SupportsIndex | None = None,
        *,
        since: SupportsIndex | None = None,
        until: SupportsIndex | None = None,
    ) -> Replay: ...
    def _set_mark(self, name: str, value: Buffer | None) -> None: ...
    def _get_mark(self, name: str) -> tuple[int, bytes] | None: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
