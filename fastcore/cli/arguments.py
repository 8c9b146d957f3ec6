"""What the commands' argument parsers share: one line per mistake, help as it was written."""

from __future__ import annotations

import argparse
from typing import NoReturn

from fastcore.errors import Error

__all__ = ["Parser", "UsageError", "at_least"]


class UsageError(Error, ValueError):
    """The command was called wrongly; the message says what to do."""


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` whose errors become the one line of `fastcore.cli.main`."""

    def __init__(self, command: str, *, usage: str, description: str, epilog: str = "") -> None:
        super().__init__(
            prog=f"fastcore {command}",
            usage=f"fastcore {command} {usage}".rstrip(),
            description=description,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}; see {self.prog} --help")


class at_least:
    """An argument that is a whole number, and not too small."""

    def __init__(self, least: int) -> None:
        self._least = least

    def __call__(self, text: str) -> int:
        number = int(text)
        if number < self._least:
            raise argparse.ArgumentTypeError(f"must be at least {self._least}, not {number}")
        return number

    def __repr__(self) -> str:  # argparse says "invalid <this> value: ..."
        return "whole number"
