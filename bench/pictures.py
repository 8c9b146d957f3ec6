"""The pictures of a report, as SVG: ratios as bars, and rates along a number as lines."""

from __future__ import annotations

import math
from typing import Any
from xml.sax.saxutils import escape

from rows import Row

FONT = 'font-family="ui-sans-serif, Helvetica, Arial, sans-serif" font-size="13"'
FASTER, SLOWER, INK, FAINT, GREY = "#0b7285", "#c2541b", "#1f2933", "#d5dbe1", "#5b6673"
# Peers of a line picture, in the order of their rates; fastcore is FASTER and thicker.
COLOURS = ["#c2541b", "#6741d9", "#2f9e44", "#e8590c", "#1971c2", "#a61e4d", "#5c940d", "#495057"]
WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 960, 330, 210, 14, 8, 92


def _open(height: int, title: str, below: str) -> list[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" {FONT} fill="{INK}">',
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
        f'<text x="24" y="34" font-size="18" font-weight="600">{escape(title)}</text>',
        f'<text x="24" y="56" fill="{GREY}">{escape(below)}</text>',
    ]


def bars(machine: dict[str, Any], rows: list[Row], title: str) -> str:
    """A bar a row on a logarithmic axis: to the right of the line, fastcore is the faster one."""
    rows = [row for row in rows if row.ratio is not None]
    ratios = [row.ratio for row in rows if row.ratio is not None]
    start = math.floor(math.log2(min(1.0, *ratios, 1.0)))
    end = math.ceil(math.log2(max(2.0, *ratios, 2.0)))
    scale = (WIDTH - LEFT - RIGHT) / (end - start)

    def x(ratio: float) -> float:
        return LEFT + (math.log2(ratio) - start) * scale

    suites = list(dict.fromkeys(row.suite for row in rows))
    height = TOP + len(rows) * (BAR + GAP) + len(suites) * 26 + 34
    out = _open(
        height,
        title,
        f"{machine['cpu']}, {machine['levels'][0]}; how many times as fast as the best peer "
        "(logarithmic; median of the same run)",
    )
    step = max(1, math.ceil((end - start) / 8))
    for tick in sorted({0, *range(start, end + 1, step)}):
        at = x(2.0**tick)
        label = f"{2**tick}×" if tick >= 0 else f"1/{2**-tick}×"
        colour, width = (INK, 1.5) if tick == 0 else (FAINT, 1)
        out.append(
            f'<line x1="{at:.1f}" y1="{TOP - 8}" x2="{at:.1f}" y2="{height - 24}" '
            f'stroke="{colour}" stroke-width="{width}"/>'
            f'<text x="{at:.1f}" y="{TOP - 14}" text-anchor="middle" fill="{GREY}" '
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
                f'<tspan dx="6" fill="{GREY}">{escape(row.best_peer[0])}</tspan></text>',
            ]
            y += BAR + GAP
    out.append("</svg>")
    return "\n".join(out) + "\n"


def _ticks(low: float, high: float) -> list[float]:
    return [10.0**e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def lines(machine: dict[str, Any], rows: list[Row], axis: str) -> str:
    """The rate of every engine along ``row.info[axis]``, on two logarithmic axes."""
    bottom, height, left, right = 470, 520, 80, 230
    unit = ""
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in sorted(rows, key=lambda row: float(row.info[axis])):
        for engine, time in row.medians.items():
            found = row.rate(time)
            if found:
                curves.setdefault(engine, []).append((float(row.info[axis]), found[0]))
                unit = found[1]
    across = [at for curve in curves.values() for at, _ in curve]
    up = _ticks(
        min(v for curve in curves.values() for _, v in curve),
        max(v for curve in curves.values() for _, v in curve),
    )
    low, high = math.log10(min(across)), math.log10(max(across))

    def x(value: float) -> float:
        return left + (math.log10(value) - low) / (high - low or 1) * (WIDTH - left - right)

    def y(value: float) -> float:
        share = (math.log10(value) - math.log10(up[0])) / (math.log10(up[-1] / up[0]) or 1)
        return bottom - share * (bottom - TOP)

    out = _open(
        height,
        rows[0].family,
        f"{machine['cpu']}, {machine['levels'][0]}; {unit} along {axis} "
        "(both logarithmic; higher is better)",
    )
    for tick in up:
        out.append(
            f'<line x1="{left}" y1="{y(tick):.1f}" x2="{WIDTH - right}" y2="{y(tick):.1f}" '
            f'stroke="{FAINT}"/><text x="{left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end" '
            f'fill="{GREY}" font-size="12">{tick:g}</text>'
        )
    for value in sorted(set(across)):
        out.append(
            f'<text x="{x(value):.1f}" y="{bottom + 20}" text-anchor="middle" fill="{GREY}" '
            f'font-size="12">{value:,.0f}</text>'
        )
    ordered = sorted(curves.items(), key=lambda item: (item[0] != "fastcore", -item[1][-1][1]))
    for number, (engine, curve) in enumerate(ordered):
        own = engine == "fastcore"
        colour = FASTER if own else COLOURS[(number - 1) % len(COLOURS)]
        points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in curve)
        out.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" '
            f'stroke-width="{3 if own else 1.5}"/>'
        )
        out += [
            f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="{4 if own else 2.5}" '
            f'fill="{colour}"/>'
            for at, value in curve
        ]
        key = TOP + 18 * number
        out.append(
            f'<line x1="{WIDTH - right + 24}" y1="{key}" x2="{WIDTH - right + 48}" y2="{key}" '
            f'stroke="{colour}" stroke-width="{3 if own else 1.5}"/>'
            f'<text x="{WIDTH - right + 56}" y="{key + 4}">{escape(engine)}</text>'
        )
    out.append("</svg>")
    return "\n".join(out) + "\n"
