"""The kernels that no public function shows as they are: every ISA against plain Python."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import fastcore
from fastcore._native import kernels

WHITE_SPACE = b" \t\n\r"
HAS_CONTROL, HAS_NON_ASCII = 1, 2


@pytest.fixture(params=range(9), ids=lambda shift: f"shift{shift}")
def shift(request):
    return request.param


def test_first_hit_at_every_place(isa, shift):
    """find_byte and find_any tell the first one, at any alignment."""
    room = bytearray(330)
    view = memoryview(room)[shift:]
    for length in (0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 129, 255, 257, 300):
        data = view[:length]
        assert kernels.find_byte(data, 1) == kernels.find_any(data, b"\x01\x02") == length
        for at in range(length):
            data[at] = 1
            assert kernels.find_byte(data, 1) == kernels.find_any(data, b"\x01\x02") == at
            data[at] = 0


@given(data=st.binary(max_size=400), members=st.binary(max_size=40))
def test_find_any_of_any_set(data, members):
    want = next((i for i, byte in enumerate(data) if byte in members), len(data))
    for level in fastcore.cpu.available():
        with fastcore.cpu.use(level):
            assert kernels.find_any(data, members) == want


# ---- JSON -----------------------------------------------------------------------------------


def masks_of(data):
    """The masks of a whole stream, as {name: list of bool}, by one pass over the bytes."""
    masks = {name: [False] * len(data) for name in kernels.JSON_MASKS}
    in_string = escaped = in_scalar = False
    flags = 0
    for i, byte in enumerate(data):
        quote = byte == ord('"') and not escaped
        escaped = byte == ord("\\") and not escaped
        masks["backslash"][i] = byte == ord("\\")
        masks["quote"][i] = quote
        in_string ^= quote
        masks["string"][i] = in_string
        scalar = False
        if in_string and byte < 0x20:
            flags |= HAS_CONTROL
        if byte >= 0x80:
            flags |= HAS_NON_ASCII
        if not in_string and not quote:
            masks["open"][i] = byte in b"{["
            masks["close"][i] = byte in b"}]"
            masks["comma"][i] = byte == ord(",")
            masks["colon"][i] = byte == ord(":")
            scalar = byte not in b"{}[],:" + WHITE_SPACE
        masks["scalar"][i] = scalar and not in_scalar
        in_scalar = scalar
    return masks, (int(escaped), -int(in_string) % 2**64, int(in_scalar)), flags


def unpack(blocks, name):
    column = np.ascontiguousarray(blocks[:, kernels.JSON_MASKS.index(name)])
    return np.unpackbits(column.view(np.uint8), bitorder="little").astype(bool).tolist()


def padded(data):
    return bytes(data) + b" " * (-len(data) % 64)


JSON_PIECES = st.sampled_from(
    [b'"', b"\\", b'\\"', b"\\\\", b"{", b"}", b"[", b"]", b",", b":", b"1.5e3", b"true", b" ",
     b"\n", b"\t", b"\r", b"\x00", b"\x1f", b"\x7f", "é".encode(), b"\xff", b"x" * 61]
)  # fmt: skip
JSON_LIKE = st.lists(JSON_PIECES, max_size=200).map(b"".join)


@given(data=JSON_LIKE | st.binary(max_size=400), cut=st.integers(0, 8))
@example(data=b"\\" * 63 + b'"' + b"\\" * 64 + b'"', cut=1)
@example(data=b'"' + b"\\" * 127 + b'"', cut=2)
def test_json_masks(data, cut):
    """In one call and in two, with what is carried from the first to the second."""
    data = padded(data)
    want, carry_want, flags_want = masks_of(data)
    cut = min(64 * cut, len(data))
    for level in fastcore.cpu.available():
        with fastcore.cpu.use(level):
            first, carry, flags_first = kernels.json_blocks(data[:cut])
            second, carry, flags_second = kernels.json_blocks(data[cut:], carry)
            blocks = np.concatenate([first, second])
            for name in kernels.JSON_MASKS:
                assert unpack(blocks, name) == want[name], (level, name)
            assert carry == carry_want
            assert flags_first | flags_second == flags_want


def test_strings_include_the_opening_quote_alone(isa):
    data = padded(b'{"a": "b\\"c", "d": -1.5}')
    blocks, carry, flags = kernels.json_blocks(data)
    spell = {
        n: "".join("^" if b else "." for b in unpack(blocks, n)[:24]) for n in kernels.JSON_MASKS
    }
    assert spell["quote"] == ".^.^..^....^..^.^......."
    assert spell["string"] == ".^^...^^^^^...^^........"
    assert spell["backslash"] == "........^..............."
    assert spell["open"] == "^......................."
    assert spell["close"] == ".......................^"
    assert spell["comma"] == "............^..........."
    assert spell["colon"] == "....^............^......"
    assert spell["scalar"] == "...................^...."
    assert (carry, flags) == ((0, 0, 0), 0)


# ---- UTF-8 ----------------------------------------------------------------------------------


def well_formed_prefix(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return len(data)


ILL_FORMED = [
    bytes.fromhex(sequence)
    for sequence in (
        "80", "c080", "c1bf", "c3", "e09fbf", "e282", "eda080", "f08fbfbf", "f09f98", "f4908080",
        "f5808080", "ff",
    )
]  # fmt: skip


@given(
    text=st.text(max_size=300).map(str.encode),
    filler=st.sampled_from(["a", "é", "€", "😀"]).map(str.encode),
    times=st.integers(0, 150),
    bad=st.sampled_from([b"", *ILL_FORMED]),
    rest=st.binary(max_size=100),
)
def test_utf8_prefix_is_where_python_stops(text, filler, times, bad, rest):
    data = text + filler * times + bad + rest
    for level in fastcore.cpu.available():
        with fastcore.cpu.use(level):
            assert kernels.utf8_prefix(data) == well_formed_prefix(data)


@pytest.mark.parametrize("bad", ILL_FORMED)
def test_utf8_fault_at_every_place(isa, bad):
    for filler in (b"a", "é".encode(), "€".encode(), "😀".encode()):
        for before in range(0, 290 // len(filler)):
            for after in (b"", b"b" * 40, "é".encode() * 150):
                data = filler * before + bad + after
                assert kernels.utf8_prefix(data) == len(filler) * before


def test_utf8_of_every_code_point(isa):
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)])).encode()
    assert kernels.utf8_prefix(every) == len(every)
    assert kernels.utf8_prefix(every[1:-1]) == len(every) - 5


@pytest.mark.parametrize("code", range(0xD800, 0xE000, 61))
def test_utf8_of_surrogates(isa, code):
    bad = chr(code).encode("utf-8", "surrogatepass")
    assert kernels.utf8_prefix(b"." * 200 + bad + b"." * 200) == 200


def test_rows_are_checksummed_each_by_itself(isa):
    data = bytes(range(256)) * 3
    for row_bytes in (1, 7, 8, 24, 100, 256, 700, 769):
        rows = len(data) // row_bytes
        want = [kernels.crc32c(data[i * row_bytes : (i + 1) * row_bytes]) for i in range(rows)]
        assert kernels.crc32c_rows(data, row_bytes).tolist() == want
    with pytest.raises(ValueError, match="row_bytes must be 1 or more"):
        kernels.crc32c_rows(data, 0)
