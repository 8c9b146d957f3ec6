"""``fastcore cpu``: what this machine can run and which kernels are in use."""

from __future__ import annotations

import argparse
import os

from fastcore import cpu
from fastcore.cli import terminal
from fastcore.cli.arguments import Parser

__all__ = ["parser", "run"]

ENVIRONMENT_VARIABLE = "FASTCORE_SIMD"

EPILOG = f"""\
examples:
  fastcore cpu
  fastcore cpu | jq -r .available[0]
  {ENVIRONMENT_VARIABLE}=scalar fastcore cpu

{ENVIRONMENT_VARIABLE}=LEVEL in the environment sets the highest level that may be used.
"""


def parser() -> Parser:
    """Return the parser of the arguments after ``fastcore cpu``."""
    return Parser(
        "cpu",
        usage="",
        description="Show what this machine can run and which kernels are in use. "
        "For people on a terminal, one JSON object in a pipe.",
        epilog=EPILOG,
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the report."""
    info = cpu.info()
    if not terminal.is_terminal(1):
        terminal.write_json(
            {
                **info._asdict(),
                "features": sorted(info.features),
                "available": cpu.available(),
            }
        )
        return 0
    rows = {
        "processor": f"{info.brand or 'unknown'} ({info.arch})",
        "features": " ".join(sorted(info.features)) or "none that kernels ask for",
        "SVE": f"{info.sve_bits} bits" if info.sve_bits else "",
        "levels": " ".join(cpu.available()),
        ENVIRONMENT_VARIABLE: os.environ.get(ENVIRONMENT_VARIABLE, ""),
        "kernels": " ".join(f"{name}={level}" for name, level in sorted(info.kernels.items())),
    }
    for name, value in rows.items():
        if value:
            print(f"{terminal.bold(name)}: {value}")
    return 0
