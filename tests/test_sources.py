"""Sources: every kind of input gives the same bytes, and bad ones say what is wrong."""

import array
import asyncio
import contextlib
import ctypes
import gzip
import io
import mmap
import os
import pathlib
import random
import subprocess
import sys
import threading

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from fastcore import Error, _decompress
from fastcore._sources import open_async_source, open_source
from fastcore.errors import SourceError

DATA = bytes(random.Random(1).choices(range(256), k=50_000)) + b"\0" * 300_000 + b"the end"


def read(source, chunk_bytes=4096, **options):
    with open_source(source, chunk_bytes, **options) as opened:
        return b"".join(bytes(chunk) for chunk in opened)


def members(pack, data, parts=3):
    step = len(data) // parts + 1
    return b"".join(pack(data[at : at + step]) for at in range(0, len(data), step))


def skippable(body):
    return b"\x5a\x2a\x4d\x18" + len(body).to_bytes(4, "little") + body


def zstd_with(**options):
    return zstandard.ZstdCompressor(**options).compress


PACKED = {
    "plain": DATA,
    "gzip": gzip.compress(DATA),
    "gzip of many members": members(gzip.compress, DATA, 7),
    "gzip padded with zeros": gzip.compress(DATA[:9999])
    + b"\0" * 5000
    + gzip.compress(DATA[9999:])
    + b"\0",
    "zstd": zstandard.compress(DATA),
    "zstd without size": zstd_with(write_content_size=False)(DATA),
    "zstd with checksum": zstd_with(write_checksum=True)(DATA),
    "zstd of many frames": members(zstd_with(write_checksum=True), DATA, 7)
    + zstandard.compress(b""),
    "zstd skippable": skippable(b"") + members(zstandard.compress, DATA) + skippable(b"x" * 70_000),
}


@pytest.fixture(params=["compression.zstd or backports.zstd", "zstandard"])
def zstd_library(request, monkeypatch):
    """Each library that may decode zstd, as if it were the only one installed."""
    if request.param == "zstandard":
        monkeypatch.setitem(sys.modules, "compression.zstd", None)
        monkeypatch.setitem(sys.modules, "backports.zstd", None)
        monkeypatch.setitem(sys.modules, "backports", None)
    elif sys.version_info < (3, 14):
        pytest.importorskip("backports.zstd")
    return request.param


@pytest.fixture(params=["isal", "zlib"])
def gzip_library(request, monkeypatch):
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal", None)
    else:
        pytest.importorskip("isal")
    return request.param


@pytest.mark.parametrize("chunk_bytes", [1, 1000, 1 << 16, 1 << 20])
@pytest.mark.parametrize("name", PACKED)
def test_files_of_every_packing_give_the_same_bytes(
    tmp_path, name, chunk_bytes, zstd_library, gzip_library
):
    path = tmp_path / "named.anything"
    path.write_bytes(PACKED[name])
    expected = DATA
    if chunk_bytes == 1:  # decoding byte by byte is slow: a small file will do
        expected = b"small\n" * 50
        pack = {"p": bytes, "g": gzip.compress, "z": zstandard.compress}[name[0]]
        path.write_bytes(members(pack, expected))
    with open_source(path, chunk_bytes) as source:
        chunks = [bytes(chunk) for chunk in source]
        assert source.compression == {"p": None, "g": "gzip", "z": "zstd"}[name[0]]
        assert source.position == source.size == path.stat().st_size
    assert b"".join(chunks) == expected
    assert max(map(len, chunks)) <= max(chunk_bytes, 4)


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("offset", [1, 49_999, 200_000, len(DATA) - 1, len(DATA)])
def test_offset_counts_unpacked_bytes(tmp_path, name, offset):
    path = tmp_path / "f"
    path.write_bytes(PACKED[name])
    assert read(path, offset=offset) == DATA[offset:]
    with pytest.raises(SourceError, match=f"ends at byte {len(DATA)}, before the offset"):
        read(path, offset=len(DATA) + 1)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5])
def test_short_files(tmp_path, length):
    path = tmp_path / "f"
    for data in (b"\x1f\x8b\x08"[:length], b"\x28\xb5\x2f"[:length], b"{}\n{}"[:length]):
        path.write_bytes(data)
        if data[:2] == b"\x1f\x8b":
            with pytest.raises(SourceError, match="cut short"):
                read(path)
        else:
            assert read(path) == data


class OnlyRead:
    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read(self, size):
        return self._file.read(min(size, 777))


class OnlyReadinto:
    def __init__(self, data):
        self._file = io.BytesIO(data)

    def readinto(self, view):
        return self._file.readinto(view)


def chunked(data, step=999):
    return [data[at : at + step] for at in range(0, len(data), step)]


