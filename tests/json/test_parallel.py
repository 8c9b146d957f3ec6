"""threads: several give what one gives, batch by batch and fault by fault, whatever the input."""

from __future__ import annotations

import gzip
import io
import json as std
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcore import json

SCHEMA = {
    "n": json.field("n", "int64"),
    "x": json.field("a.x", "float64"),
    "s": json.field("s", "string", default="none"),
    "b": json.field("b", "bool"),
    "t": json.field("t", "date"),
}


def record(chance: random.Random) -> dict:
    made = {
        "n": chance.choice([None, 1, -5, 2**40]),
        "a": {"x": chance.random(), "skipped": [1, {"n": 2}] * chance.randrange(4)},
        "s": "é\n" * chance.randrange(9),
        "b": chance.choice([True, False, None]),
        "t": "2024-02-29",
    }
    for name in list(made):
        if chance.random() < 0.2:
            del made[name]
    return made


def lines(count: int, seed: int = 1, **options) -> bytes:
    chance = random.Random(seed)
    return b"".join(std.dumps(record(chance), **options).encode() + b"\n" for _ in range(count))


def outcome(data, threads, *, batch_rows=7, **options):
    """All that a user sees: rows of each batch, errors passed on, the error raised."""
    seen, passed = [], []
    if options.get("on_error") == "call":
        options["on_error"] = lambda error: passed.append(place(error))
    try:
        seen.extend(
            [batch[name].to_pylist() for name in batch.names]
            for batch in json.columns(
                data, SCHEMA, threads=threads, batch_rows=batch_rows, **options
            )
        )
    except json.DecodeError as error:
        return seen, passed, place(error)
    return seen, passed, None


def place(error):
    return error.msg, error.pos, error.lineno, error.colno, error.record


def check(data, chunk_bytes=64, **options):
    expected = outcome(data, 1, **options)
    for threads in (2, 3):
        assert outcome(data, threads, chunk_bytes=chunk_bytes, **options) == expected
    return expected


@pytest.mark.parametrize("chunk_bytes", [8, 50, 300, 5000])
@pytest.mark.parametrize("batch_rows", [1, 7, 10_000])
def test_lines(chunk_bytes, batch_rows):
    batches, _, error = check(lines(300), chunk_bytes, batch_rows=batch_rows)
    assert sum(len(batch[0]) for batch in batches) == 300
    assert error is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"\xef\xbb\xbf" + lines(30),
        lines(30)[:-1],
        lines(30, indent=1),
        lines(40).replace(b"\n", b""),
        lines(40).replace(b"\n", b"\r\n\n"),
        b"\x1e" + lines(40).replace(b"\n", b"\n\x1e"),
        b"1 2 3\n[4]\n" * 40,
        b'{"n": 1}\n' * 50 + b"12",
        lines(20) + lines(20, indent=2) + lines(20),
    ],
)
def test_input_of_any_kind(data):
    assert check(data)[2] is None


FAULTS = [
    b"{",
    b"}",
    b'{"n": 1} x',
    b'{"n": 01}',
    b'{"s": "\xff"}',
    b'{"n": "1"}',
    b'{"n": 1e30}',
    b'{"s": "open',
    b'{"a": [1,',
    b"\xef\xbb\xbf{}",
    b"[" * 40 + b"]" * 40,
]


@pytest.mark.parametrize("on_error", ["raise", "skip", "call"])
@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault, on_error):
    good = lines(60)
    for where in (0, 1, 15, 59):
        parts = good.splitlines(keepends=True)
        data = b"".join([*parts[:where], fault, b"\n", *parts[where:], fault, b"\n", *parts])
        check(data, on_error=on_error, max_depth=30)
        check(data, 1000, on_error=on_error, on_mismatch="null", validate=False, max_depth=30)


def test_record_too_long():
    data = lines(5) + b'{"s": "' + b"x" * 5000 + b'"}\n' + lines(5)
    for on_error in ("raise", "skip"):
        check(data, on_error=on_error, max_record_bytes=1000)


@given(
    st.lists(
        st.sampled_from([*FAULTS, b'{"n": 1}', b'{"s": "long enough"}', b"", b"7"]), max_size=12
    ),
    st.sampled_from([b"\n", b"\n\n", b" ", b"\r\n"]),
    st.integers(4, 60),
    st.sampled_from(["raise", "skip", "call"]),
)
def test_any_lines(parts, between, chunk_bytes, on_error):
    check(between.join(parts), chunk_bytes, on_error=on_error, max_depth=30)


@pytest.mark.parametrize("threads", [1, 2, None])
def test_read_columns(threads, tmp_path):
    data = lines(500)
    path = tmp_path / "lines"
    path.write_bytes(data)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(data))
    expected = json.read_columns(data, SCHEMA, threads=1).to_dict()
    for source in (data, path, packed, io.BytesIO(data), [data[:700], b"", data[700:]]):
        found = json.read_columns(source, SCHEMA, threads=threads, chunk_bytes=400)
        assert len(found) == 500
        for name, column in found.to_dict().items():
            assert repr(column.tolist()) == repr(expected[name].tolist())
        assert found.schema == json.read_columns(b"", SCHEMA, threads=threads).schema
    with pytest.raises(json.DecodeError):
        json.read_columns(data + b"}", SCHEMA, threads=threads, chunk_bytes=400)


def test_arrow_takes_the_joined_batch():
    pyarrow = pytest.importorskip("pyarrow")
    found = pyarrow.record_batch(json.read_columns(lines(300), SCHEMA, threads=2, chunk_bytes=99))
    one = pyarrow.record_batch(json.read_columns(lines(300), SCHEMA, threads=1))
    found.validate(full=True)
    assert found.equals(one)


def test_a_root_is_decoded_by_one_thread():
    data = b'{"rows": [' + b",".join(lines(100).splitlines()) + b"]}"
    batch = json.read_columns(data, SCHEMA, root="$.rows[*]", threads=2, chunk_bytes=64)
    assert len(batch) == 100


def test_what_was_read_before_a_source_failed_comes_first():
    def chunks():
        yield lines(100)
        raise OSError("gone")

    batches = json.columns(chunks(), SCHEMA, threads=2, chunk_bytes=64, batch_rows=10)
    assert sum(len(next(batches)) for _ in range(9)) == 90
    with pytest.raises(OSError, match="gone"):
        list(batches)


def test_an_error_of_the_users_own_ends_the_reading():
    def refuse(error):
        raise ZeroDivisionError(error.record)

    data = lines(100) + b"x\n" + lines(100)
    with pytest.raises(ZeroDivisionError, match="100"):
        list(json.columns(data, SCHEMA, threads=2, chunk_bytes=64, on_error=refuse))


def test_threads_may_be_left_early():
    batches = json.columns(lines(2000), SCHEMA, threads=3, chunk_bytes=100, batch_rows=5)
    assert len(next(batches)) == 5
    batches.close()


def test_wrong_threads():
    for routine in (json.columns, json.read_columns):
        for threads in (0, -1):
            with pytest.raises(ValueError, match="threads"):
                routine(b"", SCHEMA, threads=threads)
        for threads in ("2", True):
            with pytest.raises(TypeError, match="threads"):
                routine(b"", SCHEMA, threads=threads)
