"""Records at a root path: found, checked between, and forgotten, however the text is cut."""

from __future__ import annotations

import json as std
import os
import subprocess
import sys
import textwrap

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reference.path_cases import DOCUMENTS, SEGMENTS, text_of
from reference.plain_paths import outermost

from fastcore import json

CHUNKS = (1, 7, 63, 64, 65, 1000, None)
DOCUMENT = b"""{"meta": {"note": "}]", "list": [1, {"features": [0]}], "n": -1.5e3},
 "features": [ {"id": 1, "tags": ["a", "b"]}, {"id": 2},
   "text", 3, null, [], [4]
 ], "tail\\u0021": [[[]], true]}
"""
RECORDS = [{"id": 1, "tags": ["a", "b"]}, {"id": 2}, "text", 3, None, [], [4]]


def cut(data, size):
    size = size or len(data) or 1
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", CHUNKS)
def test_everywhere(isa, size):
    chunks = cut(DOCUMENT * 3, size)
    root = "$.features[*]"
    for validate in (True, False):
        assert list(json.stream(chunks, root=root, validate=validate)) == RECORDS * 3
        ids = list(json.stream(chunks, ["id", "/tags/1"], root=root, validate=validate))
        assert ids[:3] == [(1, "b"), (2, None), (None, None)]
        schema = {"id": json.field("id", "int64")}
        batch = json.read_columns(chunks, schema, root=root, validate=validate)
        assert batch["id"].to_pylist() == [1, 2, None, None, None, None, None] * 3
        batches = list(json.columns(chunks, schema, root=root, batch_rows=5, validate=validate))
        assert [len(b) for b in batches] == [5, 5, 5, 5, 1]
        pushed = json.ColumnDecoder(schema, root=root, validate=validate)
        for chunk in chunks:
            pushed.feed(chunk)
        assert len(pushed.close()) == 21
    assert json.count(chunks, root=root) == 21
    assert json.count(chunks, root="$") == 3
    assert json.count(chunks, root="$.nothing") == 0
    assert json.count(chunks, root="$.meta.list[1].features[0]") == 3
    assert json.count(chunks, root="/features/1") == 3
    assert list(json.stream(chunks, root="$.features[2:4]")) == ["text", 3] * 3


def test_each_record_comes_as_soon_as_it_is_there():
    decoder = json.Decoder("id", root="$.features[*]")
    assert decoder.feed(b'{"features": [{"id": 1}') == [1]
    assert decoder.feed(b', {"id": 2}, {"id"') == [2]
    assert decoder.feed(b": 3}") == [3]
    assert decoder.feed(b"], ") == []
    with pytest.raises(json.DecodeError, match="unexpected end of input") as caught:
        decoder.close()
    assert caught.value.pos == 48
    assert caught.value.record == 3


