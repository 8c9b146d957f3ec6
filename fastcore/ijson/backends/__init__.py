"""ijson's backends by their names: here they are all the same one."""

from __future__ import annotations

import sys

from fastcore.ijson import _routines

__all__ = ["NAMES"]

NAMES = ("fastcore", "yajl2_c", "yajl2_cffi", "yajl2", "yajl", "python")

# So that `import fastcore.ijson.backends.yajl2_c as ijson` works: programs choose a backend so.
for _name in NAMES:
    globals()[_name] = sys.modules[f"{__name__}.{_name}"] = _routines
