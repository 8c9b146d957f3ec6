"""Columns on several threads: blocks of lines, decoded at once, put together in order.

A block ends behind a newline, and a reader that is between two records there has no memory of
what came before: so each block can have a reader of its own, and faults are counted from there.
Where a record goes on into the next block after all (it is written over several lines, or it is
not closed), that block's own reader is ignored, and the one before goes on with its bytes. So what
comes out is what one thread gives, whatever the input; only for lines it comes sooner.

    read     | block 1 | block 2 | block 3 |        this thread
    decode     reader a  reader b  reader c         the pool's
    judge      a         b, not idle: b goes on
                         with block 3; c is ignored this thread, in order
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from fastcore._native.json import Batch, BatchBuilder, BlockReader, behind_last_newline
from fastcore._sources import Source, open_source
from fastcore.errors import DecodeError
from fastcore.json.options import Options
from fastcore.json.selection import Plan

__all__ = ["check_threads", "parallel_batches"]

CHUNKS_PER_BLOCK = 2  # so that handing a block over costs little beside decoding it
WASTED_MAX = 2  # blocks ignored one after the other, before the input is taken not to be lines


def check_threads(threads: int | None) -> int:
    """Return the number of threads; None means one for each core this process may use."""
    if threads is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if not isinstance(threads, int) or isinstance(threads, bool):
        raise TypeError(f"threads must be an int or None, not {type(threads).__name__}")
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    return threads


# --- blocks -----------------------------------------------------------------------------------


class _Blocks:
    """The source in blocks that end behind a newline, as far as there is one."""

    def __init__(self, source: Source, block_bytes: int) -> None:
        self._source = source
        self._block_bytes = block_bytes
        self._free: list[bytearray] = []
        self._tail = b""

    def __iter__(self) -> Iterator[tuple[memoryview, bytearray | None]]:
        """Yield blocks, each with the buffer to give back when it is done with."""
        return self._slices() if self._source.in_memory else self._fills()

    def _slices(self) -> Iterator[tuple[memoryview, bytearray | None]]:
        for view in self._source:
            at = 0
            while at < len(view):
                stop = min(at + self._block_bytes, len(view))
                if stop < len(view):
                    cut = behind_last_newline(view, at, stop)
                    stop = cut if cut > at else stop
                yield view[at:stop], None
                at = stop

    def _fills(self) -> Iterator[tuple[memoryview, bytearray | None]]:
        while True:
            buffer = self._free.pop() if self._free else bytearray(self._block_bytes)
            room = memoryview(buffer)
            count = len(self._tail)
            room[:count] = self._tail
            while count < len(room):
                more = self._source.readinto(room[count:])
                if more == 0:
                    break
                count += more
            else:
                more = 1
            cut = behind_last_newline(buffer, 0, count) if more else count
            cut = cut or count
            self._tail = bytes(room[cut:count])
            if cut:
                yield room[:cut], buffer
            if not more:
                return

    def give_back(self, buffer: bytearray | None) -> None:
        if buffer is not None:
            self._free.append(buffer)


# --- what readers have found, in order --------------------------------------------------------


@dataclass(slots=True)
class _Base:
    """How much of the stream lies before the block in hand."""

    offset: int = 0
    lines: int = 0
    line_bytes: int = 0  # behind the last newline
    records: int = 0

    def error(self, fault: tuple[Any, ...]) -> DecodeError:
        _, message, offset, line, column, record, excerpt = fault
        column += self.line_bytes if line == 1 else 0
        return DecodeError(
            message, self.offset + offset, self.lines + line, column, self.records + record, excerpt
        )

    def move(self, size: int, newlines: int, line_bytes: int, records: int) -> None:
        self.offset += size
        self.lines += newlines
        whole = newlines > 0 or self.offset == size
        self.line_bytes = line_bytes if whole else self.line_bytes + size
        self.records += records


class _Judge:
    """Takes readers in order: gives batches of `batch_rows` rows, raises or passes on faults."""

    def __init__(self, builder: BatchBuilder, on_error: Any, batch_rows: int | None) -> None:
        self._builder = builder
        self._on_error = on_error
        self._batch_rows = batch_rows
        self.base = _Base()

    def take(self, reader: BlockReader) -> Iterator[Batch]:
        given = 0
        for fault in reader.faults:
            yield from self._rows(reader, given, fault[0])
            given = fault[0]
            error = self.base.error(fault)
            if self._on_error == "raise":
                yield from self.rest()
                raise error
            self._on_error(error)
        yield from self._rows(reader, given, reader.rows)
        reader.clear()

    def _rows(self, reader: BlockReader, first: int, stop: int) -> Iterator[Batch]:
        while first < stop:
            count = stop - first
            if self._batch_rows is not None:
                count = min(count, self._batch_rows - len(self._builder))
            self._builder.add(reader, first, count)
            first += count
            if len(self._builder) == self._batch_rows:
                yield self._builder.take()

    def rest(self) -> Iterator[Batch]:
        if len(self._builder):
            yield self._builder.take()


@dataclass(slots=True)
class _Job:
    block: memoryview
    buffer: bytearray | None
    reader: BlockReader
    done: Future[BlockReader] | None


class _Pipeline:
    """Reads ahead, hands blocks to the pool, and takes them back in order."""

    def __init__(self, plan: Plan, options: Options, blocks: _Blocks, threads: int) -> None:
        self._plan = plan
        self._options = options
        self._blocks = blocks
        self._incoming = iter(blocks)
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._jobs: deque[_Job] = deque()
        self._readers: list[BlockReader] = []
        self._count = 0
        self._wasted = 0
        self._failed: BaseException | None = None
        self._over = False

    def reader(self) -> BlockReader:
        return self._readers.pop() if self._readers else BlockReader(self._plan, self._options)

    def batches(self, judge: _Judge) -> Iterator[Batch]:
        """Yield the batches of all blocks."""
        last: BlockReader | None = None  # goes on with the next block
        while (job := self._next_job()) is not None:
            if last is None:
                reader = job.reader
                reader = reader.run(job.block) if job.done is None else job.done.result()
            else:
                if job.done is None:
                    self._readers.append(job.reader)
                else:
                    job.done.result()
                    self._wasted += 1
                reader = last.run(job.block)
            self._blocks.give_back(job.buffer)
            yield from judge.take(reader)
            idle, *moved = reader.place()
            if not idle:
                last = reader
                continue
            judge.base.move(*moved)
            last = None
            self._wasted = 0 if self._wasted < WASTED_MAX else self._wasted
            self._readers.append(reader)
        if self._failed is not None:
            raise self._failed
        if last is not None:
            yield from judge.take(last.run(None))
        yield from judge.rest()

    def _next_job(self) -> _Job | None:
        while not self._over and len(self._jobs) <= self._threads:
            try:
                block, buffer = next(self._incoming)
            except StopIteration:
                self._over = True
                break
            except BaseException as failed:
                # What has been read before it comes first.
                self._over = True
                self._failed = failed
                break
            reader = self.reader()
            reader.begin(self._count > 0)
            self._count += 1
            self._jobs.append(_Job(block, buffer, reader, self._submit(reader, block)))
        return self._jobs.popleft() if self._jobs else None

    def _submit(self, reader: BlockReader, block: memoryview) -> Future[BlockReader] | None:
        if self._count == 1 or self._wasted >= WASTED_MAX:
            return None  # it is all there is, perhaps; or it would be for nothing
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "fastcore-json")
        return self._pool.submit(reader.run, block)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def parallel_batches(
    source: object,
    plan: Plan,
    options: Options,
    batch_rows: int | None,
    threads: int,
    chunk_bytes: int,
) -> Iterator[Batch]:
    """Yield batches of `batch_rows` rows (None: one of all rows) as one thread would."""
    with open_source(source, chunk_bytes) as opened:
        blocks = _Blocks(opened, chunk_bytes * CHUNKS_PER_BLOCK)
        pipeline = _Pipeline(plan, options, blocks, threads)
        builder = BatchBuilder(pipeline.reader())
        try:
            yield from pipeline.batches(_Judge(builder, options.on_error, batch_rows))
        finally:
            pipeline.close()
