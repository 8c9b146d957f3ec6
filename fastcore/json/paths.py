"""Path syntax: from text to the steps that the core follows.

Three spellings lead to the same steps:

- JSONPath (RFC 9535), what a single forward pass can answer::

      path       = "$" segment*
      segment    = ("." | "..") name | ("." | "..") "*" | "[" selectors "]" | "..[" selectors "]"
      selectors  = selector ("," selector)*
      selector   = quoted-name | "*" | index >= 0 | slice with parts >= 0

- a JSON Pointer (RFC 6901), which begins with ``/``: ``/user/0/id``;
- names joined by dots, for everything else: ``user.id``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from itertools import product

from fastcore.errors import PathError

__all__ = ["Kind", "Path", "Step", "parse"]

# RFC 9535, 2.1: integers are those that a double holds exactly.
_INTEGER_MAX = 2**53 - 1
_UNION_PATHS_MAX = 1024


class Kind(IntEnum):
    """What a step selects; the values are those of fc_json_step_kind."""

    NAME = 0
    ANY = 1
    SLICE = 2
    POINTER = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One step down: members by name, elements by slice, or every child.

    `descend` looks for them at every depth below, too. A POINTER step is a name that also
    stands for the element of that index (start).
    """

    kind: Kind
    name: str = ""
    start: int = 0
    stop: int = 0
    step: int = 1
    descend: bool = False


Path = tuple[Step, ...]


def parse(text: str) -> list[Path]:
    """Return the paths, one or, for unions, several, that `text` stands for.

    Raises
    ------
    PathError
        Not a path, or one that looks back, filters or counts from the end.

    Examples
    --------
    >>> [step.name for step in parse("user.id")[0]]
    ['user', 'id']
    >>> len(parse("$['a','b'].c"))
    2
    """
    if not isinstance(text, str):
        raise TypeError(f"a path must be a str, not {type(text).__name__}")
    if text.startswith("$"):
        return _JSONPath(text).parse()
    if text.startswith("/"):
        return [tuple(_pointer_step(token, text) for token in text[1:].split("/"))]
    if not text:
        raise PathError("empty path; the whole record is '$'")
    if "$" in text:
        raise PathError(
            f"path {text!r} has a '$' that is not its first character; "
            "write it as a JSONPath, such as $['a$b']"
        )
    names = text.split(".")
    if "" in names:
        raise PathError(f"path {text!r} has an empty name; write it as a JSONPath, such as $['']")
    return [tuple(Step(Kind.NAME, name) for name in names)]


def _pointer_step(token: str, text: str) -> Step:
    if re.search(r"~(?![01])", token):
        raise PathError(f"JSON Pointer {text!r}: '~' must be followed by 0 or 1 (RFC 6901)")
    name = token.replace("~1", "/").replace("~0", "~")
    if re.fullmatch(r"0|[1-9][0-9]{0,15}", name) and int(name) <= _INTEGER_MAX:
        return Step(Kind.POINTER, name, int(name), int(name) + 1)
    return Step(Kind.NAME, name)


_SPACE = " \t\n\r"
_FIRST = r"A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff"
_SHORTHAND = re.compile(f"[{_FIRST}][{_FIRST}0-9]*")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
_ESCAPES = {
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "/": "/",
    "\\": "\\",
}