IN_MEMORY = {
    "bytes": lambda data: data,
    "bytearray": bytearray,
    "memoryview": lambda data: memoryview(b"x" + data)[1:],
    "array": lambda data: array.array("b", data),
    "ctypes": lambda data: (ctypes.c_ubyte * len(data)).from_buffer_copy(data),
    "numpy": lambda data: np.frombuffer(data, np.uint8),
    "numpy matrix": lambda data: np.frombuffer(data, np.uint8).reshape(-1, 1),
    "BytesIO": io.BytesIO,
    "BufferedReader": lambda data: io.BufferedReader(io.BytesIO(data)),
    "read": OnlyRead,
    "readinto": OnlyReadinto,
    "list": chunked,
    "generator": lambda data: (memoryview(part) for part in [b"", *chunked(data), b""]),
}


@pytest.mark.parametrize("kind", IN_MEMORY)
def test_objects_in_memory_give_their_bytes(kind):
    make = IN_MEMORY[kind]
    assert read(make(DATA)) == DATA
    assert read(make(DATA), offset=12_345) == DATA[12_345:]
    assert read(make(b"")) == b""


def test_bytes_like_is_one_chunk_without_a_copy():
    data = bytearray(b"x" * 10_000_000)
    with open_source(data) as source:
        (chunk,) = source
        data[5] = ord("y")
        assert chunk[5] == ord("y")
        assert source.size == source.position == 10_000_000


