"""The format page is enough to read a log: a plain reader agrees with the log about everything."""

from __future__ import annotations

import random
import re
import struct
from pathlib import Path

import pytest
from reference.plain_wal import FRAME, PlainLog, crc32c, read_header

from fastcore import wal

PAGE = Path(__file__).resolve().parents[2] / "docs/format/wal.md"


def test_check_value_of_the_checksum():
    assert crc32c(b"123456789") == 0xE3069283


def test_worked_example_of_the_format_page():
    block = re.search(r"worked out.+?```\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert block is not None
    lines = re.findall(r"^((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  |$)", block[1], re.M)
    frame = bytes.fromhex(" ".join(lines))
    assert len(frame) == 24
    timestamp, seq, length, crc = FRAME.unpack_from(frame)
    assert (timestamp, seq, length) == (1_700_000_000_000_000_000, 7, 3)
    assert crc == crc32c(struct.pack("<Q", 0x0102030405060708) + frame[:16] + b"abc")


def _records(log):
    return [(r.seq, r.timestamp, bytes(r.payload)) for r in log.replay()]


@pytest.mark.parametrize("segment_bytes", [16 * 1024, 20_001, 64 * 1024])
def test_plain_reader_sees_the_same_records_and_marks(tmp_path, segment_bytes):
    rng = random.Random(segment_bytes)
    path = tmp_path / "log"
    wanted = []
    for session in range(3):
        with wal.open(path, segment_bytes=segment_bytes) as log:
            for i in range(60):
                payload = rng.randbytes(rng.choice([0, 1, 3, 4, 5, 100, 1000, 5000]))
                seq = log.append(payload, timestamp=rng.randrange(-(2**63), 2**63))
                wanted.append((seq, payload))
                if i % 20 == 7:
                    log._set_mark(f"mark{i}", rng.randbytes(rng.randrange(300)))
                if i % 13 == 0:
                    log.commit()
            if session == 1:
                log._set_mark("mark7", None)
    plain = PlainLog(path)
    with wal.open(path, "r") as log:
        assert plain.records == _records(log)
        assert [(seq, payload) for seq, _, payload in plain.records] == wanted
        for name in ("mark7", "mark27", "mark47"):
            assert plain.marks.get(name) == log._get_mark(name)
        assert plain.marks["mark27"][0] == 2 * 60 + 28


def test_plain_reader_follows_into_the_ring(tmp_path):
    path = tmp_path / "log"
    with wal.open(path, segment_bytes=16 * 1024, batch_ms=3_600_000) as log:
        log.append_many([b"x" * 700] * 40)
        assert len(PlainLog(path).records) == 40


def test_files_have_their_names_and_sizes(tmp_path):
    path = tmp_path / "log"
    with wal.open(path, segment_bytes=16 * 1024) as log:
        log.append_many([b"x" * 1000] * 40)
    segments = [f"wal_{number:06}.bin" for number in range(1, 5)]
    assert sorted(p.name for p in path.iterdir()) == ["index", "lock", *segments]
    assert {p.stat().st_size for p in path.glob("wal_*")} == {16 * 1024}


def test_every_open_for_writing_brings_a_new_salt(tmp_path):
    path = tmp_path / "log"
    salts = set()
    for i in range(5):
        with wal.open(path, segment_bytes=16 * 1024) as log:
            log.append(b"%d" % i)
        data = (path / "wal_000001.bin").read_bytes()
        header = read_header(data[:4096], 1)
        assert header is not None
        salts.add(header["salt"])
        # Each later session starts with a stamp: a control frame of kind 1, of 24 bytes.
        for at in range(4096, len(data) - 44, 8):
            if (
                data[at + 12 : at + 21]
                == bytes.fromhex("18000080") + data[at + 16 : at + 20] + b"\1"
            ):
                salts.add(struct.unpack_from("<Q", data, at + 20 + 16)[0])
    assert len(salts) == 5
