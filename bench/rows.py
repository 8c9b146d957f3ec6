"""Recorded results as rows: a benchmark, and what every engine took for it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LEVEL = re.compile(r"fastcore\[(\w+)\]")


@dataclass
class Row:
    """One benchmark: every engine's median in seconds, fastcore's levels apart."""

    suite: str
    name: str
    info: dict[str, Any] = field(default_factory=dict)
    medians: dict[str, float] = field(default_factory=dict)
    levels: dict[str, float] = field(default_factory=dict)
    percentiles: dict[str, dict[str, float]] = field(default_factory=dict)
    family: str = ""

    @property
    def fastcore(self) -> float | None:
        return self.medians.get("fastcore")

    @property
    def peers(self) -> list[tuple[str, float]]:
        """The other engines, fastest first."""
        others = ((name, time) for name, time in self.medians.items() if name != "fastcore")
        return sorted(others, key=lambda item: item[1])

    @property
    def best_peer(self) -> tuple[str, float] | None:
        return self.peers[0] if self.peers else None

    @property
    def ratio(self) -> float | None:
        if self.fastcore is None or self.best_peer is None:
            return None
        return self.best_peer[1] / self.fastcore

    def rate(self, time: float) -> tuple[float, str] | None:
        """Bytes or items a second and their unit; None where a benchmark counts neither."""
        if self.info.get("bytes"):
            return self.info["bytes"] / time / 1e9, "GB/s"
        if self.info.get("items"):
            return self.info["items"] / time / 1e6, "M/s"
        return None


def read(folder: Path) -> tuple[dict[str, Any], list[Row]]:
    """The machine of `folder` and its rows, in the order they were measured."""
    machine: dict[str, Any] = {}
    rows: dict[tuple[str, str], Row] = {}
    for path in sorted(folder.glob("*.json")):
        recorded = json.loads(path.read_text())
        machine = recorded["machine"]
        for one in recorded["benchmarks"]:
            params = dict(one["params"])
            engine = str(params.pop("engine", "fastcore"))
            info = dict(one["extra_info"])
            family = words(one["name"])
            name = " ".join([family, *(str(value) for value in params.values())])
            row = rows.setdefault((path.stem, name), Row(path.stem, name, family=family))
            level = LEVEL.fullmatch(engine)
            if level:
                row.levels[level[1]] = one["stats"]["median"]
            else:
                row.medians[engine] = one["stats"]["median"]
            if "percentiles" in info:
                row.percentiles[engine] = info.pop("percentiles")
            row.info.update(info)
    return machine, list(rows.values())


def words(test: str) -> str:
    """``test_find_byte__last_of_1MiB`` -> ``find byte: last of 1MiB``."""
    verb, _, workload = test.removeprefix("test_").partition("__")
    return f"{verb}: {workload}".replace("_", " ") if workload else verb.replace("_", " ")


def seconds(value: float) -> str:
    """A time in the unit that suits it, to three digits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def rate(row: Row, time: float) -> str:
    """The rate in words, or nothing."""
    found = row.rate(time)
    return f"{found[0]:.3g} {found[1]}" if found else ""


def size(row: Row) -> str:
    """How much a benchmark goes through."""
    count = row.info.get("bytes")
    if not count:
        return f"{row.info['items']:,} items" if row.info.get("items") else ""
    for unit, scale in (("MB", 1e6), ("KB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count} B"
