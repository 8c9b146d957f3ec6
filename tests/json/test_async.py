"""astream: what stream gives, from sources of every kind, beside other tasks."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import threading
from decimal import Decimal

import pytest

from fastcore import json

DATA = b"".join(b'{"id": %d, "name": "\xc3\xa9"}\n' % i for i in range(1000))
IDS = list(range(1000))


def collect(source, select="id", **options):
    async def main():
        return [value async for value in json.astream(source, select, **options)]

    return asyncio.run(main())


async def achunks(data=DATA, size=100):
    for at in range(0, len(data), size):
        await asyncio.sleep(0)
        yield data[at : at + size]


@pytest.mark.parametrize("chunk_bytes", [1, 100, 1 << 20])
def test_every_source(tmp_path, chunk_bytes):
    path = tmp_path / "data"
    path.write_bytes(DATA)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(DATA))
    options = {"chunk_bytes": chunk_bytes}
    assert collect(DATA, **options) == IDS
    assert collect(bytearray(DATA), **options) == IDS
    assert collect(path, **options) == collect(str(path), **options) == IDS
    assert collect(packed, **options) == IDS
    assert collect(io.BytesIO(DATA), **options) == IDS
    assert collect([DATA[:99], b"", DATA[99:]], **options) == IDS
    assert collect(achunks(), **options) == IDS


def test_a_stream_reader():
    async def main():
        reader = asyncio.StreamReader(limit=10)  # lines may be longer: it is not asked for lines
        reader.feed_data(DATA)
        reader.feed_eof()
        return [value async for value in json.astream(reader, "id", chunk_bytes=77)]

    assert asyncio.run(main()) == IDS


def test_keywords_are_those_of_stream():
    data = b'{"a": [{"b": 1.5}, {"b": x}]}'
    with pytest.raises(json.DecodeError) as caught:
        collect(data, "b", root="$.a[*]", numbers="decimal")
    assert caught.value.pos == 25
    source = b'{"b": 1.5}\n{"b": x}\n{"b": 2}\n'
    assert collect(source, "b", on_error="skip") == [1.5, 2]
    assert collect(source[:11], "b", numbers="decimal") == [Decimal("1.5")]
    assert collect(b'{"a": [1 2], "b": 3}', "b", validate=False) == [3]


def test_values_before_an_error_come_first():
    async def main():
        values = json.astream([b"1 2 ", b"3 x"])
        found = [await anext(values) for _ in range(3)]
        with pytest.raises(json.DecodeError):
            await anext(values)
        assert [value async for value in values] == []
        return found, values.stats

    found, stats = asyncio.run(main())
    assert found == [1, 2, 3]
    assert (stats.records, stats.errors) == (3, 1)


def test_other_tasks_run_meanwhile():
    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(tick())
        async for _ in json.astream(DATA, "id", chunk_bytes=100):
            pass
        task.cancel()
        return ticks

    assert asyncio.run(main()) > 100


def test_a_slow_pipe_holds_up_nobody():
    reading, writing = os.pipe()

    async def main():
        with os.fdopen(reading, "rb") as file:
            values = json.astream(file)
            first = asyncio.ensure_future(anext(values))
            await asyncio.sleep(0.01)
            assert not first.done()
            os.write(writing, b"1\n")
            assert await first == 1
            os.close(writing)
            assert [value async for value in values] == []

    asyncio.run(main())


def test_a_task_that_is_cancelled_while_a_thread_reads():
    entered, leave = threading.Event(), threading.Event()

    class Slow(io.RawIOBase):
        def readinto(self, buffer):
            entered.set()
            leave.wait(10)
            return 0

    async def main():
        task = asyncio.ensure_future(anext(json.astream(Slow())))
        while not entered.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        leave.set()

    asyncio.run(main())


def test_closing_early():
    closed = []

    async def chunks():
        try:
            yield b"1 2 3 "
            yield b"4 "
        finally:
            closed.append(True)

    async def main():
        values = json.astream(chunks())
        assert await anext(values) == 1
        await values.aclose()
        assert [value async for value in values] in ([], [2, 3])

    asyncio.run(main())
    assert closed == [True]


def test_wrong_use():
    with pytest.raises(json.PathError):
        json.astream(b"", "$[")
    with pytest.raises(TypeError, match="source"):
        collect(7)
    with pytest.raises(TypeError, match="bytes-like"):
        collect(["text"])
    with pytest.raises(FileNotFoundError):
        collect("no-such-file")
