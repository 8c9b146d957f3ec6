"""Write csrc/text/unicode_tables.h from the Unicode Character Database.

    python tools/make_unicode_tables.py UCD_FOLDER > csrc/text/unicode_tables.h

UCD_FOLDER holds CaseFolding.txt and UnicodeData.txt of one version of Unicode.
"""

from __future__ import annotations

import sys
from pathlib import Path

NEAR = 0x590  # below: Latin, Greek, Cyrillic, Armenian, folded by a plain table


def simple_folding(text: str) -> dict[int, int]:
    """Code point -> its simple case folding: the entries of status C and S."""
    fold = {}
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("#")[0].split(";")]
        if len(fields) > 2 and fields[1] in ("C", "S"):
            fold[int(fields[0], 16)] = int(fields[2], 16)
    return fold


def word_points(text: str) -> list[int]:
    """Alphanumeric code points, as `str.isalnum` has it: letters, and what has a numeric value."""
    points, first = [], 0
    for line in text.splitlines():
        fields = line.split(";")
        point = int(fields[0], 16)
        if fields[1].endswith(", First>"):
            first = point
            continue
        start = first if fields[1].endswith(", Last>") else point
        if fields[2].startswith("L") or fields[8]:
            points += range(start, point + 1)
    return points


def folding_ranges(fold: dict[int, int]) -> list[tuple[int, int, int, int]]:
    """(first, last, step, difference) that together give `fold` at and above NEAR."""
    ranges: list[list[int]] = []
    for point in sorted(point for point in fold if point >= NEAR):
        difference = fold[point] - point
        last = ranges[-1] if ranges else None
        if last and last[3] == difference:
            step = point - last[1]
            if step <= 2 and (last[0] == last[1] or step == last[2]):
                last[1], last[2] = point, step
                continue
        ranges.append([point, point, 1, difference])
    return [(a, b, c, d) for a, b, c, d in ranges]


def point_ranges(points: list[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for point in points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1] = (ranges[-1][0], point)
        else:
            ranges.append((point, point))
    return ranges


def table(declaration: str, cells: list[str]) -> str:
    lines, line = [declaration + " = {"], "   "
    for cell in cells:
        if len(line) + len(cell) + 2 > 100:
            lines.append(line)
            line = "   "
        line += f" {cell},"
    return "\n".join([*lines, line, "};"])


def main(folder: Path) -> None:
    folding = (folder / "CaseFolding.txt").read_text(encoding="utf-8")
    fold = simple_folding(folding)
    words = word_points((folder / "UnicodeData.txt").read_text(encoding="utf-8"))
    version = folding.split("-", 1)[1].split(".txt", 1)[0]
    print(f"""/*
 * text/unicode_tables.h - simple case folding and word characters, Unicode {version}.
 *
 * Made by tools/make_unicode_tables.py out of CaseFolding.txt and UnicodeData.txt; not to
 * be edited by hand.
 */
#ifndef FC_TEXT_UNICODE_TABLES_H
#define FC_TEXT_UNICODE_TABLES_H

#include <stdint.h>

/* clang-format off */

/* Code points below FC_FOLD_NEAR, folded. */
#define FC_FOLD_NEAR 0x{NEAR:X}""")
    near = [f"0x{fold.get(point, point):X}" for point in range(NEAR)]
    print(table("static const uint16_t fc_fold_near[FC_FOLD_NEAR]", near))
    print("\n/* Above: first .. last, every step-th, differ from their folding by `difference`. */")
    print(
        "typedef struct fc_fold_range {\n    uint32_t first, last;\n    int32_t step, difference;"
    )
    print("} fc_fold_range;\n")
    ranges = [f"{{0x{a:X}, 0x{b:X}, {c}, {d}}}" for a, b, c, d in folding_ranges(fold)]
    print(table("static const fc_fold_range fc_fold_ranges[]", ranges))
    print("\n/* First and last of each run of alphanumeric code points. */")
    runs = [f"{{0x{a:X}, 0x{b:X}}}" for a, b in point_ranges(words)]
    print(table("static const uint32_t fc_word_runs[][2]", runs))
    print("\n/* clang-format on */\n\n#endif")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
