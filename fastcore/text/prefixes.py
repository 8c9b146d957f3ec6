"""Longest-prefix lookup: routes, number plans, address blocks written as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastcore._native import text as _native

__all__ = ["PrefixTable"]


class PrefixTable(_native.PrefixTable):
    """Tells which of many strings a text begins with; made once, shared between threads.

    Parameters
    ----------
    prefixes : iterable of str, or of bytes
        All of one type, none empty. Equal ones are allowed; the lowest index is the answer.
    ignore_case : bool, default False
        As in `Matcher`.

    Raises
    ------
    TypeError
        Prefixes of mixed or other types; while searching, a text of another type.
    ValueError
        An empty prefix.

    Notes
    -----
    A lookup is a binary search over the sorted prefixes, and then follows at most as many links
    as there are prefixes that begin with one another.

    Examples
    --------
    >>> routes = PrefixTable(["/", "/api/", "/api/users/"])
    >>> routes.longest("/api/users/7"), routes.longest("api")
    (2, -1)
    >>> routes.all("/api/v2")
    [0, 1]
    >>> routes.longest_each(["/", None, "/api/x"]).tolist()
    [0, -1, 1]
    """

    def __reduce__(self) -> tuple[Callable[..., PrefixTable], tuple[Any, ...]]:
        return _remake, (self.prefixes, self.ignore_case)

    def __repr__(self) -> str:
        return f"<PrefixTable of {len(self)} prefixes, {self.nbytes} bytes>"


def _remake(prefixes: tuple[Any, ...], ignore_case: bool) -> PrefixTable:
    return PrefixTable(prefixes, ignore_case=ignore_case)
