"""What the tests of the commands share: running them, and what an ingest must give."""

import gzip
import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
import zstandard

COMMAND = [sys.executable, "-m", "fastcore"]


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def objects(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def fastcore():
    """Run the command in a process of its own."""

    def run(*arguments, stdin=b"", env=None):
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            timeout=120,
            env=env,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def dumps(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


WORDS = ["Berlin", "Zürich", "東京", "needle", 'a "quoted" one', "back\\slash", "tab\there", ""]


def make_records(count, seed=1):
    """Records of many shapes; every third or so says "needle" somewhere."""
    chance = random.Random(seed)
    return [
        {
            "id": number,
            "time": f"2015-09-12T00:{number // 60 % 60:02}:{number % 60:02}.{number % 1000:03}Z",
            "user": {"name": chance.choice(WORDS), "tags": chance.sample(WORDS, 3)},
            "delta": chance.choice([0, -1.5, 1e300, 12345678901234567890, None, True]),
            **({"comment": chance.choice(WORDS) * chance.randrange(9)} if number % 5 else {}),
        }
        for number in range(count)
    ]


def ndjson(records):
    return b"".join(dumps(record) + b"\n" for record in records)


SELECT = ["id", "name=user.name", "user.tags", "comment"]


def selected(records, needle="needle"):
    """Return the payloads that `--select` SELECT `--match needle` must give."""
    return [
        dumps(
            {
                "id": record["id"],
                "name": record["user"]["name"],
                "user.tags": record["user"]["tags"],
                "comment": record.get("comment"),
            }
        )
        for record in records
        if needle.encode() in dumps(record)
    ]


def payloads(path):
    """Return everything a log holds."""
    from fastcore import wal

    with wal.open(path, "r") as log:
        return [bytes(record.payload) for record in log.replay()]


PACK = {"plain": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}


@pytest.fixture(params=PACK)
def pack(request):
    return PACK[request.param]


def stored_count(path):
    """Return how many records a log holds, also while it is being made."""
    try:
        return len(payloads(path))
    except OSError:
        return 0


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)
