"""fastcore ingest: what ends up in the log, on good input and on every kind of bad input."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
import zstandard

from .conftest import (
    COMMAND,
    SELECT,
    dumps,
    make_records,
    ndjson,
    payloads,
    selected,
    stored_count,
    wait_for,
)

RECORDS = make_records(500)
DATA = ndjson(RECORDS)
EXPECTED = selected(RECORDS)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.ndjson"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def options(log):
    return ["--select", *SELECT, "--match", "needle", "--wal", log]


def one_line(text):
    assert text.startswith("fastcore: ")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize("chunk_bytes", [1, 37, 5000, 1 << 20])
def test_selects_and_matches(fastcore, tmp_path, log, pack, chunk_bytes):
    records = RECORDS[:60] if chunk_bytes == 1 else RECORDS
    path = tmp_path / "source"
    path.write_bytes(pack(ndjson(records)))
    done = fastcore("ingest", path, *options(log), "--chunk-bytes", chunk_bytes)
    assert done.code == 0, done.err
    assert payloads(log) == selected(records)
    (report,) = done.objects
    assert report["source"] == str(path)
    assert report["read"] == len(records)
    assert report["kept"] == report["next_seq"] - 1 + 1 - first_seq(log) == len(selected(records))
    assert report["skipped"] == 0
    assert report["bytes"] == report["offset"] == len(ndjson(records))
    assert report["complete"] is True
    assert f"read {len(records)} records" in one_line(done.err)


def first_seq(log):
    from fastcore import wal

    with wal.open(log, "r") as opened:
        return opened.first_seq


def test_standard_input(fastcore, log):
    for data in (DATA, gzip.compress(ndjson(make_records(9, 2))), zstandard.compress(b'{"id":0}')):
        assert fastcore("ingest", "-", "--wal", log, stdin=data).code == 0
    assert payloads(log) == [
        *DATA.splitlines(),
        *ndjson(make_records(9, 2)).splitlines(),
        b'{"id":0}',
    ]


def test_whole_records_keep_their_text(fastcore, tmp_path, log):
    path = tmp_path / "source"
    path.write_bytes(b'{"a" : 1.50,  "a":"\\u00e9"}\n[1, 2]\n"text"\n 3 \n')
    assert fastcore("ingest", path, "--wal", log).code == 0
    assert payloads(log) == [b'{"a" : 1.50,  "a":"\\u00e9"}', b"[1, 2]", b'"text"', b"3"]


def test_selected_values_keep_their_text_without_spaces(fastcore, tmp_path, log):
    path = tmp_path / "source"
    path.write_bytes(
        b'{"n": 1.50, "big": 123456789012345678901234567890, "s": "a  b\\u00e9",'
        b' "o": { "x" : [1, 2, "c d\\" , e"] }, "null": null}\n'
    )
    done = fastcore(
        "ingest", path, "--select", "n", "big", "s", "--select", "o", "null", "none", "--wal", log
    )
    assert done.code == 0, done.err
    assert payloads(log) == [
        b'{"n":1.50,"big":123456789012345678901234567890,"s":"a  b\\u00e9",'
        b'"o":{"x":[1,2,"c d\\" , e"]},"null":null,"none":null}'
    ]


def test_names_of_fields(fastcore, tmp_path, log):
    path = tmp_path / "source"
    path.write_bytes(b'{"a": {"b": [1, 2], "c": 5}, "x=y": 3, "100%": 4}\n')
    done = fastcore(
        "ingest", path, "--wal", log, "--select", "a.b", '"q"=$.a.c', "$['x=y']", "p%d=/100%"
    )
    assert done.code == 0, done.err
    (payload,) = payloads(log)
    assert json.loads(payload) == {"a.b": [1, 2], '"q"': 5, "$['x=y']": 3, "p%d": 4}


def test_matches_one_of_several_patterns(fastcore, source, log, tmp_path):
    patterns = tmp_path / "patterns"
    patterns.write_text("東京\r\n\nslash\n", encoding="utf-8")
    done = fastcore(
        "ingest", source, "--match", "Zürich", "Berlin", "--match-file", patterns, "--wal", log
    )
    assert done.code == 0, done.err
    wanted = ["Zürich", "Berlin", "東京", "slash"]
    assert payloads(log) == [
        dumps(record) for record in RECORDS if any(w in dumps(record).decode() for w in wanted)
    ]


@pytest.mark.parametrize("ignore_case", [False, True])
def test_matches_in_a_field(fastcore, source, log, ignore_case):
    more = ["-i"] if ignore_case else []
    done = fastcore(
        "ingest", source, "--wal", log, "--match", 'A "QUOTED' if ignore_case else 'a "quoted',
        "--match-field", "user.name", *more,
    )  # fmt: skip
    assert done.code == 0, done.err
    # The field is decoded: no backslash before the quotation mark.
    assert payloads(log) == [dumps(r) for r in RECORDS if 'a "quoted' in r["user"]["name"]]


@pytest.mark.parametrize(
    ("arguments", "keeps"),
    [
        (["--regex", "Z.rich|Berlin$", "--match-field", "user.name"], r"Z.rich|Berlin$"),
        (["--regex", "^needle$", "tab\\s", "--match-field", "user.name"], r"^needle$|tab\s"),
        (["--regex", "NEEDLE", "-i", "--match-field", "user.name"], r"(?i)needle"),
        (["--regex", "^needle$", "--match", "東", "--match-field", "user.name"], r"^needle$|東"),
    ],
)
def test_regexes(fastcore, source, log, arguments, keeps):
    pytest.importorskip("re2")
    done = fastcore("ingest", source, "--wal", log, *arguments)
    assert (done.code, done.objects[0]["kept"]) == (
        0,
        sum(re.search(keeps, record["user"]["name"]) is not None for record in RECORDS),
    )


def test_a_regex_that_is_none(fastcore, source, log):
    pytest.importorskip("re2")
    done = fastcore("ingest", source, "--wal", log, "--regex", "a(b")
    assert done.code == 2
    assert "missing )" in done.err
    assert done.err.count("\n") == 1


def test_match_field_that_is_no_string_does_not_match(fastcore, source, log):
    done = fastcore("ingest", source, "--wal", log, "--match", "1", "--match-field", "id")
    assert done.code == 1
    assert payloads(log) == []


def test_nothing_kept_is_exit_code_1(fastcore, source, log):
    done = fastcore("ingest", source, "--match", "no such text", "--wal", log)
    assert (done.code, done.objects[0]["kept"], done.objects[0]["read"]) == (1, 0, 500)
    assert fastcore("ingest", source, "--match", "no such text", "--wal", log).code == 0


def test_timestamps(fastcore, tmp_path, log):
    from fastcore import wal

    path = tmp_path / "source"
    path.write_bytes(b'{"t":"2015-09-12T00:46:58.771Z"}\n{"t":1442018818771}\n{"t":"no"}\n{}\n')
    before = time.time_ns()
    done = fastcore("ingest", path, "--wal", log, "--timestamp", "t", "--timestamp-unit", "ms")
    assert done.code == 0, done.err
    with wal.open(log, "r") as opened:
        first, second, *others = [record.timestamp for record in opened.replay()]
    assert first == second == 1442018818771 * 10**6
    assert len(others) == 2
    assert all(before <= stamp <= time.time_ns() for stamp in others)


def test_several_sources_in_order(fastcore, tmp_path, log):
    paths = []
    for number in range(3):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(ndjson(make_records(20, seed=number)))
    done = fastcore("ingest", *paths, "-", "--wal", log, stdin=b"[4]")
    assert done.code == 0
    assert [report["source"] for report in done.objects] == [*map(str, paths), "-"]
    assert payloads(log) == [
        *(line for path in paths for line in path.read_bytes().splitlines()),
        b"[4]",
    ]


@pytest.mark.parametrize("durability", ["batch", "sync", "async"])
def test_durabilities_give_the_same_log(fastcore, source, log, durability):
    done = fastcore("ingest", source, *options(log), "--durability", durability)
    assert done.code == 0, done.err
    assert payloads(log) == EXPECTED


def test_quiet(fastcore, source, log):
    done = fastcore("ingest", source, *options(log), "--quiet")
    assert (done.code, done.err) == (0, "")
    assert done.objects[0]["kept"] == len(EXPECTED)


def test_empty_sources(fastcore, tmp_path, log):
    for name, data in {"a": b"", "b": b" \n\n", "c": gzip.compress(b"")}.items():
        (tmp_path / name).write_bytes(data)
        done = fastcore("ingest", tmp_path / name, "--wal", log)
        assert done.code == 0, done.err
    assert payloads(log) == []


# -- wrong use and bad input: one line, exit code 2, nothing lost ---------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "required: SOURCE, --wal"),
        (["{source}"], "required: --wal"),
        (["{source}", "--wal", "{log}", "--on-error", "ignore"], "--on-error: invalid choice"),
        (["{source}", "--wal", "{log}", "--chunk-bytes", "0"], "must be at least 1, not 0"),
        (["{source}", "--wal", "{log}", "--chunk-bytes", "x"], "invalid whole number value: 'x'"),
        (["{source}", "--wal", "{log}", "--select", "a", "b", "a"], "the name 'a' twice"),
        (["{source}", "--wal", "{log}", "--select", "=a"], "NAME=PATH, not '=a'"),
        (["{source}", "--wal", "{log}", "--select", "$.a["], "$.a["),
        (["{source}", "--wal", "{log}", "--match", ""], "empty"),
        (["{source}", "--wal", "{log}", "--match-field", "a"], "nothing to match"),
        (["{source}", "--wal", "{log}", "--match-file", "{source}.no"], "no such file"),
        (["{source}.no", "--wal", "{log}"], "source.ndjson.no: no such file"),
        (["{source}", "{source}.no", "--wal", "{log}"], "source.ndjson.no: no such file"),
        (["{folder}", "--wal", "{log}"], "is a directory; name the files in it"),
        (["{source}", "--wal", "{source}"], "source.ndjson"),
        (["{source}", "--wal", "{log}", "--no-such-option"], "unrecognized arguments"),
    ],
)
def test_wrong_use(fastcore, source, log, tmp_path, arguments, says):
    filled = [a.format(source=source, log=log, folder=tmp_path) for a in arguments]
    done = fastcore("ingest", *filled)
    assert done.code == 2
    assert says in one_line(done.err).lower() or says in done.err
    assert done.out == ""
    assert not log.exists()


def test_invalid_json_in_the_middle(fastcore, tmp_path, log):
    path = tmp_path / "source"
    good, rest = RECORDS[:50], RECORDS[50:]
    path.write_bytes(ndjson(good) + b'{"id": 1,, }\n' + ndjson(rest))
    done = fastcore("ingest", path, "--wal", log, "--chunk-bytes", 700)
    assert done.code == 2
    note, error = done.err.splitlines()
    assert "read 50 records" in note
    offset = len(ndjson(good)) + len('{"id": 1,')
    assert f"{path}: " in error
    assert f"line 51 column 10 (byte {offset})" in error
    assert done.objects[0]["complete"] is False
    assert payloads(log) == [dumps(record) for record in good]

    # Again: the same place, although reading begins in the middle, and nothing twice.
    again = fastcore("ingest", path, "--wal", log)
    assert again.code == 2
    assert f"line 51 column 10 (byte {offset})" in one_line(again.err)
    assert payloads(log) == [dumps(record) for record in good]

    # Mended after the position: the rest follows.
    path.write_bytes(ndjson(good) + b'{"id": 1}\n' + ndjson(rest))
    assert fastcore("ingest", path, "--wal", log).code == 0
    assert payloads(log) == [*ndjson(good).splitlines(), b'{"id": 1}', *ndjson(rest).splitlines()]


def test_invalid_json_in_the_middle_of_a_resumed_line(fastcore, tmp_path, log):
    path = tmp_path / "source"
    path.write_bytes(b'\n{"a":1} ')
    assert fastcore("ingest", path, "--wal", log).code == 0
    with path.open("ab") as file:
        file.write(b'{"b":2} {"c":}\n')
    done = fastcore("ingest", path, "--wal", log)
    assert done.code == 2
    assert "line 2 column 22 (byte 22)" in done.err
    assert payloads(log) == [b'{"a":1}', b'{"b":2}']


def test_error_after_resuming_a_packed_source_is_placed_in_the_whole(fastcore, tmp_path, log, pack):
    path = tmp_path / "source"
    path.write_bytes(pack(DATA))
    assert fastcore("ingest", path, "--wal", log).code == 0
    with path.open("ab") as file:
        file.write(pack(b'{"a":1}\n[1,]\n'))
    done = fastcore("ingest", path, "--wal", log)
    assert done.code == 2
    assert f"line 502 column 4 (byte {len(DATA) + 11})" in done.err


def test_invalid_json_is_skipped_on_request(fastcore, tmp_path, log):
    path = tmp_path / "source"
    bad = [b'{"id": 1,, }\n', b"nonsense\n", b'{"unclosed": [\n', b'"\xff"\n']
    lines = ndjson(RECORDS).splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:10]) + bad[0] + bad[1] + b"".join(lines[10:20]) + bad[3])
    done = fastcore("ingest", path, "--wal", log, "--on-error", "skip")
    assert done.code == 0
    assert done.objects[0]["skipped"] == 3
    assert "skipped 3 invalid" in one_line(done.err)
    assert payloads(log) == [line.rstrip(b"\n") for line in lines[:20]]


@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_record_that_is_still_being_written(fastcore, tmp_path, log, on_error):
    path = tmp_path / "source"
    path.write_bytes(b'{"a":1}\n{"a":')
    options = ["--wal", log, "--on-error", on_error]
    done = fastcore("ingest", path, *options)
    assert done.code == (2 if on_error == "raise" else 0)
    assert payloads(log) == [b'{"a":1}']
    with path.open("ab") as file:
        file.write(b"2}\n")
    assert fastcore("ingest", path, *options).code == 0
    assert payloads(log) == [b'{"a":1}', b'{"a":2}']


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_packed_file_cut_short(fastcore, tmp_path, log, pack):
    path = tmp_path / "source"
    data = ndjson(make_records(2000))  # more than one block of zstd
    packed = pack(data)
    path.write_bytes(packed[: len(packed) - 30])
    done = fastcore("ingest", path, "--wal", log, "--chunk-bytes", 2000)
    assert done.code == 2
    error = done.err.splitlines()[-1]
    assert error.startswith(f"fastcore: {path}: the ")
    assert "cut short" in error
    stored = payloads(log)
    assert stored == data.splitlines()[: len(stored)]
    assert len(stored) == done.objects[0]["kept"] > 0

    path.write_bytes(packed)
    assert fastcore("ingest", path, "--wal", log).code == 0
    assert payloads(log) == data.splitlines()


def test_log_in_use(fastcore, source, log):
    from fastcore import wal

    with wal.open(log) as opened:
        opened.append(b"mine")
        done = fastcore("ingest", source, "--wal", log)
        assert done.code == 2
        assert str(log) in one_line(done.err)
        assert done.out == ""
    assert fastcore("ingest", source, "--wal", log).code == 0
    assert payloads(log) == [b"mine", *DATA.splitlines()]


def mount_small_disk(path, size):
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("NOT TESTED: a full disk needs the right to mount a small tmpfs")


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_full_disk_loses_and_doubles_nothing(fastcore, tmp_path):
    disk = tmp_path / "disk"
    mount_small_disk(disk, "160m")
    try:
        records = [{"id": number, "text": "x" * 50_000} for number in range(5000)]
        path = tmp_path / "source"
        path.write_bytes(ndjson(records))
        log = disk / "log"
        done = fastcore("ingest", path, "--wal", log)
        assert done.code == 2
        error = done.err.splitlines()[-1]
        assert error.startswith("fastcore: ")
        assert "no space left" in error.lower()
        assert "Traceback" not in done.err
        stored = payloads(log)
        assert stored == ndjson(records).splitlines()[: len(stored)]
        assert len(stored) > 100

        subprocess.run(["mount", "-o", "remount,size=600m", str(disk)], check=True)
        done = fastcore("ingest", path, "--wal", log)
        assert done.code == 0, done.err
        assert payloads(log) == ndjson(records).splitlines()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


# A shell starts background jobs with SIGINT ignored, and so would be what they start.
HEEDING = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_stopped_by_a_signal_in_good_order(tmp_path, log, fastcore, number, code):
    lines = DATA.splitlines(keepends=True)
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HEEDING,
            *COMMAND,
            "ingest",
            "-",
            "--wal",
            log,
            "--chunk-bytes=1000",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdin.write(b"".join(lines[:100]))
    process.stdin.flush()
    wait_for(lambda: stored_count(log) == 100)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    note, last = err.decode().splitlines()
    assert "read 100 records" in note
    assert last == f"fastcore: stopped by {signal.Signals(number).name}"
    assert len(b"".join(lines[:100])) - json.loads(out)["offset"] in (0, 1)  # its newline
    assert payloads(log) == [line.rstrip(b"\n") for line in lines[:100]]

    assert fastcore("ingest", "-", "--wal", log, stdin=DATA).code == 0
    assert payloads(log) == DATA.splitlines()


def test_broken_pipes_are_quiet(source, log):
    process = subprocess.Popen(
        [*COMMAND, "ingest", source, "--wal", log],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read().count(b"\n") == 1
    process.stderr.close()
    assert process.wait(60) == 0
    assert payloads(log) == DATA.splitlines()
