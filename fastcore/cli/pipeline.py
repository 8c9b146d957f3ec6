"""From a source into the log: decode, filter, append, mark; see `position` for the promise."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fastcore.cli.arguments import UsageError
from fastcore.cli.extract import Extractor
from fastcore.cli.interrupt import Interrupt
from fastcore.cli.position import Ahead, Position, Store
from fastcore.cli.progress import Progress
from fastcore.cli.resume import Opened, open_at
from fastcore.errors import DecodeError, Error

if TYPE_CHECKING:
    from fastcore.json import Batch
    from fastcore.wal import Log

__all__ = ["InputError", "Outcome", "Pipeline"]


class InputError(Error, ValueError):
    """A source holds invalid JSON; the message says where, in terms of the whole source."""


@dataclass
class Outcome:
    """What one run did with one source.

    Attributes
    ----------
    source : str
        As it was named.
    read, kept, skipped : int
        Records decoded, kept, and passed over as invalid.
    bytes, seconds : int, float
        How much of the (decompressed) stream was read, and how long it took.
    offset : int
        Where in the stream the log stands now.
    resumed, replaced : bool
        It went on from a stored position; or began anew, as the source is another one now.
    complete : bool
        The source was read to its end.
    """

    source: str
    read: int = 0
    kept: int = 0
    skipped: int = 0
    bytes: int = 0
    seconds: float = 0.0
    offset: int = 0
    resumed: bool = False
    replaced: bool = False
    complete: bool = False


class Pipeline:
    """Reads sources into one log, one after the other.

    Parameters
    ----------
    log : Log
        Open for writing.
    store : Store
        Its positions.
    extractor : Extractor
        What to keep of the records.
    chunk_bytes : int
        Input per step.
    interrupt : Interrupt
        Entered by the caller.
    progress : Progress
        Where to show how far it is.
    """

    def __init__(
        self,
        log: Log,
        store: Store,
        extractor: Extractor,
        chunk_bytes: int,
        interrupt: Interrupt,
        progress: Progress,
    ) -> None:
        self.log = log
        self.store = store
        self.extractor = extractor
        self._digest = extractor.recipe.digest()
        self._chunk_bytes = chunk_bytes
        self._interrupt = interrupt
        self._progress = progress

    def stored(self, name: str) -> Position | None:
        """Return the stored position of a source.

        Raises
        ------
        UsageError
            It belongs to other options.
        """
        position = self.store.load(name)
        if position is not None and position.recipe != self._digest:
            raise UsageError(
                f"{name} was read into this log with other options (--select, --match, "
                "--timestamp, --on-error ...); use the same, another --wal, or --restart to "
                "read it again from its start"
            )
        return position

    def ingest(self, name: str, *, restart: bool, report: Callable[[Outcome], None]) -> None:
        """Read one source to its end.

        Whatever ends it, the records appended so far are made durable, the
        position is stored and `report` is called; only then is an error raised.

        Raises
        ------
        InputError
            The source holds invalid JSON, and the recipe does not skip it.
        SourceError
            It cannot be opened or read to its end.
        WalError, OSError
            The log refuses to take more.
        InterruptedBySignalError
            The user wants to stop.
        """
        fresh = Position.at_start(name, self._digest)
        position = fresh if restart else self.stored(name) or fresh
        opened = open_at(name, position, self._chunk_bytes, self._interrupt.pull)
        with opened.source:
            if opened.replaced:
                position = fresh
            outcome = Outcome(
                name,
                offset=position.offset,
                resumed=position.offset > 0,
                replaced=opened.replaced,
            )
            self._progress.begin(opened.source)
            began = time.monotonic()
            run = _Run(self, position, opened, outcome)
            try:
                self._read(run, opened)
                outcome.complete = True
            finally:
                self._progress.clear()
                run.leave()
                outcome.seconds = time.monotonic() - began
                report(outcome)

    def _read(self, run: _Run, opened: Opened) -> None:
        pull, outcome = self._interrupt.pull, run.outcome
        while (chunk := pull(opened.chunks)) is not None:
            if len(chunk):
                run.step(chunk)
            self._progress.update(outcome.bytes, outcome.read, outcome.kept)
        run.finish(opened.source.size)


class _Run:
    """One pass over a source, from its position on."""

    def __init__(
        self, pipeline: Pipeline, position: Position, opened: Opened, outcome: Outcome
    ) -> None:
        self.outcome = outcome
        self._log = pipeline.log
        self._store = pipeline.store
        self._extractor = pipeline.extractor
        self._decoder = pipeline.extractor.decoder()
        self._source_name = opened.source.name
        self._lines_before = opened.lines
        self._trail = opened.trail
        self._position = position
        self._base = replace(position)  # where this run began
        self._fed = position.offset  # offset in the stream of what is fed next
        self._ahead = Ahead(self._log, position.ahead)
        self._started = False
        # Records may be in the log that the mark does not tell of.
        self._unmarked = False

    def step(self, chunk: memoryview) -> None:
        """Take the next chunk of the source: its records are appended, and the mark set."""
        if not self._started:
            self._position.end_size = None
            self._store.begin(self._position)
            self._started = True
        try:
            self._decoder.feed(chunk)
        except DecodeError as error:
            self._append(self._decoder.take(), chunk)
            raise self._located(error) from None
        self._append(self._decoder.take(), chunk)
        self._trail.pass_by(chunk)
        self._fed += len(chunk)

    def finish(self, size: int | None) -> None:
        """Take the end of the source: what is held back is a record or an error.

        A record that is cut off by the end may be one that is still being written. It is not
        passed over, even where invalid records are: the next run begins with it.
        """
        if not self._started:
            return
        skipped = self._decoder.stats.skipped
        nothing = memoryview(b"")
        try:
            batch = self._decoder.close()
        except DecodeError as error:
            raise self._located(error) from None
        if self._decoder.stats.skipped > skipped and len(batch) == 0:
            self.outcome.skipped += 1
            return
        self._append(batch, nothing, end=self._fed)
        self._position.end_size = size

    def _append(self, batch: Batch, chunk: memoryview, end: int | None = None) -> None:
        position, outcome, stats = self._position, self.outcome, self._decoder.stats
        payloads, timestamps = self._extractor.extract(batch)
        position.kept += len(payloads)
        outcome.kept += len(payloads)
        self._unmarked = True
        if self._ahead and (known := self._ahead.count_known(payloads)):
            payloads = payloads[known:]
            timestamps = None if timestamps is None else timestamps[known:]
        if payloads:
            self._log.append_many(payloads, timestamps)
        offset = self._base.offset + stats.position if end is None else end
        # With no record in it, the decoder may be behind the chunk, over whitespace say: then the
        # old position is as good.
        assert offset >= self._fed or len(batch) == 0
        if offset >= self._fed:
            self._trail.advance(position, chunk, offset - self._fed, offset)
        position.read = self._base.read + stats.records
        position.skipped = self._base.skipped + stats.skipped
        position.ahead = self._ahead.ranges
        self._store.save(position)
        self._unmarked = False
        outcome.read, outcome.skipped = stats.records, stats.skipped
        outcome.bytes, outcome.offset = position.offset - self._base.offset, position.offset

    def leave(self) -> None:
        """Store the position and make all of it durable, in whatever way the pass ended."""
        if not self._started:
            return
        if not self._unmarked:
            self._position.running = False
            self._store.save(self._position)
        self._log.commit()

    def _located(self, error: DecodeError) -> InputError:
        """Return the error with its place in the whole source, not in what this run read of it."""
        base = self._base
        before = self._lines_before()
        line = before.count + error.lineno
        column = error.colno + (base.offset - before.last_start if error.lineno == 1 else 0)
        near = f", near {error.excerpt!r}" if error.excerpt else ""
        return InputError(
            f"{self._source_name}: {error.msg}: line {line} column {column} "
            f"(byte {base.offset + error.pos}){near}; the records before it are stored; "
            "mend it and run again, or use --restart --on-error skip"
        )
