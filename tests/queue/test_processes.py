"""Several processes on one stream, killed at any moment: nothing confirmed is lost."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
PATIENCE_S = 60.0


class Child:
    """A process that produces or consumes, and what it has written down."""

    def __init__(self, place, folder: Path, role: str, name: str, count: int = 0) -> None:
        self.role = role
        self.name = name
        self.place = place
        self.folder = folder
        self.count = count
        self.starts = 0
        self.start()

    def start(self) -> None:
        self.starts += 1
        self.output = self.folder / f"{self.name}-{self.starts}"
        keywords = {key: str(value) for key, value in self.place.keywords.items()}
        with self.output.open("wb") as output, (self.folder / f"{self.name}.err").open("ab") as err:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    str(CHILD),
                    self.role,
                    self.place.kind,
                    json.dumps(keywords),
                    self.place.stream,
                    self.name,
                    str(self.count),
                ],
                stdout=output,
                stderr=err,
            )

    def lines(self) -> list[str]:
        found = []
        for number in range(1, self.starts + 1):
            text = (self.folder / f"{self.name}-{number}").read_text()
            found += text[: text.rfind("\n") + 1].splitlines()
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def wait_until(condition, children) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        errors = "".join(
            path.read_text()[-3000:] for path in {c.folder / f"{c.name}.err" for c in children}
        )
        assert time.monotonic() < until, errors
        time.sleep(0.05)


def test_processes_are_killed_and_nothing_is_lost(place, tmp_path):
    """The first process serves the directory of "wal", so that its role is taken over, too."""
    luck = random.Random(7)
    count = 4000
    consumers = [Child(place, tmp_path, "consume", f"c{i}") for i in range(2)]
    wait_until(lambda: all("ready" in child.lines() for child in consumers), consumers)
    producers = [Child(place, tmp_path, "produce", f"p{i}", count) for i in range(2)]
    children = consumers + producers
    try:
        for child in [consumers[0], producers[0], consumers[1], producers[1], consumers[0]]:
            time.sleep(luck.uniform(0.2, 0.5))
            child.kill()
            child.start()
        wait_until(lambda: all("done" in child.lines() for child in producers), children)

        wanted = {f"{producer.name}-{number}" for producer in producers for number in range(count)}

        def seen() -> Counter[str]:
            return Counter(
                line.split()[0] for child in consumers for line in child.lines() if "-" in line
            )

        wait_until(lambda: seen().keys() >= wanted, children)
        found = seen()
        assert found.keys() == wanted
        # At least once, and not much more often: what five killed processes had in hand.
        assert sum(found.values()) - len(wanted) <= 64 * 5
    finally:
        for child in children:
            child.kill()

    async def pending():
        async with place.client() as client:
            return await client.pending(place.stream, "g")

    lag, in_flight, _ = asyncio.run(pending())
    assert lag == 0
    assert in_flight <= 64 * 2
