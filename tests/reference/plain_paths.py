"""What a path selects, segment by segment as RFC 9535 tells it, on values in memory.

A path is a list of segments, a segment (descend, selectors), a selector a name, an index, a
`slice`, or ALL. Each value is given once, in the order of the document.
"""

from __future__ import annotations

from typing import Any

ALL = ...
Selector = Any
Segment = tuple[bool, list[Selector]]
# Where a value lies: its place among its parent's children, and so on from the top.
Located = tuple[tuple[int, ...], Any]


def children(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def chosen(selector: Selector, key: Any, value: Any) -> bool:
    """Whether the selector takes the child `key` of `value`."""
    if selector is ALL:
        return True
    if isinstance(selector, str):
        return isinstance(value, dict) and key == selector
    if not isinstance(value, list):
        return False
    if isinstance(selector, slice):
        return key in range(*selector.indices(len(value)))
    return bool(key == selector)


def below(located: Located) -> list[Located]:
    """The value and all values in it."""
    place, value = located
    found = [located]
    for i, (_, child) in enumerate(children(value)):
        found += below(((*place, i), child))
    return found


def locate(path: list[Segment], value: Any) -> dict[tuple[int, ...], Any]:
    """Place to value, in the order of the document."""
    nodes: list[Located] = [((), value)]
    for descend, selectors in path:
        parents = [inner for node in nodes for inner in below(node)] if descend else nodes
        nodes = [
            ((*place, i), child)
            for place, parent in parents
            for i, (key, child) in enumerate(children(parent))
            if any(chosen(selector, key, parent) for selector in selectors)
        ]
    return dict(sorted(dict(nodes).items()))


def select(path: list[Segment], value: Any) -> list[Any]:
    return list(locate(path, value).values())


def outermost(path: list[Segment], value: Any) -> list[Any]:
    """Those that are in no other of them."""
    found = locate(path, value)
    return [
        inner
        for place, inner in found.items()
        if not any(place[:depth] in found for depth in range(len(place)))
    ]


def point(pointer: str, value: Any) -> Any:
    """What an RFC 6901 pointer leads to, or None."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isascii() and name.isdecimal():
            index = int(name)
            value = value[index] if str(index) == name and index < len(value) else None
        else:
            return None
    return value
