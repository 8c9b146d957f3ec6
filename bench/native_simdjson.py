"""simdjson's UTF-8 validator and stage 1, called in C++: what no Python package of it shows.

Compiled on first use where a C++ compiler and simdjson's headers are at hand (Debian:
``libsimdjson-dev``); elsewhere `load` gives None and the benchmarks go without.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
import tempfile
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("native") / "simdjson_peer.cpp"


class Simdjson:
    """The peer's functions on `bytes`."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        for name in ("peer_validate_utf8", "peer_stage1"):
            getattr(library, name).argtypes = [ctypes.c_char_p, ctypes.c_size_t]
        library.peer_stage1_prepare.argtypes = [ctypes.c_size_t]
        library.peer_structurals.restype = ctypes.c_size_t
        library.peer_version.restype = ctypes.c_char_p
        self.version: str = library.peer_version().decode()

    def is_utf8(self, data: bytes) -> bool:
        return bool(self._library.peer_validate_utf8(data, len(data)))

    def prepare(self, capacity: int) -> None:
        if self._library.peer_stage1_prepare(capacity):
            raise MemoryError(f"simdjson, for {capacity} bytes")

    def stage1(self, data: bytes) -> int:
        """How many brackets, `,`, `:` and starts of values whole records have."""
        error = self._library.peer_stage1(data, len(data))
        if error:
            raise ValueError(f"simdjson's stage 1: error {error}")
        return int(self._library.peer_structurals())


@cache
def load() -> Simdjson | None:
    """The compiled peer, or None where it cannot be compiled."""
    compiler = shlex.split(os.environ.get("CXX", "c++"))
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "simdjson_peer.so")
        flags = ["-O3", "-std=c++17", "-shared", "-fPIC", str(SOURCE), "-lsimdjson"]
        try:
            subprocess.run([*compiler, *flags, "-o", library], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return Simdjson(ctypes.CDLL(str(library)))
