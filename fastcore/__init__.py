"""Streaming JSON, text matching, a durable log and a task queue, at the speed of the hardware.

The primitives live in submodules, loaded on first use:

- `fastcore.json`: a streaming JSON decoder that selects fields by path;
- `fastcore.text`: literal matching over text, lines and columns;
- `fastcore.wal`: a write-ahead log with group commit and crash recovery;
- `fastcore.queue`: a task queue, embedded on the log or on a server;
- `fastcore.cpu`: which instruction sets the kernels may use here.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

try:
    from fastcore import cpu
except ImportError as error:
    if error.name != "fastcore._native":
        raise
    raise ImportError(
        f"the compiled part of fastcore is missing from {__path__[0]}: if that is the source tree, "
        "run from another folder, or build in place with `python setup.py build_ext --inplace`"
    ) from error
from fastcore.errors import Error

if TYPE_CHECKING:
    from fastcore import json, queue, text, wal

__version__ = "0.1.0"
__all__ = ["Error", "__version__", "cpu", "get_include", "json", "queue", "text", "wal"]

_ROOMS = frozenset({"json", "queue", "text", "wal"})


def get_include() -> str:
    """Return the folder with the C headers and the ``.pxd`` file of the core.

    `fastcore.h` declares all of the C core, which `make -C csrc` builds as a static library;
    `libfastcore.pxd` says the same to Cython. Cython code that wants only the kernels, and an
    installed package to be all it needs, cimports from `fastcore.capi` instead.

    Examples
    --------
    >>> import os, fastcore
    >>> os.path.exists(os.path.join(fastcore.get_include(), "fastcore.h"))
    True
    """
    return os.path.join(__path__[0], "include")


def __getattr__(name: str) -> object:
    if name in _ROOMS:
        return importlib.import_module(f"fastcore.{name}")
    raise AttributeError(f"module 'fastcore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
