"""Run benchmark suites and record what they measured: ``python bench/run.py [--quick] [SUITE...]``.

A suite is a file ``test_<suite>.py`` here, run by pytest-benchmark in a process of its own, or
``import``, which is measured by `import_time`. Results go to ``results/<machine>/<suite>.json``
(quick ones to ``results/quick/``); then ``report.py`` makes the page and the picture of them all.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cpuinfo
import import_time
import peers
import report

import fastcore

HERE = Path(__file__).resolve().parent
KEPT_STATS = ("min", "median", "max", "iqr", "rounds", "iterations")


def machine() -> dict[str, Any]:
    """What a figure depends on: processor, caches, system, versions. No host name."""
    info = cpuinfo.get_cpu_info()
    return {
        "cpu": info.get("brand_raw", platform.processor()),
        "cores": os.cpu_count(),
        "l2_bytes": info.get("l2_cache_size"),
        "levels": list(fastcore.cpu.available()),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "fastcore": fastcore.__version__,
        "peers": peers.versions(),
    }


def slug(info: dict[str, Any]) -> str:
    """The machine's folder below results/."""
    name = f"{info['cpu']} {info['cores']}cpu {info['levels'][0]}"
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def run_suite(suite: str, quick: bool) -> list[dict[str, Any]]:
    """The suite's benchmarks, each with name, params, extra_info and stats."""
    if suite == "import":
        return import_time.measure(rounds=5 if quick else 31)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "out.json")
        timing = ["--benchmark-max-time=0.1", "--benchmark-min-rounds=3"] if quick else []
        command = [sys.executable, "-P"] if sys.version_info >= (3, 11) else [sys.executable]
        command += ["-m", "pytest", "-q", "-W", "default", "-p", "no:cacheprovider"]
        command += [str(HERE / f"test_{suite}.py"), f"--benchmark-json={out}", *timing]
        command += ["--benchmark-disable-gc", "--benchmark-columns=median,iqr,rounds"]
        environment = {**os.environ, "FASTCORE_BENCH_QUICK": "1" if quick else "0"}
        subprocess.run(command, check=True, env=environment, cwd=HERE.parent)
        measured = json.loads(out.read_text())["benchmarks"]
    return [
        {
            "name": re.sub(r"\[.*", "", one["name"]),
            "params": one["params"] or {},
            "extra_info": one["extra_info"],
            "stats": {key: one["stats"][key] for key in KEPT_STATS},
        }
        for one in measured
    ]


def main() -> int:
    suites = sorted(path.stem.removeprefix("test_") for path in HERE.glob("test_*.py"))
    suites = ["import", *suites]
    parser = argparse.ArgumentParser(description="Run benchmark suites, then make the report.")
    parser.add_argument("--quick", action="store_true", help="small inputs, few rounds")
    parser.add_argument("suite", nargs="*", metavar="SUITE", help=f"of {', '.join(suites)}")
    wanted = parser.parse_args()
    unknown = set(wanted.suite) - set(suites)
    if unknown:
        parser.error(f"no suite {', '.join(sorted(unknown))}; there are {', '.join(suites)}")

    info = machine()
    folder = HERE / "results" / ("quick" if wanted.quick else slug(info))
    folder.mkdir(parents=True, exist_ok=True)
    for suite in wanted.suite or suites:
        print(f"== {suite}", flush=True)
        try:
            benchmarks = run_suite(suite, wanted.quick)
        except subprocess.CalledProcessError as failed:
            return failed.returncode
        result = {"machine": info, "benchmarks": benchmarks}
        Path(folder, f"{suite}.json").write_text(json.dumps(result, indent=1) + "\n")
    return report.main([str(folder)] if wanted.quick else [])


if __name__ == "__main__":
    sys.exit(main())
