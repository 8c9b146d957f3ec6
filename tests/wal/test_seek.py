"""seek against a plain search, whatever is done to the index; cursors, and what becomes of them."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import subprocess
import sys

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcore import wal

SMALL = 16 * 1024


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log"


def first_at(times, timestamp, first=0):
    return next((i for i in range(first, len(times)) if times[i] >= timestamp), len(times))


def check(log, times, first=0):
    some = sorted(set(times))
    for timestamp in [some[0] - 1, *some[:: max(len(some) // 25, 1)], some[-1], some[-1] + 1]:
        for near in (timestamp - 1, timestamp, timestamp + 1):
            assert log.seek(near) == first_at(times, near, first), near


def write(path, times, **options):
    with wal.open(path, segment_bytes=SMALL, **options) as log:
        for timestamp in times:
            log.append(b"x" * 200, timestamp=timestamp)


RISING = list(range(1000, 5000, 2))
SHUFFLED = random.Random(5).sample(RISING, len(RISING))
STEPS_BACK = RISING[:800] + RISING[300:] + [7] * 50


@pytest.mark.parametrize("times", [RISING, SHUFFLED, STEPS_BACK, [5] * 300, [-(2**63), 2**63 - 1]])
@pytest.mark.parametrize("mode", ["a", "r"])
def test_seek_is_a_plain_search(path, times, mode):
    write(path, times)
    with wal.open(path, mode, segment_bytes=SMALL) as log:
        check(log, times)
        check(log, times)


def test_seek_in_an_empty_log_and_wrong_times(path):
    with wal.open(path) as log:
        assert log.seek(5) == 0
        log.append(b"", timestamp=10)
        assert (log.seek(10), log.seek(11), log.seek(2**80), log.seek(-(2**80))) == (0, 1, 1, 0)
        with pytest.raises(TypeError, match="timestamp must be an int"):
            log.seek(1.5)
    with pytest.raises(wal.ClosedError):
        log.seek(5)


@pytest.mark.parametrize("mode", ["a", "r"])
def test_seek_while_records_come(path, mode):
    times: list[int] = []
    with wal.open(path, segment_bytes=SMALL) as log:
        log.append(b"x", timestamp=0)
        times.append(0)
        with wal.open(path, "r") as reader:
            for round in range(12):
                for i in range(60):
                    times.append(round * 100 + i)
                    log.append(b"x" * 300, timestamp=times[-1])
                check(log if mode == "a" else reader, times)


@pytest.mark.parametrize("times", [RISING, SHUFFLED, STEPS_BACK])
@pytest.mark.parametrize("mode", ["a", "r"])
def test_seek_after_truncation(path, times, mode):
    with wal.open(path, segment_bytes=SMALL) as log, wal.open(path, "r") as reader:
        for timestamp in times:
            log.append(b"x" * 200, timestamp=timestamp)
        log.commit()
        for part in (0.3, 0.31, 0.8):
            log.truncate_before(int(len(times) * part))
            check(log if mode == "a" else reader, times, log.first_seq)
            check(log, times, log.first_seq)
    with wal.open(path, mode, segment_bytes=SMALL) as log:
        check(log, times, log.first_seq)


def _flip(file):
    data = bytearray(file.read_bytes())
    for at in range(3000, len(data), 97):
        data[at] ^= 0x10
    file.write_bytes(data)


DAMAGE = {
    "gone": lambda folder: shutil.rmtree(folder),
    "no stamp": lambda folder: (folder / "stamp").unlink(),
    "another stamp": lambda folder: (folder / "stamp").write_bytes(b"closed 8192 00000000"),
    "empty stamp": lambda folder: (folder / "stamp").write_bytes(b""),
    "garbage": lambda folder: (folder / "data.mdb").write_bytes(os.urandom(9000)),
    "garbage everywhere": lambda folder: [
        file.write_bytes(os.urandom(5000)) for file in folder.iterdir()
    ],
    "empty": lambda folder: (folder / "data.mdb").write_bytes(b""),
    "cut": lambda folder: os.truncate(folder / "data.mdb", 8192),
    "flipped": lambda folder: _flip(folder / "data.mdb"),
    "a folder": lambda folder: ((folder / "data.mdb").unlink(), (folder / "data.mdb").mkdir()),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("mode", ["a", "r"])
def test_a_damaged_index_is_not_believed(path, damage, mode):
    write(path, SHUFFLED)
    assert (path / "index/data.mdb").exists()
    DAMAGE[damage](path / "index")
    with wal.open(path, mode, segment_bytes=SMALL) as log:
        check(log, SHUFFLED)
    with wal.open(path, segment_bytes=SMALL) as log:
        check(log, SHUFFLED)
    assert (path / "index/data.mdb").is_file()


def test_the_index_of_another_log_is_not_believed(path, tmp_path):
    write(path, RISING)
    write(tmp_path / "other", [t + 17 for t in reversed(RISING)])
    shutil.rmtree(path / "index")
    shutil.copytree(tmp_path / "other/index", path / "index")
    for mode in "ra":
        with wal.open(path, mode, segment_bytes=SMALL) as log:
            check(log, RISING)


def _entries(path):
    with lmdb.open(str(path / "index"), readonly=True) as env, env.begin() as txn:
        return list(txn.cursor())


def _rewrite(path, entries):
    """An index that was changed by somebody who knows how."""
    from fastcore.wal import index

    with lmdb.open(str(path / "index"), map_size=1 << 28) as env, env.begin(write=True) as txn:
        for key, _ in list(txn.cursor()):
            txn.delete(key)
        for key, value in entries:
            txn.put(key, value)
    index._Stamp(path / "index").closed()


@pytest.mark.parametrize("how", ["missing", "ahead", "behind", "value", "key"])
@pytest.mark.parametrize("mode", ["a", "r"])
def test_entries_that_are_wrong_are_noticed(path, how, mode):
    write(path, RISING)
    entries = _entries(path)
    assert len(entries) > 10
    if how == "missing":
        entries = entries[:3] + entries[5:]
    elif how == "behind":
        entries = entries[:5]
    elif how == "value":
        entries = [(key, value[:-9] + b"\1" + value[-8:]) for key, value in entries]
    elif how == "key":
        entries = [(key + b"x", value) for key, value in entries]
    else:
        shorter = path.with_name("shorter")
        shutil.copytree(path, shorter)
        for file in sorted(shorter.glob("wal_*"))[len(entries) // 2 :]:
            file.unlink()
        path, RISING_HERE = shorter, None
        with wal.open(path, "r") as log:
            RISING_HERE = RISING[: log.next_seq]
        _rewrite(path, entries)
        with wal.open(path, mode, segment_bytes=SMALL) as log:
            check(log, RISING_HERE)
        return
    _rewrite(path, entries)
    with wal.open(path, mode, segment_bytes=SMALL) as log:
        check(log, RISING)


def test_a_read_only_folder_needs_no_index(path):
    write(path, RISING)
    shutil.rmtree(path / "index")
    with wal.open(path, "r") as log:
        check(log, RISING)
    assert not (path / "index").exists()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(-50, 50), st.integers(1, 60)),
            st.tuples(st.just("seek"), st.integers(-60, 60), st.just(0)),
            st.tuples(st.just("truncate"), st.integers(0, 100), st.just(0)),
            st.tuples(st.just("reopen"), st.just(0), st.just(0)),
        ),
        max_size=25,
    )
)
def test_any_history(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("any") / "log"
    times: list[int] = []
    log = wal.open(path, segment_bytes=SMALL)
    try:
        for step, number, count in steps:
            if step == "append":
                for i in range(count):
                    times.append(number + i % 3)
                    log.append(b"x" * 150, timestamp=times[-1])
            elif step == "seek":
                assert log.seek(number) == first_at(times, number, log.first_seq)
            elif step == "truncate":
                log.truncate_before(len(times) * number // 100)
            else:
                log.close()
                log = wal.open(path, segment_bytes=SMALL)
    finally:
        log.close()


# --- cursors ---------------------------------------------------------------------------------


def test_cursors_keep_their_place(path):
    with wal.open(path) as log:
        log.append_many([b"x"] * 10)
        one, two = log.cursor("one"), log.cursor("zwei \N{SNOWMAN}")
        assert one.seq == two.seq == 0
        one.save(4)
        assert log.durable_seq >= 3
        two.save(10)
        assert (one.seq, two.seq, log.cursor("one").seq) == (4, 10, 4)
        assert repr(one) == "Cursor('one', seq=4)"
        assert [r.seq for r in log.replay(one.seq)] == list(range(4, 10))
        one.save(2)
        for wrong, error in [
            (11, ValueError),
            (-1, ValueError),
            ("1", (TypeError, AttributeError)),
        ]:
            with pytest.raises(error):
                one.save(wrong)
        for name in ("", "x" * 256):
            with pytest.raises(ValueError, match="name must have 1 to 255 bytes"):
                log.cursor(name)
        with pytest.raises(TypeError, match="name must be a str"):
            log.cursor(b"x")
    for use in (lambda: one.seq, lambda: one.save(3), lambda: log.cursor("one")):
        with pytest.raises(wal.ClosedError):
            use()
    with wal.open(path, "r") as log:
        assert log.cursor("one").seq == 2
        assert log.cursor("zwei \N{SNOWMAN}").seq == 10
        assert log.cursor("new").seq == 0


def test_a_reader_saves_beside_the_writer(path):
    consumer = (
        "import sys; from fastcore import wal\n"
        "with wal.open(sys.argv[1], 'r') as log:\n"
        "    cursor = log.cursor('c')\n"
        "    for record in log.follow(cursor.seq):\n"
        "        cursor.save(record.seq + 1)\n"
        "        if record.seq == 49: break\n"
    )
    with wal.open(path, batch_ms=1) as log:
        process = subprocess.Popen([sys.executable, "-c", consumer, str(path)])
        for i in range(50):
            log.append(b"%d" % i)
            log.cursor("mine").save(i)
        assert process.wait() == 0
        assert log.cursor("c").seq == 50
        assert log.cursor("mine").seq == 49


def test_cursors_outlive_the_index_and_a_kill(path):
    script = (
        "import os, sys; from fastcore import wal\n"
        "log = wal.open(sys.argv[1]); log.append_many([b'x'] * 9)\n"
        "log.cursor('c').save(7); log.seek(0); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)])
    for name in ("data.mdb", "lock.mdb", "stamp"):
        (path / "index" / name).unlink()
    with wal.open(path) as log:
        assert log.next_seq == 9
        assert log.cursor("c").seq == 7


@pytest.mark.parametrize("damage", [os.urandom(9000), b"x"])
def test_damaged_cursors_say_so_and_the_log_still_opens(path, damage):
    with wal.open(path) as log:
        log.append(b"x")
        log.cursor("c").save(1)
    (path / "index/cursors.mdb").write_bytes(damage)
    with wal.open(path) as log:
        assert log.seek(0) == 0
        with pytest.raises(wal.WalError, match=r"cursors\.mdb"):
            log.cursor("c").save(1)
        (path / "index/cursors.mdb").unlink()
        log.cursor("c").save(1)
        assert log.cursor("c").seq == 1


def _child(log, cursor, pipe):
    try:
        cursor.save(1)
    except wal.ClosedError:
        pipe.send("closed")
    with wal.open(log.path, "r") as mine:
        pipe.send(mine.cursor("c").seq)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_cursors_and_fork(path):
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    with wal.open(path) as log:
        log.append(b"x")
        cursor = log.cursor("c")
        cursor.save(1)
        child = context.Process(target=_child, args=(log, cursor, theirs))
        child.start()
        assert (ours.recv(), ours.recv()) == ("closed", 1)
        child.join()
        cursor.save(0)
        assert cursor.seq == 0
