"""verify, repair and salvage: what is damaged is named, what is not is kept, the log goes on."""

from __future__ import annotations

import os
import random
import shutil

import pytest
from reference.plain_wal import PlainLog

from fastcore import wal

SMALL = 16 * 1024


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


def records_of(path, **options):
    with wal.open(path, "r", **options) as log:
        return {record.seq: bytes(record.payload) for record in log.replay()}


def write(path, sessions=1, count=100, size=400, mark=True):
    wanted: dict[int, bytes] = {}
    for _ in range(sessions):
        with wal.open(path, segment_bytes=SMALL) as log:
            for _ in range(count):
                payload = b"<%05d>" % log.next_seq * (1 + log.next_seq * 7919 % (size // 5))
                wanted[log.append(payload)] = payload
            if mark:
                log._set_mark("m", b"%d" % log.next_seq)
    return wanted


def change(path, segment, offset, new):
    with open(path / f"wal_{segment:06}.bin", "r+b") as file:
        file.seek(offset)
        file.write(new)


def flip(path, segment, offset):
    data = (path / f"wal_{segment:06}.bin").read_bytes()
    change(path, segment, offset, bytes([data[offset] ^ 0x41]))


def place_of(path, payload, segment):
    return (path / f"wal_{segment:06}.bin").read_bytes().index(payload) - 20


def last_segment(path):
    return max(int(p.stem[4:]) for p in path.glob("wal_*"))


def check_repaired(path, wanted, lost, loose=0):
    """After a repair: everything but `lost` is there, for all readers, and the log goes on."""
    found = records_of(path)
    assert set(found) == set(wanted) - set(lost)
    assert all(found[seq] == wanted[seq] for seq in found)
    assert {seq: payload for seq, _, payload in PlainLog(path).records} == found
    assert wal.verify(path).ok
    with wal.open(path, segment_bytes=SMALL) as log:
        end = log.next_seq
        assert log.append(b"new") == end
        log.append_many([b"x" * 3000] * 10)
    assert records_of(path)[end] == b"new"
    assert wal.verify(path).ok


def test_a_good_log(path):
    wanted = write(path, sessions=3)
    report = wal.verify(path)
    assert report.ok
    assert (report.records, report.first_seq, report.next_seq) == (len(wanted), 0, len(wanted))
    assert report.segments == last_segment(path)
    assert report.bytes == report.segments * SMALL
    assert (report.lost, report.lost_before, report.torn, report.backup) == (0, 0, False, None)
    before = {p.name: p.read_bytes() for p in path.glob("wal_*")}
    assert wal.repair(path).ok
    assert {p.name: p.read_bytes() for p in path.glob("wal_*")} == before
    assert not list(path.glob("damaged-*"))
    with pytest.raises(wal.MissingLogError):
        wal.verify(path / "none")
    with pytest.raises(wal.MissingLogError):
        wal.repair(path / "none")
    with wal.open(path, recovery="salvage", segment_bytes=SMALL) as log:
        assert log.next_seq == len(wanted)


def test_beside_a_writer(path):
    with wal.open(path, segment_bytes=SMALL) as log:
        log.append_many([b"x" * 500] * 60)
        log.commit()
        report = wal.verify(path)
        assert report.ok
        assert report.records == 60
        flip(path, 1, 5000)
        assert not wal.verify(path).ok
        with pytest.raises(wal.LockedError):
            wal.repair(path)


@pytest.mark.parametrize("sessions", [1, 3])
@pytest.mark.parametrize("which", ["one", "some", "first", "last of a segment"])
def test_damaged_frames_become_a_gap(path, sessions, which):
    wanted = write(path, sessions=sessions)
    second = sorted(seq for seq, _ in wanted.items())
    data = (path / "wal_000002.bin").read_bytes()
    inside = [s for s in second if data.find(wanted[s]) > 0 and len(wanted[s]) > 60]
    lost = {
        "one": inside[3:4],
        "some": inside[3:5],
        "first": inside[:1],
        "last of a segment": inside[-1:],
    }[which]
    places = [place_of(path, wanted[seq], 2) for seq in lost]
    for place in places:
        flip(path, 2, place + 30)
    report = wal.verify(path)
    assert not report.ok
    assert report.damage[0].what == "frames"
    assert (report.damage[0].segment, report.damage[0].seq) == (2, lost[0])
    assert report.damage[0].offset == places[0]
    assert report.lost == len(lost)
    assert report.records == len(wanted) - len(lost)
    assert set(wanted) - set(records_of(path, recovery="salvage")) == set(lost)
    with wal.open(path, "r", recovery="salvage") as log:
        assert next(r.seq for r in log.replay(lost[0])) == lost[-1] + 1
        assert log.next_seq == len(wanted)
    assert not wal.verify(path).ok  # nothing was changed
    fixed = wal.repair(path)
    assert fixed.damage == report.damage
    assert fixed.backup is not None
    assert (path / fixed.backup / "wal_000002.bin").read_bytes() != (
        path / "wal_000002.bin"
    ).read_bytes()
    assert wal.verify(path).lost_before == len(lost)
    check_repaired(path, wanted, lost)


def test_salvage_for_writing_repairs(path):
    wanted = write(path)
    flip(path, 2, 6000)
    with wal.open(path, segment_bytes=SMALL, recovery="salvage") as log:
        assert log.next_seq == len(wanted)
        assert log._get_mark("m") == (100, b"100")
        log.append(b"on")
    assert wal.verify(path).ok
    assert wal.verify(path).lost_before > 0
    assert not list(path.glob("damaged-*"))


@pytest.mark.parametrize("sessions", [1, 4])
def test_a_header_is_found_out(path, sessions):
    wanted = write(path, sessions=sessions, count=100 if sessions == 1 else 25)
    segment = 2
    change(path, segment, 0, bytes(4096))
    with pytest.raises(wal.CorruptionError):
        wal.open(path, "r")
    report = wal.verify(path)
    what = report.damage[0].what
    assert what in (("header",) if sessions == 1 else ("header", "segments"))
    salvaged = records_of(path, recovery="salvage")
    lost = set(wanted) - set(salvaged)
    assert len(lost) == report.lost
    if what == "header":
        assert not lost
    wal.repair(path)
    check_repaired(path, wanted, lost)


@pytest.mark.parametrize("gone", [[2], [2, 3], [4]])
def test_missing_segments(path, gone):
    wanted = write(path, sessions=3)
    for segment in gone:
        (path / f"wal_{segment:06}.bin").unlink()
    report = wal.verify(path)
    assert report.damage[0].what == "segments"
    salvaged = records_of(path, recovery="salvage")
    lost = set(wanted) - set(salvaged)
    assert len(lost) == report.lost > 10
    wal.repair(path)
    check_repaired(path, wanted, lost)


def test_first_and_last_header_gone(path):
    wanted = write(path)
    last = last_segment(path)
    for segment in (1, last):
        change(path, segment, 0, b"\xff" * 4096)
    report = wal.verify(path)
    assert [d.what for d in report.damage] == ["file", "file"]
    salvaged = records_of(path, recovery="salvage")
    assert 0 < len(salvaged) < len(wanted)
    fixed = wal.repair(path)
    assert len(os.listdir(fixed.backup)) >= 2
    found = records_of(path)
    assert found == salvaged
    assert all(found[seq] == wanted[seq] for seq in found)
    assert min(found) > 0
    with wal.open(path, segment_bytes=SMALL) as log:
        log.append(b"on")
    assert wal.verify(path).ok


def test_a_torn_end_is_no_damage(path):
    with wal.open(path.with_name("live"), segment_bytes=SMALL) as log:
        log.append_many([b"x" * 100] * 5)
        log.commit()
        shutil.copytree(path.with_name("live"), path)
    (path / "ring.bin").unlink()
    change(path, 1, 4096 + 48 + 120 * 4 + 30, b"!!")
    report = wal.verify(path)
    assert report.ok
    assert (report.torn, report.records) == (True, 4)
    assert wal.repair(path).ok
    assert len(records_of(path)) == 4


def test_damage_at_the_end_that_had_been_durable(path):
    wanted = write(path, count=12, size=60, mark=False)
    for seq in (5, 6, 7, 8, 9, 10, 11):
        flip(path, 1, place_of(path, wanted[seq], 1) + 3)
    report = wal.verify(path)
    assert not report.ok
    wal.repair(path)
    found = records_of(path)
    assert [seq for seq in found if seq < 12] == [0, 1, 2, 3, 4]
    with wal.open(path, segment_bytes=SMALL) as log:
        log.append(b"on")
    assert wal.verify(path).ok


def test_any_damage_anywhere(path, tmp_path):
    """Random damage: salvage and repair agree, and nothing but what was hit is lost."""
    wanted = write(path, sessions=3, count=60)
    source = random.Random(11)
    for round in range(60):
        copy = tmp_path / f"copy{round}"
        shutil.copytree(path, copy)
        for _ in range(source.randint(1, 5)):
            segment = source.randint(1, last_segment(path))
            kind = source.choice(["flip", "sector", "page", "noise"])
            at = source.randrange(0, SMALL)
            if kind == "flip":
                flip(copy, segment, at)
            elif kind == "noise":
                change(copy, segment, at, source.randbytes(min(700, SMALL - at)))
            else:
                unit = 512 if kind == "sector" else 4096
                change(copy, segment, at // unit * unit, bytes(unit))
        report = wal.verify(copy)
        salvaged = records_of(copy, recovery="salvage")
        assert all(salvaged[seq] == wanted[seq] for seq in salvaged), round
        assert len(salvaged) == report.records, round
        wal.repair(copy, backup=round % 2 == 0)
        assert records_of(copy) == salvaged, round
        with wal.open(copy, segment_bytes=SMALL) as log:
            end = log.append(b"on")
        assert records_of(copy) == {**salvaged, end: b"on"}, round
        assert wal.verify(copy).ok, round
        shutil.rmtree(copy)
