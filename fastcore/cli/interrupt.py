"""Ctrl-C and SIGTERM, taken between two steps of the work and never inside one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupt", "InterruptedBySignalError"]


class InterruptedBySignalError(KeyboardInterrupt):
    """Work was stopped in good order.

    Parameters
    ----------
    number : int
        The signal that asked for it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Interrupt:
    """A context in which the two signals wait for `pull`; a second one does not wait."""

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self._number = 0
        self._pulling = False
        self._before: dict[int, Any] = {}

    def pull(self, chunks: Iterator[memoryview]) -> memoryview | None:
        """Return the next chunk, or None at the end; stop here if a signal came.

        Reading may block for ever, so a signal that arrives meanwhile is raised at once.
        """
        self._pulling = True
        try:
            if self._number:
                raise InterruptedBySignalError(self._number)
            return next(chunks, None)
        finally:
            self._pulling = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._pulling or self._number:
            raise InterruptedBySignalError(number)
        self._number = number

    def __enter__(self) -> Interrupt:
        for number in self._SIGNALS:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:  # as nohup and a shell's background jobs want it
                self._before[number] = before
                signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