@given(
    st.lists(DOCUMENTS, min_size=1, max_size=3),
    st.lists(SEGMENTS, min_size=1, max_size=3),
    st.integers(1, 80),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_reference(documents, path, size, validate, indent):
    text = "\n".join(std.dumps(one, indent=indent) for one in documents) + "\n"
    found = list(json.stream(cut(text.encode(), size), root=text_of(path), validate=validate))
    wanted = [value for one in documents for value in outermost(path, one)]
    assert found == wanted
    assert json.count(cut(text.encode(), size), root=text_of(path)) == len(wanted)


ROOTS = ["$.features[*]", "$.meta", "$..id", "$.meta.list[0]", "$.features[1].id", "$.none.here"]


def outcome(data, size, **options):
    decoder = json.Decoder("$", **options)
    try:
        for chunk in cut(data, size):
            decoder.feed(chunk)
        decoder.close()
    except json.DecodeError as error:
        return error.msg, error.pos, error.lineno, error.colno
    return None


@pytest.mark.parametrize("root", ROOTS)
def test_damage_anywhere_is_the_same_error_as_without_a_root(root):
    whole = DOCUMENT + b'\x1e{"features": [1]} 2 '
    for at in range(len(whole)):
        for data in (
            whole[:at],
            whole[:at] + b'"' + whole[at + 1 :],
            whole[:at] + b"]" + whole[at:],
            whole[:at] + whole[at + 1 :],
            whole[:at] + b"\xff" + whole[at:],
        ):
            wanted = outcome(data, None)
            size = (1, 5, 64, 70, None)[at % 5]
            found = outcome(data, size, root=root)
            assert found == wanted, (at, size, data)


TOKENS = st.sampled_from(
    [b"{", b"}", b"[", b"]", b",", b":", b'"features"', b'"meta"', b'"id"', b'"\\ud834', b'"',
     b"1", b"-", b"true", b"nul", b" ", b"\n", b"\x1e", b"\xc3", b"\x01", b'{"id":', b"[[1,2],",
     b" " * 70, b"x" * 70]
)  # fmt: skip


@given(
    st.lists(TOKENS, max_size=20),
    st.lists(TOKENS, max_size=4),
    st.integers(1, 80),
    st.sampled_from(ROOTS),
)
@example([b'"', b"x" * 70, b"x" * 70, b'"'], [], 64, "$.meta")
def test_any_tokens(tokens, more, size, root):
    data = b"".join(tokens) + b'{"features": [1, {"id": 2}]' + b"".join(more) + b"}"
    assert outcome(data, size, root=root) == outcome(data, None)
    outcome(data, size, root=root, validate=False)


def test_skip_goes_on_with_the_next_line():
    good = b'{"features": [{"id": 1}, {"id": 2}], "x": [1]}\n'
    for bad in (
        b'{"features": [{"id": 1 8}, {"id": 9}]}\n',
        b'{"features": [{"id": 3}\n',
        b'{"features": [{"id": 3}], "meta": {"x": 1\n',
        b'{"meta": [1 2], "features": []}\n',
        b'{"features": [} \n',
        b"oops\n",
        b"]\n",
        b'"features\n',
    ):
        for size in CHUNKS:
            stream = json.stream(
                cut(good + bad + good * 3, size), "id", root="$.features[*]", on_error="skip"
            )
            found = [value for value in stream if value != 3]
            assert found == [1, 2] * 4, (bad, size)
            assert stream.stats.skipped >= 1


def test_rejected_records_do_not_lose_the_place():
    data = b'{"a": [{"n": 1}, {"n": "x"}, {"n": 3}], "b": 1}'
    for size in CHUNKS:
        found = json.stream(
            cut(data, size), [json.field("n", "int64")], root="$.a[*]", on_error="skip"
        )
        assert list(found) == [(1,), (3,)]
        assert found.stats.errors == 1


def test_limits_are_of_records():
    skipped = b'{"pad": ["' + b"x" * 40 + b'", '
    data = skipped + b'{"y": [1, 2]}, ' * 500 + b'{}], "a": [' + b"12, " * 500 + b'"123456789"]}'
    assert json.count(cut(data, 64), root="$.a[*]", max_record_bytes=100) == 501
    with pytest.raises(json.DecodeError, match="record longer"):
        json.count(cut(data, 64), root="$.a[*]", max_record_bytes=10)
    for validate in (True, False):
        long_key = b'{"' + b"k" * 5000 + b'": 1}'
        with pytest.raises(json.DecodeError, match="longer than max_record_bytes"):
            list(json.stream(cut(long_key, 64), root="$.a", max_record_bytes=99, validate=validate))
        spaced = b'{"a": ' + b" " * 5000 + b"[1" + b" " * 5000 + b"]}"
        options = {"root": "$.a[*]", "max_record_bytes": 99, "validate": validate}
        assert list(json.stream(cut(spaced, 64), **options)) == [1]
        for text in (b"[" * 100, b'{"x": ' * 100, b'{"a": ' * 100, b"[0, " + b"[" * 100):
            for root in ("$.a[*]", "$..zz", "$[0]"):
                with pytest.raises(json.DecodeError, match=r"max_depth|end of input"):
                    list(json.stream(cut(text, 7), root=root, max_depth=50, validate=validate))


@pytest.mark.parametrize(
    ("root", "error"), [("$.a[-1]", json.PathError), ("", json.PathError), (3, TypeError)]
)
def test_bad_roots(root, error):
    with pytest.raises(error):
        json.Decoder(root=root)


@pytest.mark.skipif(
    "ASAN_OPTIONS" in os.environ, reason="the address sanitizer keeps what was freed for a while"
)
def test_memory_is_bounded_whatever_the_size():
    # peak of a process that reads 160 MiB in chunks; half of it is beside the records
    code = """
    from fastcore import json
    def peak():
        for line in open("/proc/self/status"):
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    def chunks(count):
        yield b'{"rows": ['
        row = b'{"id": 12345, "text": "' + b"x" * 200 + b'"},' * 1
        for _ in range(count):
            yield row * 4000
        yield b'{}], "rest": [' + b"[1, 2, {}], " * 10
        for _ in range(count):
            yield b'{"skipped": ["x", 1.5, null]},' * 32000
        yield b"0]}"
    sum(1 for _ in json.stream(chunks(1), ["id"], root="$.rows[*]"))
    before = peak()
    found = sum(1 for _ in json.stream(chunks(85), ["id"], root="$.rows[*]"))
    assert found == 85 * 4000 + 1, found
    print(peak() - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 16 << 10