class _JSONPath:
    """A recursive-descent reader of the grammar above; `at` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 1

    def fail(self, why: str, at: int | None = None) -> PathError:
        place = self.at if at is None else at
        return PathError(f"path {self.text!r}, character {place}: {why}")

    def peek(self, token: str) -> bool:
        return self.text.startswith(token, self.at)

    def take(self, token: str) -> bool:
        if not self.peek(token):
            return False
        self.at += len(token)
        return True

    def skip_space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1

    def parse(self) -> list[Path]:
        segments: list[list[Step]] = []
        count = 1
        while True:
            before = self.at
            self.skip_space()
            if self.at == len(self.text):
                if before != self.at:
                    raise self.fail("whitespace at the end", before)
                break
            segments.append(self.segment())
            count *= len(segments[-1])
            if count > _UNION_PATHS_MAX:
                raise self.fail(f"its unions stand for more than {_UNION_PATHS_MAX} paths")
        return list(product(*segments))

    def segment(self) -> list[Step]:
        if self.take(".."):
            if self.take("["):
                return self.selectors(True)
            return [self.member(True)]
        if self.take("."):
            return [self.member(False)]
        if self.take("["):
            return self.selectors(False)
        raise self.fail("expected '.', '..' or '['")

    def member(self, descend: bool) -> Step:
        if self.take("*"):
            return Step(Kind.ANY, descend=descend)
        found = _SHORTHAND.match(self.text, self.at)
        if found is None:
            raise self.fail("expected a name or '*'; quote other names, as in $['a b']")
        self.at = found.end()
        return Step(Kind.NAME, found.group(), descend=descend)

    def selectors(self, descend: bool) -> list[Step]:
        steps = []
        while True:
            self.skip_space()
            steps.append(self.selector(descend))
            self.skip_space()
            if self.take("]"):
                return steps
            if not self.take(","):
                raise self.fail("expected ',' or ']'")

    def selector(self, descend: bool) -> Step:
        if self.peek("'") or self.peek('"'):
            return Step(Kind.NAME, self.quoted(), descend=descend)
        if self.take("*"):
            return Step(Kind.ANY, descend=descend)
        if self.peek("?"):
            raise self.fail("filters are not supported: a value is passed only once, and forward")
        return self.slice(descend)

    def integer(self) -> int | None:
        found = _INTEGER.match(self.text, self.at)
        if found is None:
            return None
        value = int(found.group()) if len(found.group()) < 20 else _INTEGER_MAX + 1
        if found.group() == "-0":
            raise self.fail("-0 is not an index")
        if abs(value) > _INTEGER_MAX:
            raise self.fail("integer beyond 2**53 - 1")
        self.at = found.end()
        return value

    def slice(self, descend: bool) -> Step:
        first = self.at
        start = self.integer()
        end = self.at
        self.skip_space()
        if not self.take(":"):
            self.at = end
            if start is None:
                raise self.fail("expected a quoted name, '*', an index or a slice")
            self.no_negative(start, first)
            return Step(Kind.SLICE, "", start, start + 1, 1, descend)
        self.skip_space()
        stop = self.integer()
        self.skip_space()
        step = None
        if self.take(":"):
            self.skip_space()
            step = self.integer()
        for part in (start, stop, step):
            self.no_negative(part or 0, first)
        if step == 0:
            return Step(Kind.SLICE, "", 0, 0, 1, descend)  # RFC 9535: selects nothing
        stop = _INTEGER_MAX + 1 if stop is None else stop
        return Step(Kind.SLICE, "", start or 0, stop, 1 if step is None else step, descend)

    def no_negative(self, value: int, at: int) -> None:
        if value < 0:
            raise self.fail(
                "negative indices, ends and steps are not supported: "
                "the length of an array is known only behind it",
                at,
            )

    def quoted(self) -> str:
        quote = self.text[self.at]
        first = self.at
        self.at += 1
        parts: list[str] = []
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == quote:
                self.at += 1
                return "".join(parts)
            if char < " " or "\ud800" <= char <= "\udfff":
                raise self.fail("this character must be escaped in a name")
            self.at += 1
            parts.append(self.escape(quote) if char == "\\" else char)
        raise self.fail("the name's closing quote is missing", first)

    def escape(self, quote: str) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        if char == quote:
            return quote
        if char in _ESCAPES:
            return _ESCAPES[char]
        if char != "u":
            raise self.fail("invalid escape", self.at - 1)
        unit = self.unit()
        if 0xDC00 <= unit <= 0xDFFF:
            raise self.fail("lone low surrogate")
        if 0xD800 <= unit <= 0xDBFF:
            low = self.unit() if self.take("\\u") else 0
            if not 0xDC00 <= low <= 0xDFFF:
                raise self.fail("lone high surrogate")
            return chr(0x10000 + ((unit - 0xD800) << 10) + low - 0xDC00)
        return chr(unit)

    def unit(self) -> int:
        digits = self.text[self.at : self.at + 4]
        if not re.fullmatch(r"[0-9A-Fa-f]{4}", digits):
            raise self.fail("expected four hexadecimal digits")
        self.at += 4
        return int(digits, 16)
