"""Modelled cycles per byte of the kernels, on processors that are not here.

    python bench/mca.py           # print the table
    python bench/mca.py --write   # into bench/results/modelled.md

Compiles ``csrc/kernels/isa_<level>.c`` for a processor with clang, takes the main loop of each
kernel out of the assembly, and asks llvm-mca how many cycles a round of it takes when data is in
the first-level cache and every branch is guessed right. Good for comparing two versions of a loop
and two instruction sets on one processor; no promise of bytes per second.

The main loop is the innermost loop that moves on by the most bytes a round. Vectors of SVE are as
long as the processor has them. A kernel whose main loop calls, or whose step cannot be told from
the assembly, is left out rather than guessed. Needs Debian's ``clang-19`` and ``llvm-19``.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Processor(NamedTuple):
    """A row of PROCESSORS: which levels it has, and the bytes of an SVE vector."""

    name: str
    target: str
    levels: tuple[str, ...]
    sve_bytes: int = 0


PROCESSORS = (
    Processor("neoverse-n1", "aarch64-linux-gnu", ("neon",)),
    Processor("neoverse-v1", "aarch64-linux-gnu", ("neon", "sve"), 32),
    Processor("neoverse-n2", "aarch64-linux-gnu", ("neon", "sve2"), 16),
    Processor("neoverse-v2", "aarch64-linux-gnu", ("neon", "sve2"), 16),
    Processor("skylake-avx512", "x86_64-linux-gnu", ("avx2", "avx512")),
    Processor("znver4", "x86_64-linux-gnu", ("avx2", "avx512")),
)


# What a round of a main loop may move on by: less is a tail, more is a tile.
ROUND_BYTES_MIN, ROUND_BYTES_MAX = 8, 1024


ROUNDS = 200


class Loop(NamedTuple):
    """A loop: its instructions, and how far it moves on."""

    text: str
    bytes: int


def assembly(processor: Processor, level: str, clang: str) -> str:
    """Return the level's kernels as assembly for the processor."""
    command = [clang, f"--target={processor.target}", "-std=c11", "-O3", "-S", "-o", "-"]
    # The target region in the file allows instructions; -mtune orders them for the processor.
    command += [f"-mtune={processor.name}", f"-I{ROOT / 'csrc'}", f"-I{ROOT / 'csrc/include'}"]
    if processor.target.startswith("aarch64"):
        command += ["-isystem", "/usr/aarch64-linux-gnu/include"]
    command.append(str(ROOT / f"csrc/kernels/isa_{level}.c"))
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def functions(text: str, level: str) -> dict[str, list[str]]:
    """Return the lines of each kernel of this level."""
    found: dict[str, list[str]] = {}
    name = None
    for line in text.splitlines():
        begin = re.match(rf"(\w+)_{level}:", line)
        if begin:
            name = begin[1]
            found[name] = []
        elif re.match(r"\s*\.size\b|\.Lfunc_end", line):
            name = None
        elif name is not None:
            found[name].append(line)
    return found


def innermost_loops(lines: list[str]) -> list[list[str]]:
    """Return the instructions from a label to the last jump back to it, with no loop inside."""
    instructions: list[str] = []
    labels: dict[str, int] = {}
    ends: dict[int, int] = {}
    for line in lines:
        if found := re.match(r"(\.\w+):", line):
            labels[found[1]] = len(instructions)
            continue
        instruction = line.split("#  ")[0].split("//")[0].strip()
        if not instruction or instruction.startswith((".", "#")):
            continue
        instructions.append(instruction)
        target = instruction.split()[-1]
        if target in labels:
            ends[labels[target]] = len(instructions)
    loops = list(ends.items())  # a loop with several jumps back ends at the last
    inner = [
        (first, last)
        for first, last in loops
        if not any(first <= a and b <= last and (a, b) != (first, last) for a, b in loops)
    ]
    return [instructions[first:last] for first, last in inner]


def vector_counts(lines: list[str]) -> dict[str, int]:
    """Return the registers of a function that hold a number of SVE vectors, and which."""
    counts = {}
    for line in lines:
        if found := re.match(
            r"\s*(?:rdvl\s+(x\d+), #(\d+)|cntb\s+(x\d+)(?:, all, mul #(\d+))?)", line
        ):
            counts[found[1] or found[3]] = int(found[2] or found[4] or 1)
    return counts


