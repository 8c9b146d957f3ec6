"""One page of recorded results, and its pictures: ``python bench/report.py [FOLDER]``.

Reads ``results/<machine>/*.json`` (every machine without FOLDER) and writes ``report.md`` and the
pictures beside them, or into ``results/`` when it read all of it.

A row is a benchmark; the engines that ran it stand side by side. "Ratio" is the best peer's median
over fastcore's: above 1, fastcore is faster. ``fastcore[avx2]`` and its like are fastcore held to
one instruction set; they get a table of their own, and so do latencies that a benchmark records as
``extra_info["percentiles"]``, seconds by name. A family of rows with ``extra_info["axis"]``, the
name of a number that is there too, is drawn as lines along that number. Rows with
``extra_info["headline"]`` make the picture of the README.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pictures
from rows import Row, rate, read, seconds, size

RESULTS = Path(__file__).resolve().parent / "results"


def _at_level(row: Row, level: str) -> str:
    time = row.levels.get(level)
    return "" if time is None else rate(row, time) or seconds(time)


def _table(header: list[str], lines: list[list[str]]) -> list[str]:
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return [f"| {' | '.join(line)} |" for line in [header, rule, *lines]]


def _against_peers(row: Row) -> list[str]:
    """The line of a row that fastcore ran: against the best peer, then against the others."""
    assert row.fastcore is not None
    generated = " (generated)" if row.info.get("origin") == "generated" else ""
    peer = row.best_peer
    return [
        row.name + generated,
        size(row),
        seconds(row.fastcore),
        rate(row, row.fastcore),
        f"{peer[0]}, {seconds(peer[1])}" if peer else "",
        f"**{row.ratio:.3g}×**" if row.ratio is not None else "",
        ", ".join(f"{name} {time / row.fastcore:.3g}×" for name, time in row.peers[1:]),
    ]


def _latencies(rows: list[Row]) -> list[str]:
    names = list(dict.fromkeys(n for row in rows for p in row.percentiles.values() for n in p))
    lines = [
        [f"{row.name}, {engine}", *(seconds(found[n]) if n in found else "" for n in names)]
        for row in rows
        for engine, found in row.percentiles.items()
    ]
    return ["", "Latencies:", "", *_table(["workload", *names], lines)] if lines else []


def families(rows: list[Row]) -> dict[str, list[Row]]:
    """Rows to be drawn as lines, by the name of their picture."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if "axis" in row.info:
            name = re.sub(r"[^a-z0-9]+", "-", f"{row.suite} {row.family}".lower()).strip("-")
            found.setdefault(f"{name}.svg", []).append(row)
    return {name: drawn for name, drawn in found.items() if len(drawn) > 1}


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
        lines = [_against_peers(row) for row in mine if row.fastcore is not None]
        header = ["workload", "input", "fastcore", "", "best peer", "ratio", "others"]
        out += ["", f"### {suite}", "", *_table(header, lines), *_latencies(mine)]
        for name, drawn in families(mine).items():
            out += ["", f"![{drawn[0].family}]({name})"]
        levels = [level for level in machine["levels"] if any(level in r.levels for r in mine)]
        if levels:
            lines = [[r.name, *(_at_level(r, level) for level in levels)] for r in mine if r.levels]
            out += ["", "By instruction set:", "", *_table(["workload", *levels], lines)]
    return out


INTRODUCTION = """# Benchmark report

Made by `make bench` (see [the guide to these figures](../README.md)); do not edit. Each row ran
fastcore and its peers in the same process, one after the other, and checked every answer; times are
medians. A ratio above 1 says that fastcore is that many times as fast as the best peer; the last
column gives the ratios to the other peers of the row.

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
    machine, rows = machines[0]
    drawn = {"report.svg": pictures.bars(machine, rows, "fastcore against the best peer")}
    headline = [row for row in rows if row.info.get("headline")]
    if headline:
        drawn["headline.svg"] = pictures.bars(machine, headline, "fastcore from Python")
    for name, family in families(rows).items():
        drawn[name] = pictures.lines(machine, family, family[0].info["axis"])
    Path(out, "report.md").write_text("\n".join(text), encoding="utf-8")
    for name, picture in drawn.items():
        Path(out, name).write_text(picture, encoding="utf-8")
    print(f"wrote {out / 'report.md'} and {', '.join(drawn)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
