"""The benchmarks' inputs: what each is called, how large it is, and what the right answers are.

Real inputs are read from the folder that the environment variable ``FASTCORE_DATA`` names (see
README.md for the files). Without it, an input of the same shape is generated from a fixed seed and
says so in its `origin`, so that a figure is never taken for one on the real thing. In quick mode
(``FASTCORE_BENCH_QUICK=1``, set by ``bench/run.py --quick``) inputs are cut to about a tenth.

    workload = workloads.wiki_edits()
    assert fastcore.json.count(workload.data) == workload.expect["records"]

Every workload is made once a process, on first use.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

MIB = 1 << 20
QUICK = os.environ.get("FASTCORE_BENCH_QUICK") == "1"
SEED = 20_260_101
SAMPLE = Path(__file__).resolve().parents[1] / "examples/data/wiki-edits.ndjson.gz"


@dataclass(frozen=True)
class Workload:
    """An input with its answers.

    Attributes
    ----------
    name : str
        As it stands in the names of benchmarks and in the report.
    data : bytes
    origin : str
        ``"real"``, or ``"generated"``.
    expect : dict
        Answers found by plain means (`json.loads`, `bytes.count`), not by fastcore.
    """

    name: str
    data: bytes
    origin: str
    expect: dict[str, Any] = field(default_factory=dict)

    def info(self) -> dict[str, Any]:
        """What a benchmark puts into ``benchmark.extra_info``."""
        return {"bytes": len(self.data), "unit": "B/s", "origin": self.origin}


def quick(full: int, small: int) -> int:
    """`full`, or `small` in quick mode."""
    return small if QUICK else full


def real(relative: str) -> bytes | None:
    """The file `relative` or `relative`.gz below FASTCORE_DATA, decompressed; None without it."""
    root = os.environ.get("FASTCORE_DATA")
    if not root:
        return None
    plain, packed = Path(root, relative), Path(root, relative + ".gz")
    if plain.is_file():
        return plain.read_bytes()
    if packed.is_file():
        return gzip.decompress(packed.read_bytes())
    raise FileNotFoundError(f"FASTCORE_DATA={root}: no {relative} or {relative}.gz there")


def _real_or(relative: str, generate: Callable[[], bytes]) -> tuple[bytes, str]:
    data = real(relative)
    return (data, "real") if data is not None else (generate(), "generated")


def _whole_lines(data: bytes, size: int) -> bytes:
    """`data` cut at a line's end, or repeated, so that it is about `size` bytes long."""
    if len(data) < size:
        return data * (size // len(data))
    return data[: data.rfind(b"\n", 0, size) + 1]


def _lines(make: Callable[[random.Random], str], size: int) -> bytes:
    """Lines of `make`, some 1 MiB of them repeated up to `size`: varied enough, quick to make."""
    chance, out, total = random.Random(SEED), [], 0
    while total < min(size, MIB):
        line = make(chance).encode() + b"\n"
        out.append(line)
        total += len(line)
    return _whole_lines(b"".join(out), size)


def _word(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnoprstuvwyzäéшж", k=chance.randint(3, 11)))


# --- JSON ------------------------------------------------------------------------------------


def _expect_edits(data: bytes) -> dict[str, Any]:
    edits = [json.loads(line) for line in data.splitlines()]
    return {
        "records": len(edits),
        "added": sum(edit["added"] for edit in edits),
        "robots": sum(edit["isRobot"] for edit in edits),
        "last_user": edits[-1]["user"],
    }


@cache
def wiki_edits() -> Workload:
    """NDJSON: flat records of 436 B with small strings, nulls, bools, integers.

    17 MB, 39,244 records of Apache Druid's sample; without it the 30,000 of them that lie in
    examples/data.
    """
    data = real("json/ndjson/wikiticker-2015-09-12-sampled.ndjson")
    if data is None:
        data = gzip.decompress(SAMPLE.read_bytes())
    if QUICK:
        data = _whole_lines(data, 2 * MIB)
    return Workload("wiki_edits", data, "real", _expect_edits(data))


def _status(chance: random.Random) -> str:
    zones = {
        f"{_word(chance)}.example.org": {
            "processing": chance.randrange(5),
            "requests": chance.randrange(10**6),
            "responses": {f"{c}xx": chance.randrange(10**5) for c in range(1, 6)},
            "sent": chance.randrange(10**10),
        }
        for _ in range(12)
    }
    status = {
        "version": 6,
        "timestamp": 1_446_249_499_322 + chance.randrange(10**6),
        "connections": {"accepted": chance.randrange(10**7), "idle": chance.randrange(99)},
        "server_zones": zones,
        "requests": {"total": chance.randrange(10**8), "current": chance.randrange(9)},
    }
    return json.dumps(status, separators=(",", ":"))


@cache
def server_status() -> Workload:
    """NDJSON, 32 MB: 5.6 KB a record, deeply nested, mostly integers; few fields are wanted."""
    size = quick(32 * MIB, 3 * MIB)
    data, origin = _real_or("json/ndjson/nginxplus_status.ndjson", lambda: _lines(_status, 3 * MIB))
    data = _whole_lines(data, size)
    records = [json.loads(line) for line in data.splitlines()]
    expect = {
        "records": len(records),
        "accepted": sum(r["connections"]["accepted"] for r in records),
        "current": sum(r["requests"]["current"] for r in records),
    }
    return Workload("server_status", data, origin, expect)


def _event(chance: random.Random) -> str:
    event = {
        "EventID": chance.choice([1, 3, 7, 10, 4688, 5156]),
        "Channel": "Security",
        "Message": "\r\n\t".join(f"C:\\\\{_word(chance)}\\{_word(chance)}" for _ in range(60)),
        "ThreadID": chance.randrange(9999),
        "Hostname": f"{_word(chance)}.internal",
    }
    return json.dumps(event, separators=(",", ":"))


@cache
def windows_events() -> Workload:
    """NDJSON, 45 MB: 3.4 KB a record, long strings full of escapes."""
    size = quick(44 * MIB, 4 * MIB)
    data, origin = _real_or(
        "json/ndjson/windows_events_empire_extract_keys.ndjson", lambda: _lines(_event, size)
    )
    if QUICK:
        data = _whole_lines(data, size)
    records = [json.loads(line) for line in data.splitlines()]
    expect = {
        "records": len(records),
        "event_ids": sum(r["EventID"] for r in records),
        "hosts": len({r["Hostname"] for r in records}),
    }
    return Workload("windows_events", data, origin, expect)


@cache
def one_document() -> Workload:
    """One JSON document: the records of `wiki_edits` under ``$.edits``."""
    lines = wiki_edits()
    body = b'{"made":"2015","edits":[' + b",".join(lines.data.splitlines()) + b'],"complete":true}'
    return Workload("one_document", body, lines.origin, lines.expect)


# --- text ------------------------------------------------------------------------------------


def _access(chance: random.Random) -> str:
    address = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
    path = "/".join(_word(chance) for _ in range(chance.randint(1, 5)))
    return (
        f"{address} - - [17/May/2015:{chance.randrange(24):02}:05:03 +0000] "
        f'"GET /{path} HTTP/1.1" {chance.choice([200, 200, 200, 304, 404])} '
        f'{chance.randrange(10**6)} "http://example.org/" "Mozilla/5.0 (X11; Linux x86_64)"'
    )


@cache
def access_log(size: int | None = None) -> Workload:
    """An Apache access log, 64 MiB by default: 237 B a line."""
    size = quick(64 * MIB, 4 * MIB) if size is None else size
    data, origin = _real_or("text/logs/apache_access.log", lambda: _lines(_access, 2 * MIB))
    data = _whole_lines(data, size)
    expect = {
        "lines": data.count(b"\n"),
        "not_found": data.count(b'" 404 '),
        "quotes": data.count(b'"'),
    }
    return Workload("access_log", data, origin, expect)


LOGS = (
    "apache_access.log",
    "Apache_2k.log",
    "HDFS_2k.log",
    "Linux_2k.log",
    "OpenSSH_2k.log",
    "Spark_2k.log",
)


@cache
def server_logs(size: int | None = None) -> Workload:
    """Lines of six kinds of server logs, 64 MiB by default: 173 B a line."""
    size = quick(64 * MIB, 2 * MIB) if size is None else size
    found = [real(f"text/logs/{name}") for name in LOGS]
    data = b"".join(log if log.endswith(b"\n") else log + b"\n" for log in found if log)
    origin = "real" if data else "generated"
    data = _whole_lines(data or _lines(_access, 2 * MIB), size)
    return Workload("server_logs", data, origin, {"lines": data.count(b"\n")})


@cache
def indicators(count: int) -> list[bytes]:
    """Addresses, hashes, domains and paths as threat feeds list them: 8 bytes and more, rare."""
    chance, found = random.Random(SEED), set[bytes]()
    make: list[Callable[[], str]] = [
        lambda: ".".join(str(chance.randrange(11, 255)) for _ in range(4)),
        lambda: f"{chance.getrandbits(128):032x}",
        lambda: (
            f"{_ascii_word(chance)}{chance.randrange(100)}.{chance.choice(['com', 'ru', 'xyz'])}"
        ),
        lambda: (
            f"/{_ascii_word(chance)}/{_ascii_word(chance)}.{chance.choice(['php', 'exe', 'sh'])}"
        ),
    ]
    while len(found) < count:
        found.add(make[len(found) % 4]().encode())
    return sorted(text for text in found)


def _ascii_word(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefghijklmnoprstuvwyz", k=chance.randint(5, 12)))


@cache
def tokens(count: int) -> list[bytes]:
    """Words of 6 to 25 bytes out of `server_logs`, the most frequent ones: hits everywhere."""
    seen = Counter(re.findall(rb"[^\s\"\[\]()=,]{6,25}", server_logs().data[: 4 * MIB]))
    return sorted(token for token, _ in seen.most_common(count))


@cache
def dictionary() -> list[bytes]:
    """104,334 American English words (some generated ones without FASTCORE_DATA), sorted."""
    data = real("text/patterns/words_american.txt")
    if data is None:
        chance = random.Random(SEED)
        return sorted({_word(chance).encode() for _ in range(100_000)})
    return sorted({word for word in data.split() if len(word) > 2})


@cache
def prose(language: str) -> Workload:
    """Subtitles, 16 MiB, in ``"en"`` (ASCII), ``"ru"`` (2-byte) or ``"zh"`` (3-byte UTF-8)."""
    alphabets = {"en": "etaoinshrdlu ", "ru": "оеаинтсрвлкм ", "zh": "的一是不了人我在有他这 "}

    def generate() -> bytes:
        return (
            "".join(random.Random(SEED).choices(alphabets[language], k=MIB // 2)).encode() + b"\n"
        )

    data, origin = _real_or(f"text/haystacks/{language}-sampled.txt", generate)
    data *= max(1, quick(16 * MIB, MIB) // len(data))
    return Workload(f"prose_{language}", data, origin, {"characters": len(data.decode())})


# --- bytes and records -----------------------------------------------------------------------


@cache
def noise(size: int) -> Workload:
    """Random bytes: nothing to compress, nothing to predict."""
    return Workload("noise", random.Random(SEED).randbytes(size), "generated")


@cache
def payloads(size: int) -> list[bytes]:
    """10,000 payloads of `size` bytes each, all different."""
    chance = random.Random(SEED)
    return [chance.randbytes(size) for _ in range(10_000)]