def test_mmap(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(DATA)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert read(mapped) == DATA


def test_wide_items_are_bytes():
    numbers = np.arange(10, dtype=np.int64)
    assert read(numbers) == numbers.tobytes()


def test_file_object_is_read_from_where_it_stands_and_left_open(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"0123456789")
    with open(path, "rb") as file:
        file.seek(4)
        with open_source(file) as source:
            assert source.name == str(path)
            assert b"".join(map(bytes, source)) == b"456789"
        assert not file.closed


def test_packed_file_object_is_unpacked_on_request_only():
    packed = gzip.compress(DATA)
    assert read(io.BytesIO(packed)) == packed
    assert read(io.BytesIO(packed), decompress=True) == DATA
    assert read(packed) == packed


def test_pipe_gives_bytes_as_they_come():
    reader, writer = os.pipe()
    with open(reader, "rb") as file, open(writer, "wb", buffering=0) as out:
        source = open_source(file)
        out.write(b"first")
        assert bytes(next(source)) == b"first"
        out.write(b"second")
        assert bytes(next(source)) == b"second"


def test_fifo_path_with_a_short_first_write(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)

    def write():
        packed = gzip.compress(b"through a pipe")
        with open(path, "wb", buffering=0) as out:
            for at in range(len(packed)):
                out.write(packed[at : at + 1])

    writer = threading.Thread(target=write)
    writer.start()
    assert read(path) == b"through a pipe"
    writer.join()


@pytest.mark.parametrize("source", [5, None, 1.5, object()])
def test_wrong_type_names_the_argument(source):
    with pytest.raises(TypeError, match="source must be a path, a bytes-like object"):
        open_source(source)


def test_text_is_refused(tmp_path):
    path = tmp_path / "f"
    path.write_text("text")
    with open(path) as file, pytest.raises(TypeError, match="binary mode"):
        open_source(file)

    class Text:
        def read(self, size):
            return "text"

    with pytest.raises(TypeError, match="binary mode"):
        read(Text())
    with pytest.raises(TypeError, match="yielded str; encode it first"):
        read(["text"])
    with pytest.raises(TypeError, match="yielded int"):
        read([1])


def test_strided_buffer_is_refused():
    with pytest.raises(ValueError, match="contiguous"):
        open_source(memoryview(b"abcdef")[::2])


@pytest.mark.parametrize("chunk_bytes", [0, -1])
def test_chunk_bytes_has_a_floor(chunk_bytes):
    with pytest.raises(ValueError, match="chunk_bytes must be at least 1"):
        open_source(b"", chunk_bytes)


def test_chunk_bytes_is_a_number():
    with pytest.raises(TypeError, match="chunk_bytes must be an int"):
        open_source(b"", "1M")


def test_missing_file_is_both_kinds_of_error(tmp_path):
    path = tmp_path / "none"
    with pytest.raises(FileNotFoundError, match="no such file") as caught:
        open_source(path)
    assert isinstance(caught.value, Error)
    assert caught.value.filename == str(path)


def test_directory(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a directory") as caught:
        open_source(str(tmp_path))
    assert isinstance(caught.value, SourceError)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_forbidden_file(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(PermissionError) as caught:
        open_source(path)
    assert isinstance(caught.value, SourceError)


def test_shrinking_file_is_an_error(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(DATA)
    with open_source(path, 1000) as source:
        next(source)
        os.truncate(path, 1500)
        with pytest.raises(SourceError, match=r"shrank .* ended at byte 1500 of"):
            list(source)


def test_growing_file_is_read_to_its_new_end(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"a" * 10)
    with open_source(path, 4) as source:
        next(source)
        with open(path, "ab") as more:
            more.write(b"b" * 10)
        assert b"".join(map(bytes, source)) == b"a" * 6 + b"b" * 10


@pytest.mark.parametrize("name", [name for name in PACKED if name != "plain"])
def test_cut_short_anywhere_is_an_error(tmp_path, name, zstd_library, gzip_library):
    path = tmp_path / "f"
    data = b"0123456789" * 2000
    packed = {"g": gzip.compress(data), "z": zstd_with(write_checksum=True)(data)}[name[0]]
    for cut in [*range(5, len(packed), 1 + len(packed) // 100), len(packed) - 1]:
        path.write_bytes(packed[:cut])
        with pytest.raises(SourceError, match="is damaged near compressed byte"):
            read(path)


def test_damage_is_an_error_that_names_the_file(tmp_path, zstd_library, gzip_library):
    for packed in (gzip.compress(DATA), zstd_with(write_checksum=True)(DATA)):
        path = tmp_path / "damaged"
        path.write_bytes(packed[:20_000] + bytes([packed[20_000] ^ 1]) + packed[20_001:])
        with pytest.raises(SourceError, match="is damaged near compressed byte") as caught:
            read(path)
        assert caught.value.filename == str(path)


def test_rubbish_after_the_last_member_is_an_error(tmp_path, zstd_library, gzip_library):
    path = tmp_path / "f"
    for packed in (gzip.compress(DATA), zstandard.compress(DATA)):
        path.write_bytes(packed + b"rubbish, and quite some of it")
        with pytest.raises(SourceError, match="is damaged"):
            read(path)


def test_expanding_a_thousandfold_takes_no_more_memory(tmp_path, zstd_library, gzip_library):
    path = tmp_path / "bomb"
    for packed in (gzip.compress(bytes(200_000_000), 9), zstandard.compress(bytes(200_000_000))):
        path.write_bytes(packed)
        longest = total = 0
        with open_source(path, 65_536) as source:
            for chunk in source:
                longest = max(longest, len(chunk))
                total += len(chunk)
        assert total == 200_000_000
        assert longest <= 65_536


@given(st.binary(max_size=300))
def test_rubbish_that_looks_packed_never_crashes(data):
    for magic in (b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"):
        with contextlib.suppress(SourceError):
            read(io.BytesIO(magic + data), decompress=True)


@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=5), st.integers(1, 3000))
def test_walking_zstd_blocks_agrees_with_the_library(parts, step):
    packed = b"".join(zstd_with(write_checksum=len(p) % 2 == 0)(p) + skippable(p) for p in parts)
    engine, output, data = None, b"", b""
    for chunk in chunked(packed, step):
        data = chunk
        while data:
            engine = engine or _decompress._ZstandardEngine(zstandard)
            out, data, more = engine.step(data, 1 << 20)
            assert not more
            output += out
            if engine.eof:
                engine = None
    assert engine is None
    assert output == b"".join(parts)


def test_zstd_without_a_library_names_the_extra(tmp_path, monkeypatch):
    for module in ("compression.zstd", "backports.zstd", "backports", "zstandard"):
        monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / "f"
    path.write_bytes(zstandard.compress(b"x"))
    with pytest.raises(SourceError, match=r"fastcore-native\[compress\]"):
        open_source(path)


def test_closed_source_gives_no_more(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(DATA)
    source = open_source(path, 1000)
    next(source)
    source.close()
    assert list(source) == []
    source.close()


def test_repr_shows_name_and_place(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(gzip.compress(b"x"))
    with open_source(path) as source:
        size = path.stat().st_size
        assert repr(source) == f"<Source {str(path)!r} (gzip), at byte 0 of {size}>"
    assert repr(open_source(iter([]))) == "<Source '<list_iterator>', at byte 0 of ?>"


def test_path_like_and_odd_names(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n")
    pathlib.Path(path).write_bytes(b"odd")
    assert read(path) == read(pathlib.Path(path)) == b"odd"


def test_importing_sources_is_light():
    heavy = "{'asyncio', 'zstandard', 'isal', 'numpy'}"
    code = f"import sys, fastcore._sources; print(sorted({heavy} & set(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout == "[]\n"


async def collect(source):
    return b"".join([bytes(chunk) async for chunk in open_async_source(source, 1000)])


def test_async_sources():
    async def generate():
        for part in chunked(DATA):
            yield part

    async def everything():
        stream = asyncio.StreamReader()
        stream.feed_data(DATA)
        stream.feed_eof()
        assert await collect(stream) == DATA
        assert await collect(generate()) == DATA
        assert await collect(DATA) == DATA
        assert await collect(io.BytesIO(DATA)) == DATA
        with pytest.raises(TypeError, match="source must be"):
            await collect(3)

    asyncio.run(everything())