def step(body: list[str], sve_bytes: int, counts: dict[str, int]) -> int:
    """Return by how many bytes a loop moves on: the largest amount added to what goes round."""
    copied = {
        found[2]: found[1] for line in body if (found := re.match(r"mov\s+(x\d+), (x\d+)$", line))
    }

    def goes_round(target: str, source: str) -> bool:
        return target == source or copied.get(target) == source

    steps = [0]
    for line in body:
        if found := re.match(r"add\s+(x\d+), (x\d+), #(\d+)$", line):
            steps.append(int(found[3]) if goes_round(found[1], found[2]) else 0)
        elif found := re.match(r"addvl\s+(x\d+), (x\d+), #(\d+)$", line):
            steps.append(int(found[3]) * sve_bytes if goes_round(found[1], found[2]) else 0)
        elif found := re.match(r"add\s+(x\d+), (x\d+), (x\d+)$", line):
            if goes_round(found[1], found[2]):
                steps.append(counts.get(found[3], 0) * sve_bytes)
        elif found := re.match(r"incb\s+x\d+(?:, all, mul #(\d+))?$", line):
            steps.append(int(found[1] or 1) * sve_bytes)
        elif found := re.match(r"(?:addq|subq)\s+\$(-?\d+), %", line):
            steps.append(abs(int(found[1])))
        elif found := re.match(r"leaq\s+(\d+)\(%\w+\), %\w+$", line):
            steps.append(int(found[1]))
    return max((moved for moved in steps if moved <= ROUND_BYTES_MAX), default=0)


def main_loop(lines: list[str], sve_bytes: int) -> Loop | None:
    """Return the loop that does the work, or None where there is none to be sure of."""
    loops = []
    for body in innermost_loops(lines):
        moved = step(body, sve_bytes, vector_counts(lines))
        if moved >= ROUND_BYTES_MIN and not any(re.match(r"(bl|call\w*)\s", line) for line in body):
            loops.append(Loop("\n".join(body), moved))
    return max(loops, key=lambda loop: (loop.bytes, len(loop.text)), default=None)


def cycles(loop: Loop, processor: Processor, mca: str) -> float | None:
    """Return the cycles that a round of the loop takes; None where the model lacks a part of it."""
    command = [mca, f"-mtriple={processor.target}", f"-mcpu={processor.name}"]
    command.append(f"-iterations={ROUNDS}")
    if processor.target.startswith("aarch64"):
        command.append("-mattr=+aes,+crc")
    done = subprocess.run(command, input=loop.text, capture_output=True, text=True)
    total = re.search(r"^Total Cycles:\s+(\d+)", done.stdout, re.M)
    return int(total[1]) / ROUNDS if total and not done.returncode else None


def table(clang: str, mca: str) -> str:
    """Return the table in Markdown: a row a kernel, a column a processor and level."""
    columns = [(processor, level) for processor in PROCESSORS for level in processor.levels]
    rows: dict[str, dict[int, str]] = {}
    for index, (processor, level) in enumerate(columns):
        for name, lines in functions(assembly(processor, level, clang), level).items():
            loop = main_loop(lines, processor.sve_bytes)
            value = cycles(loop, processor, mca) if loop is not None else None
            if loop is not None and value is not None:
                rows.setdefault(name, {})[index] = f"{value / loop.bytes:.3f}"
    heads = [f"{processor.name} {level}" for processor, level in columns]
    parts = [f"| kernel | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    parts += [
        f"| {name} | {' | '.join(rows[name].get(i, '-') for i in range(len(heads)))} |"
        for name in sorted(rows)
    ]
    return "\n".join(parts)


def main() -> int:
    """Print the table, or write it into bench/results/modelled.md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--clang", default="clang-19")
    parser.add_argument("--mca", default="llvm-mca-19")
    parser.add_argument("--write", action="store_true", help="into bench/results/modelled.md")
    arguments = parser.parse_args()
    try:
        text = table(arguments.clang, arguments.mca)
    except FileNotFoundError as error:
        print(f"bench/mca.py: no {error.filename} here; apt-get install clang-19 llvm-19")
        return 2
    if not arguments.write:
        print(text)
        return 0
    said = subprocess.run([arguments.mca, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"LLVM version \S+", said)
    page = (
        "# Modelled cycles per byte\n\n"
        f"By `python bench/mca.py --write` with {version[0] if version else 'LLVM'}. The main loop"
        " of each kernel, from cache, no wrong branch: a\nmodel, and no measurement. `-`: that"
        " level's main loop is not one that the script is sure of.\n\n"
    )
    (ROOT / "bench/results/modelled.md").write_text(page + text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
