"""One page and one picture of recorded results: ``python bench/report.py [FOLDER]``.

Reads ``results/<machine>/*.json`` (every machine without FOLDER) and writes ``report.md`` and
``report.svg`` beside them, or into ``results/`` when it read all of it.

A row is a benchmark; the engines that ran it stand side by side. "Ratio" is the best peer's median
over fastcore's: above 1, fastcore is faster. ``fastcore[avx2]`` and its like are fastcore held to
one instruction set; they get a table of their own.
"""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

RESULTS = Path(__file__).resolve().parent / "results"
LEVEL = re.compile(r"fastcore\[(\w+)\]")


@dataclass
class Row:
    """One benchmark: every engine's median in seconds, fastcore's levels apart."""

    suite: str
    name: str
    info: dict[str, Any] = field(default_factory=dict)
    medians: dict[str, float] = field(default_factory=dict)
    levels: dict[str, float] = field(default_factory=dict)

    @property
    def fastcore(self) -> float | None:
        return self.medians.get("fastcore")

    @property
    def best_peer(self) -> tuple[str, float] | None:
        peers = {name: time for name, time in self.medians.items() if name != "fastcore"}
        return min(peers.items(), key=lambda item: item[1]) if peers else None

    @property
    def ratio(self) -> float | None:
        if self.fastcore is None or self.best_peer is None:
            return None
        return self.best_peer[1] / self.fastcore


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
            name = " ".join([_words(one["name"]), *(str(value) for value in params.values())])
            row = rows.setdefault((path.stem, name), Row(path.stem, name))
            level = LEVEL.fullmatch(engine)
            if level:
                row.levels[level[1]] = one["stats"]["median"]
            else:
                row.medians[engine] = one["stats"]["median"]
            row.info.update(one["extra_info"])
    return machine, list(rows.values())


def _words(test: str) -> str:
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
    """Bytes a second, or items a second, or nothing for a benchmark that counts neither."""
    if "bytes" in row.info and row.info["bytes"] > 0:
        return f"{row.info['bytes'] / time / 1e9:.3g} GB/s"
    if "items" in row.info:
        return f"{row.info['items'] / time / 1e6:.3g} M/s"
    return ""


