"""The exceptions of fastcore.ijson, in a module of their own so that there is one of each."""

from __future__ import annotations

from fastcore.errors import DecodeError, Error

__all__ = ["IncompleteJSONError", "JSONError", "ParseError"]


class JSONError(Error):
    """The input is not JSON."""


class IncompleteJSONError(JSONError):
    """The input ends too early, or cannot be read on."""


class ParseError(IncompleteJSONError, DecodeError):
    """What is raised: ijson's C backend knows only one kind of error, whatever is wrong.

    Attributes
    ----------
    msg, pos, lineno, colno, record, excerpt
        As of `fastcore.json.DecodeError`.
    truncated : bool
        Nothing is wrong but that the input ends too early.
    """

    truncated = False


def parse_error(
    msg: str, pos: int, lineno: int, colno: int, record: int, excerpt: str, truncated: bool
) -> ParseError:
    """Make the exception for a fault that the native readers report."""
    error = ParseError(msg, pos, lineno, colno, record, excerpt)
    error.truncated = truncated
    return error
