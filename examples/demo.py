"""The main job on a real sample: `make demo` runs this.

Ingests 30,000 Wikipedia edits into a fresh log with ``fastcore ingest``, runs the
same command again to show that nothing is logged twice, replays the log, and
compares every record with what the standard library makes of the same file.
"""

import gzip
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import fastcore
from fastcore import wal

HERE = Path(__file__).resolve().parent
SAMPLE = HERE / "data" / "wiki-edits.ndjson.gz"
LOG = Path("demo-log")
FIELDS = ["time", "page", "user", "delta"]
CITIES = ["Berlin", "London", "Paris", "Tokyo", "Warszaw", "東京"]


def ingest() -> dict:
    """Run the command as a user would; return its summary."""
    arguments = ["ingest", str(SAMPLE), "--select", *FIELDS, "--match", *CITIES, "--wal", str(LOG)]
    # The installed command: `python -m` would look for the package in this folder first.
    command = [Path(sys.executable).with_name("fastcore"), *arguments, "--timestamp", "time"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def expected() -> list[dict]:
    """The same with the standard library alone."""
    with gzip.open(SAMPLE, "rt", encoding="utf-8") as lines:
        kept = (json.loads(line) for line in lines if any(city in line for city in CITIES))
        return [{name: record[name] for name in FIELDS} for record in kept]


def main() -> int:
    shutil.rmtree(LOG, ignore_errors=True)
    print(f"$ fastcore ingest {SAMPLE.name} --select {' '.join(FIELDS)}")
    print(f"    --match {' '.join(CITIES)} --timestamp time --wal {LOG}", flush=True)
    first = ingest()
    print("$ the same again", flush=True)
    again = ingest()

    with wal.open(LOG, "r") as log:
        began = time.perf_counter()
        records = [json.loads(record.payload.tobytes()) for record in log.replay()]
        replay_ms = (time.perf_counter() - began) * 1000
    began = time.perf_counter()
    reference = expected()
    reference_ms = (time.perf_counter() - began) * 1000

    info = fastcore.cpu.info()
    level = " and ".join(sorted(set(info.kernels.values())))
    print(f"machine   {info.brand or info.arch}; kernels: {level}")
    print(f"input     {SAMPLE.stat().st_size:,} bytes packed, {first['bytes']:,} unpacked")
    print(f"read      {first['read']:,} records in {first['seconds'] * 1000:.0f} ms,", end=" ")
    print(f"{first['bytes'] / first['seconds'] / 1e6:.0f} MB/s;", end=" ")
    print(f"json and gzip of the standard library: {reference_ms:.0f} ms")
    print(
        f"logged    {first['kept']:,} records, durable, in {LOG}/; the second run {again['kept']}"
    )
    print(f"replayed  {len(records):,} records in {replay_ms:.1f} ms, for example:")
    print(f"          {json.dumps(records[0], ensure_ascii=False)}")
    same = records == reference and first["kept"] == len(records) and again["kept"] == 0
    print("the log holds exactly what the standard library finds" if same else "MISMATCH")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
