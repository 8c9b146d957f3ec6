"""The backend ``"redis+jetstream"``: whichever server answers, JetStream first."""

from __future__ import annotations

import asyncio
import logging

from fastcore.errors import BackendUnavailable, QueueError
from fastcore.queue.backend import Backend
from fastcore.queue.settings import BACKENDS, Settings

__all__ = ["probe"]

log = logging.getLogger("fastcore.queue")

PREFERRED = ("jetstream", "redis")


async def probe(settings: Settings) -> Backend:
    """Ask both servers at once, and return an open backend on the preferred one that answers.

    Takes as long as the preferred server's answer, at most `timeout`.

    Raises
    ------
    BackendUnavailable
        Neither can be used; says why of each.
    """
    attempts = {
        name: asyncio.ensure_future(asyncio.wait_for(_open(name, settings), settings.timeout + 0.5))
        for name in PREFERRED
    }
    reasons: list[str] = []
    chosen: Backend | None = None
    try:
        for name, attempt in attempts.items():
            try:
                chosen = await attempt
            except asyncio.TimeoutError:
                reasons.append(f"{name}: no answer within {settings.timeout:g} s")
            except QueueError as error:
                reasons.append(f"{name}: {error}")
            else:
                break
    finally:
        for name, attempt in attempts.items():
            if chosen is None or chosen.name != name:
                await _leave(attempt)
    if chosen is None:
        raise BackendUnavailable("; ".join(reasons))
    why = f" ({reasons[0]})" if reasons else ", which is preferred"
    log.log(logging.WARNING if reasons else logging.INFO, "queue on %s%s", chosen.name, why)
    return chosen


async def _open(name: str, settings: Settings) -> Backend:
    return await BACKENDS[name](settings)


async def _leave(attempt: asyncio.Future[Backend]) -> None:
    attempt.cancel()
    try:
        backend = await attempt
    except (asyncio.CancelledError, asyncio.TimeoutError, QueueError):
        return
    await backend.close()
