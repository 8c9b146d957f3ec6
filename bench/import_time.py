"""How long ``import fastcore`` takes once NumPy is there, beside what others take.

Every sample is a fresh interpreter that times one import statement itself, so that its own start is
not counted; the candidates take turns, so that a slow minute hurts them all alike.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

STATEMENTS = {
    "fastcore": "import fastcore",
    "orjson": "import orjson",
    "msgspec": "import msgspec.json",
    "pyarrow": "import pyarrow",
    "polars": "import polars",
    "ijson": "import ijson",
}
ROOMS = {"fastcore": "import fastcore.json, fastcore.text, fastcore.wal"}

PROGRAM = """
import time
import numpy
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""


def _sample(statement: str) -> float | None:
    """Seconds that `statement` took in a fresh process; None where it cannot run."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(statement=statement)],
        capture_output=True,
        text=True,
        cwd="/",
    )
    return float(done.stdout) if done.returncode == 0 else None


def _rows(name: str, statements: dict[str, str], rounds: int) -> list[dict[str, Any]]:
    installed = {
        engine: statement
        for engine, statement in statements.items()
        if _sample(statement) is not None  # also fills the page cache and __pycache__
    }
    samples: dict[str, list[float]] = {engine: [] for engine in installed}
    for _ in range(rounds):
        for engine, statement in installed.items():
            one = _sample(statement)
            assert one is not None
            samples[engine].append(one)
    rows = []
    for engine, seconds in samples.items():
        low, _, high = statistics.quantiles(seconds, n=4)
        stats = {
            "min": min(seconds),
            "median": statistics.median(seconds),
            "max": max(seconds),
            "iqr": high - low,
            "rounds": rounds,
            "iterations": 1,
        }
        rows.append({"name": name, "params": {"engine": engine}, "extra_info": {}, "stats": stats})
    return rows


def measure(rounds: int) -> list[dict[str, Any]]:
    """Benchmarks in the shape that run.py records."""
    return [
        *_rows("test_import__over_numpy", STATEMENTS, rounds),
        *_rows("test_import__every_room_over_numpy", ROOMS, rounds),
    ]
