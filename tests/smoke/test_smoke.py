"""A wheel as it was installed: every room imports and does one small job, on every level.

Needs pytest and the package alone, so that it runs wherever a wheel does: right after the wheel was
built, under emulation, in a container.
"""

from __future__ import annotations

import json

import pytest

import fastcore
import fastcore.json
import fastcore.text
import fastcore.wal

LEVELS = fastcore.cpu.available()
RECORDS = [{"id": i, "name": f"naïve \\ 東京 {i}", "deep": {"x": i / 8}} for i in range(300)]
LINES = b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in RECORDS)


@pytest.fixture(params=LEVELS)
def level(request):
    with fastcore.cpu.use(request.param):
        yield request.param


def test_cpu_says_what_runs(level):
    info = fastcore.cpu.info()
    assert set(info.kernels.values()) == {level}
    assert LEVELS[-1] == "scalar"


def test_json(level):
    chunks = [LINES[at : at + 37] for at in range(0, len(LINES), 37)]
    assert list(fastcore.json.stream(LINES)) == RECORDS
    wanted = [(record["name"], record["deep"]["x"]) for record in RECORDS]
    assert list(fastcore.json.stream(chunks, ["name", "deep.x"])) == wanted
    batch = fastcore.json.read_columns(LINES, {"id": fastcore.json.field("id", "int64")})
    assert batch["id"].to_numpy().tolist() == list(range(300))


def test_text(level):
    haystack = LINES.decode()
    matcher = fastcore.text.Matcher(["東京 299", "absent", "naïve"])
    found = matcher.findall(haystack)
    assert [haystack[m.start : m.end] for m in found] == ["naïve"] * 300 + ["東京 299"]
    assert found.pattern.tolist() == [2] * 300 + [0]
    assert fastcore.text.count_byte(LINES, b"\n") == 300
    assert len(fastcore.text.line_offsets(LINES)) == 301


def test_wal(level, tmp_path):
    payloads = LINES.splitlines()
    with fastcore.wal.open(tmp_path / "log") as log:
        log.append_many(payloads)
        log.commit()
    with fastcore.wal.open(tmp_path / "log", "r") as log:
        assert [bytes(record.payload) for record in log.replay()] == payloads


def test_json_says_where_an_input_is_wrong(level):
    with pytest.raises(fastcore.json.DecodeError) as caught:
        list(fastcore.json.stream(LINES + b'{"id": @}\n'))
    assert caught.value.pos == len(LINES) + len(b'{"id": ')
    assert caught.value.record == len(RECORDS)


def test_wal_of_one_level_is_read_on_every_other(tmp_path):
    payloads = LINES.splitlines()
    for writer in LEVELS:
        with fastcore.cpu.use(writer), fastcore.wal.open(tmp_path / writer) as log:
            log.append_many(payloads)
            log.append(LINES)  # long enough for every way a checksum takes
        for reader in LEVELS:
            with fastcore.cpu.use(reader), fastcore.wal.open(tmp_path / writer, "r") as log:
                assert [bytes(record.payload) for record in log.replay()] == [*payloads, LINES]
