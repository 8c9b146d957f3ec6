"""Events that the user has made or filtered: with prefixes, and as objects again.

The functions of fastcore.ijson that read JSON do the same natively; these take any events.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from fastcore.ijson.utils import coroutine

__all__ = ["ObjectBuilder", "items_basecoro", "kvitems_basecoro", "parse_basecoro"]

Sink = Generator[None, Any, None]


class ObjectBuilder:
    """Builds a value out of its events.

    Parameters
    ----------
    map_type : callable, default dict
        Makes an empty mapping.

    Attributes
    ----------
    value : object
        What has been built so far.

    Examples
    --------
    >>> from fastcore import ijson
    >>> builder = ijson.ObjectBuilder()
    >>> for event, value in ijson.basic_parse(b'{"a": [1, 2]}'):
    ...     builder.event(event, value)
    >>> builder.value
    {'a': [1, 2]}
    """

    def __init__(self, map_type: Callable[[], Any] | None = None) -> None:
        self.value: Any = None
        self.containers: list[Any] = []
        self.map_type = map_type or dict
        self.key: Any = None

    def event(self, event: str, value: Any) -> None:
        """Take the next event."""
        if event == "map_key":
            self.key = value
        elif event == "start_map":
            self._open(self.map_type())
        elif event == "start_array":
            self._open([])
        elif event in ("end_map", "end_array"):
            self.containers.pop()
        else:
            self._add(value)

    def _open(self, container: Any) -> None:
        self._add(container)
        self.containers.append(container)

    def _add(self, value: Any) -> None:
        if not self.containers:
            self.value = value
        elif isinstance(self.containers[-1], list):
            self.containers[-1].append(value)
        else:
            self.containers[-1][self.key] = value


@coroutine
def parse_basecoro(target: Any) -> Sink:
    """Send (prefix, event, value) for each (event, value)."""
    names: list[str] = []  # of the place in each open container
    while True:
        event, value = yield
        if event == "map_key":
            prefix = ".".join(names[:-1])
            names[-1] = value
        else:
            if event in ("end_map", "end_array"):
                names.pop()
            prefix = ".".join(names)
            if event == "start_map":
                names.append("")
            elif event == "start_array":
                names.append("item")
        target.send((prefix, event, value))


class _Collector:
    """One value out of events."""

    def __init__(self, map_type: Any) -> None:
        self._builder = ObjectBuilder(map_type)

    def add(self, event: str, value: Any) -> bool:
        """Take an event; return whether the value is complete."""
        self._builder.event(event, value)
        return not self._builder.containers

    @property
    def value(self) -> Any:
        return self._builder.value


@coroutine
def items_basecoro(target: Any, prefix: str, map_type: Any = None) -> Sink:
    """Send each value whose prefix is `prefix`, out of (prefix, event, value)."""
    collector = None
    while True:
        path, event, value = yield
        if collector is None:
            if path != prefix or event in ("map_key", "end_map", "end_array"):
                continue
            collector = _Collector(map_type)
        if collector.add(event, value):
            made, collector = collector.value, None
            target.send(made)


@coroutine
def kvitems_basecoro(target: Any, prefix: str, map_type: Any = None) -> Sink:
    """Send (key, value) for each member of the objects whose prefix is `prefix`."""
    collector, key = None, None
    while True:
        path, event, value = yield
        if collector is None:
            if path == prefix and event == "map_key":
                collector, key = _Collector(map_type), value
        elif collector.add(event, value):
            made, collector = (key, collector.value), None
            target.send(made)
