"""JSONTestSuite and numbers through every door: the same values, the same refusals."""

from __future__ import annotations

import asyncio
import gzip
import json as std
import os
import struct
from pathlib import Path

import orjson
import pytest
from reference.json_suite import ACCEPTED, CHUNKS, STREAMS, SUITE, cut

from fastcore import ijson, json

WHOLE = {"all": json.field("$", "json")}


def by_stream(chunks):
    return list(json.stream(chunks))


def by_decoder(chunks):
    decoder = json.Decoder()
    return [value for chunk in chunks for value in decoder.feed(chunk)] + decoder.close()


def by_astream(chunks):
    async def main():
        return [value async for value in json.astream(chunks)]

    return asyncio.run(main())


def _loaded(batch):
    texts = batch["all"].to_pylist()
    return [None if text is None else orjson.loads(text) for text in texts]


def by_columns(chunks):
    return [value for batch in json.columns(chunks, WHOLE) for value in _loaded(batch)]


def by_threads(chunks):
    return _loaded(json.read_columns(chunks, WHOLE, threads=2, chunk_bytes=4096))


def by_items(chunks):
    reader = ijson.from_iter(chunk for chunk in chunks if chunk)
    return list(ijson.items(reader, "", use_float=True, multiple_values=True))


def by_count(chunks):
    return json.count(chunks)


DOORS = [by_stream, by_decoder, by_astream, by_columns, by_threads, by_items, by_count]
# What is left open depends on what is made of a text: counting does not mind a number that no
# float holds, a column of texts neither, and fastcore.ijson keeps lone surrogates, as ijson does.
STRICT = (by_stream, by_decoder, by_astream)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
@pytest.mark.parametrize("size", CHUNKS)
def test_suite(door, size):
    for name, data in SUITE.items():
        if name in STREAMS or (name[:2] == "i_" and door not in STRICT):
            continue
        if name[0] == "y" or name in ACCEPTED:
            found = door(cut(data, size))
            wanted = 1 if door is by_count else [std.loads(data)]
            assert found == wanted, name
        else:
            with pytest.raises((json.DecodeError, ijson.JSONError)):
                door(cut(data, size))


def test_what_is_left_open():
    assert json.count(b"1e400") == 1
    assert by_columns([b"1"]) == [1]
    assert json.read_columns(b"1e400", WHOLE)["all"].to_pylist() == ["1e400"]
    assert by_items([b'"\\ud800"']) == ["\ud800"]
    for wrong in (b'["\\ud800"]', b'["\xed\xa0\x80"]'):
        for door in (by_stream, by_count, by_columns):
            with pytest.raises(json.DecodeError):
                door([wrong])


# --- numbers ------------------------------------------------------------------------------------


def _numbers():
    """(bits of the double, text): a sample here, all of them where FASTCORE_DATA is set."""
    yield from [
        (0x4340000000000001, b"9007199254740993.0000000000000001"),
        (0x4340000000000000, b"9007199254740993.0"),
        (0x0000000000000001, b"4.9406564584124654e-324"),
        (0x0000000000000000, b"2.4703282292062327e-324"),
        (0x0000000000000001, b"2.4703282292062328e-324"),
        (0x000FFFFFFFFFFFFF, b"2.2250738585072011e-308"),
        (0x0010000000000000, b"2.2250738585072014e-308"),
        (0x7FEFFFFFFFFFFFFF, b"1.7976931348623157e308"),
        (0x7FEFFFFFFFFFFFFF, b"1.7976931348623158e308"),
        (0x3FF0000000000001, b"1.00000000000000016653345369377348106354475021362304688"),
        (0x3FF0000000000000, b"1." + b"0" * 400 + b"1"),
        (0xBFB999999999999A, b"-0.1"),
        (0x44B52D02C7E14AF6, b"1e23"),
    ]
    folder = os.environ.get("FASTCORE_DATA")
    for path in sorted(Path(folder, "json/numbers").glob("*.txt*")) if folder else ():
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for line in text.splitlines():
            fields = line.split()
            if len(fields) == 4:
                yield int(fields[2], 16), fields[3]


def _is_json(text: bytes) -> bool:
    try:
        return isinstance(orjson.loads(text), (int, float))
    except orjson.JSONDecodeError:
        return False


def test_numbers_bit_for_bit(isa):
    floats = ((bits, text) for bits, text in _numbers() if any(c in text for c in b".eE"))
    wanted = [(bits, text) for bits, text in floats if _is_json(text)]
    lines = b"\n".join(text for _, text in wanted)
    assert len(wanted) >= 13
    streamed = list(json.stream(lines))
    column = json.read_columns(lines, {"x": json.field("$", "float64")})["x"].to_numpy()
    events = [value for _, value in json.tokens(lines)]
    items = list(ijson.items(lines, "", use_float=True, multiple_values=True))
    for (bits, text), *found in zip(wanted, streamed, column, events, items, strict=True):
        for value in found:
            assert struct.unpack("<Q", struct.pack("<d", value))[0] == bits, text


# --- damage -------------------------------------------------------------------------------------

LINES = [
    b'{"n": 1, "s": "a\\u00e9\xc3\xa9"}',
    b'{"n": 2, "s": [true, null, {"x": 1.5e3}]}',
    b'{"n": 3, "s": ""}',
]


@pytest.mark.parametrize("byte", [bytes([byte]) for byte in b'"\\{}[],:0x\x00\xff'])
def test_damage_at_every_byte_costs_only_its_own_line(byte):
    for at in range(sum(map(len, LINES)) + 2):
        lines = [bytearray(line) for line in LINES]
        hurt, place = 0, at
        while place >= len(lines[hurt]) + 1:
            place -= len(lines[hurt]) + 1
            hurt += 1
        if place == len(lines[hurt]):
            continue  # the newline itself
        lines[hurt][place : place + 1] = byte
        for size in (None, 3):
            found = list(json.stream(cut(b"\n".join(lines), size), on_error="skip"))
            for index, line in enumerate(LINES):
                if index != hurt:
                    assert orjson.loads(line) in found
