"""What an import may bring with it: the extras and slow modules wait until they are asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

EXTRAS = {"isal", "zstandard", "backports.zstd", "polars", "pyarrow", "re2", "redis", "nats"}
SLOW = {"asyncio", "numpy.typing", "multiprocessing", "urllib.request", "importlib.metadata"}


def _brought(statement: str) -> set[str]:
    """Modules that `statement` loads into a fresh interpreter that has NumPy already."""
    program = (
        "import sys, numpy; before = set(sys.modules)\n"
        f"{statement}\n"
        "print(*(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("room", ["fastcore.json", "fastcore.text", "fastcore.wal"])
def test_a_room_brings_no_extra_and_nothing_slow(room):
    assert not _brought(f"import {room}") & (EXTRAS | SLOW)


def test_the_queue_brings_no_extra():
    assert not _brought("import fastcore.queue") & EXTRAS


def test_the_package_alone_brings_no_room():
    rooms = {"fastcore.json", "fastcore.text", "fastcore.wal", "fastcore.queue", "fastcore.cli"}
    assert not _brought("import fastcore") & (rooms | EXTRAS | SLOW | {"lmdb", "orjson", "decimal"})
