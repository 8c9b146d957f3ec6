"""Coroutines in the sense of PEP 342: generators that values are sent to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

__all__ = ["chain", "coros2gen", "coroutine", "sendable_list"]


def coroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a generator function one whose generators are ready to be sent to."""

    @functools.wraps(function)
    def started(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator: Generator[Any, Any, Any] = function(*args, **kwargs)
        next(generator)
        return generator

    return started


class sendable_list(list[Any]):
    """A list that collects what is sent to it."""

    send = list.append


def chain(
    sink: Any, *coro_pipeline: tuple[Callable[..., Any], Iterable[Any], dict[str, Any]]
) -> Any:
    """Put coroutines, as (function, arguments, keywords), one before the other, `sink` last."""
    for function, arguments, keywords in coro_pipeline:
        sink = function(sink, *arguments, **keywords)
    return sink


def coros2gen(source: Iterable[Any], *coro_pipeline: Any) -> Iterator[Any]:
    """Yield what a pipeline of coroutines makes of the values of `source`."""
    made = sendable_list()
    first = chain(made, *coro_pipeline)
    for value in source:
        try:
            first.send(value)
        except StopIteration:
            yield from made
            return
        except Exception:
            yield from made
            raise
        yield from made
        made.clear()