def size(row: Row) -> str:
    count = row.info.get("bytes")
    if count is None:
        return f"{row.info['items']:,} items" if "items" in row.info else ""
    for unit, scale in (("MB", 1e6), ("KB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count} B"


def _at_level(row: Row, level: str) -> str:
    time = row.levels.get(level)
    return "" if time is None else rate(row, time) or seconds(time)


def _table(header: list[str], lines: list[list[str]]) -> list[str]:
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return [f"| {' | '.join(line)} |" for line in [header, rule, *lines]]


def page(machine: dict[str, Any], rows: list[Row]) -> list[str]:
    """The Markdown of one machine's results."""
    own = {"Python": machine["python"], "fastcore": machine["fastcore"]}
    versions = ", ".join(
        f"{name} {version}" for name, version in {**own, **machine["peers"]}.items()
    )
    out = [
        f"## {machine['cpu']}, {machine['cores']} cores, best level {machine['levels'][0]}",
        "",
        f"{machine['system']}; {versions}.",
    ]
    for suite in dict.fromkeys(row.suite for row in rows):
        mine = [row for row in rows if row.suite == suite]
        lines = []
        for row in mine:
            if row.fastcore is None:
                continue
            peer = row.best_peer
            generated = " (generated)" if row.info.get("origin") == "generated" else ""
            lines.append(
                [
                    row.name + generated,
                    size(row),
                    seconds(row.fastcore),
                    rate(row, row.fastcore),
                    f"{peer[0]}, {seconds(peer[1])}" if peer else "",
                    f"**{row.ratio:.3g}×**" if row.ratio is not None else "",
                ]
            )
        header = ["workload", "input", "fastcore", "", "best peer", "ratio"]
        out += ["", f"### {suite}", "", *_table(header, lines)]
        levels = [level for level in machine["levels"] if any(level in r.levels for r in mine)]
        if levels:
            lines = [[r.name, *(_at_level(r, level) for level in levels)] for r in mine if r.levels]
            out += ["", "By instruction set:", "", *_table(["workload", *levels], lines)]
    return out


# --- the picture -----------------------------------------------------------------------------

WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 960, 330, 210, 14, 8, 92
FASTER, SLOWER, INK, FAINT = "#0b7285", "#c2541b", "#1f2933", "#d5dbe1"


def picture(machine: dict[str, Any], rows: list[Row]) -> str:
    """A bar a row on a logarithmic axis: to the right of the line, fastcore is the faster one."""
    rows = [row for row in rows if row.ratio is not None]
    ratios = [row.ratio for row in rows if row.ratio is not None]
    low = min(1.0, *ratios) if ratios else 1.0
    high = max(2.0, *ratios) if ratios else 2.0
    start = math.floor(math.log2(low))
    end = math.ceil(math.log2(high))
    scale = (WIDTH - LEFT - RIGHT) / (end - start)

    def x(ratio: float) -> float:
        return LEFT + (math.log2(ratio) - start) * scale

    suites = list(dict.fromkeys(row.suite for row in rows))
    height = TOP + len(rows) * (BAR + GAP) + len(suites) * 26 + 34
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" font-family="ui-sans-serif, Helvetica, Arial, '
        f'sans-serif" font-size="13" fill="{INK}">',
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
        '<text x="24" y="34" font-size="18" font-weight="600">'
        "fastcore against the best peer, workload by workload</text>",
        f'<text x="24" y="56" fill="#5b6673">{escape(machine["cpu"])}, '
        f"{escape(machine['levels'][0])}; how many times as fast (logarithmic; median of the same "
        "run)</text>",
    ]
    step = max(1, math.ceil((end - start) / 8))
    ticks = sorted({0, *range(start, end + 1, step)})
    for tick in ticks:
        at = x(2.0**tick)
        label = f"{2**tick}×" if tick >= 0 else f"1/{2**-tick}×"
        colour, width = (INK, 1.5) if tick == 0 else (FAINT, 1)
        out.append(
            f'<line x1="{at:.1f}" y1="{TOP - 8}" x2="{at:.1f}" y2="{height - 24}" '
            f'stroke="{colour}" stroke-width="{width}"/>'
            f'<text x="{at:.1f}" y="{TOP - 14}" text-anchor="middle" fill="#5b6673" '
            f'font-size="12">{label}</text>'
        )
    y = TOP
    for suite in suites:
        out.append(f'<text x="24" y="{y + 16}" font-weight="600">{escape(suite)}</text>')
        y += 26
        for row in rows:
            if row.suite != suite or row.ratio is None or row.best_peer is None:
                continue
            near, far = sorted((x(1.0), x(row.ratio)))
            colour = FASTER if row.ratio >= 1 else SLOWER
            out += [
                f'<text x="{LEFT - 12}" y="{y + BAR - 2}" text-anchor="end">'
                f"{escape(row.name)}</text>",
                f'<rect x="{near:.1f}" y="{y}" width="{max(far - near, 1.5):.1f}" height="{BAR}" '
                f'rx="2" fill="{colour}"/>',
                f'<text x="{max(far, x(1.0)) + 8:.1f}" y="{y + BAR - 2}">'
                f'<tspan font-weight="600">{row.ratio:.3g}×</tspan>'
                f'<tspan dx="6" fill="#5b6673">{escape(row.best_peer[0])}</tspan></text>',
            ]
            y += BAR + GAP
    out.append("</svg>")
    return "\n".join(out) + "\n"


INTRODUCTION = """# Benchmark report

Made by `make bench` (see [the guide to these figures](../README.md)); do not edit. Each row ran
fastcore and its peers in the same process, one after the other, and checked every answer; times are
medians. A ratio above 1 says that fastcore is that many times as fast as the best peer.

![fastcore against the best peer, workload by workload](report.svg)
"""


def main(arguments: list[str]) -> int:
    folders = [Path(name) for name in arguments]
    if not folders:
        folders = sorted(p for p in RESULTS.iterdir() if p.is_dir() and p.name != "quick")
    machines = [read(folder) for folder in folders if any(folder.glob("*.json"))]
    if not machines:
        print("bench/report.py: no recorded results; run `make bench` first", file=sys.stderr)
        return 1
    quick = len(folders) == 1 and folders[0].name == "quick"
    out = folders[0] if quick else RESULTS
    text = [INTRODUCTION]
    for machine, rows in machines:
        text += [*page(machine, rows), ""]
    Path(out, "report.md").write_text("\n".join(text), encoding="utf-8")
    Path(out, "report.svg").write_text(picture(*machines[0]), encoding="utf-8")
    print(f"wrote {out / 'report.md'} and {out / 'report.svg'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
