"""Hyperscan's C library with a callback in C that counts: what its engine can do.

Compiled on first use where a C compiler and Hyperscan's headers are at hand (Debian:
``libhyperscan-dev``); elsewhere `load` gives None and the benchmarks go without. The Python package
``hyperscan`` is another peer: it calls back into Python for each match.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("native") / "hyperscan_peer.c"
CASELESS, DOTALL, MULTILINE, SINGLEMATCH, ALLOWEMPTY = 1, 2, 4, 8, 16


class Database:
    """Patterns, compiled; literals unless `regex`."""

    def __init__(
        self,
        library: ctypes.CDLL,
        patterns: Sequence[bytes],
        flags: int = 0,
        *,
        regex: bool = False,
    ) -> None:
        count = len(patterns)
        self._library = library
        self._handle = library.peer_open(
            (ctypes.c_char_p * count)(*patterns),
            (ctypes.c_size_t * count)(*map(len, patterns)),
            count,
            flags,
            not regex,
        )
        if not self._handle:
            raise ValueError("Hyperscan refuses a pattern")
        self.nbytes: int = library.peer_bytes(self._handle)

    def __del__(self) -> None:
        self._library.peer_close(self._handle)

    def count(self, data: bytes) -> int:
        """All ends of all patterns: overlapping matches, each counted."""
        return int(self._library.peer_count(self._handle, data, len(data)))


class Hyperscan:
    """The library."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        library.peer_open.restype = ctypes.c_void_p
        library.peer_open.argtypes = [
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_int,
        ]
        library.peer_close.argtypes = [ctypes.c_void_p]
        library.peer_count.restype = ctypes.c_size_t
        library.peer_count.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
        library.peer_bytes.restype = ctypes.c_size_t
        library.peer_bytes.argtypes = [ctypes.c_void_p]
        library.peer_version.restype = ctypes.c_char_p
        self.version: str = library.peer_version().decode().split()[0]

    def compile(
        self, patterns: Sequence[bytes], flags: int = 0, *, regex: bool = False
    ) -> Database:
        return Database(self._library, patterns, flags, regex=regex)


@cache
def load() -> Hyperscan | None:
    """The compiled peer, or None where it cannot be compiled."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "hyperscan_peer.so")
        flags = ["-O2", "-std=c11", "-shared", "-fPIC", str(SOURCE), "-lhs"]
        try:
            subprocess.run([*compiler, *flags, "-o", library], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return Hyperscan(ctypes.CDLL(str(library)))
