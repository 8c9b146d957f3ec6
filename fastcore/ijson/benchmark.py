"""``python -m fastcore.ijson.benchmark``: how fast the routines are, on made-up input or files."""

from __future__ import annotations

import argparse
import asyncio
import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastcore import ijson

__all__ = ["main"]


def _object(member: Callable[[int], str]) -> Callable[[int], str]:
    return lambda n: "{" + ",\n".join(f'"key_{i}": {member(i)}' for i in range(n)) + "}"


INPUTS: dict[str, Callable[[int], str]] = {
    "long_list": lambda n: "[" + ",".join(["1"] * n) + "]",
    "big_int_object": _object(str),
    "big_decimal_object": _object(lambda i: f"{i}.0"),
    "big_null_object": _object(lambda i: "null"),
    "big_bool_object": _object(lambda i: "false" if i % 2 else "true"),
    "big_str_object": _object(lambda i: f'"value_{i}"'),
    "big_longstr_object": _object(
        lambda i: '"' + "a value of some length, as texts have " * 2 + '"'
    ),
    "object_with_10_keys": lambda n: (
        "[" + ",".join([_object(lambda i: f'"value_{i}"')(10)] * n) + "]"
    ),
    "empty_lists": lambda n: "[" + ", ".join(["[]"] * n) + "]",
    "empty_objects": lambda n: "[" + ", ".join(["{}"] * n) + "]",
}


class _AsyncFile:
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    async def read(self, n: int = -1) -> bytes:
        return self._file.read(n)


class _Nowhere:
    def send(self, value: object) -> None:
        pass


async def _drain(results: Any) -> None:
    async for _ in results:
        pass


def _run(arguments: argparse.Namespace, data: bytes) -> None:
    place = (arguments.prefix,) if arguments.method in ("items", "kvitems") else ()
    config = {"multiple_values": arguments.multiple_values, "use_float": arguments.use_float}
    if arguments.coro:
        coro = getattr(ijson, f"{arguments.method}_coro")(_Nowhere(), *place, **config)
        for at in range(0, len(data), arguments.bufsize):
            coro.send(data[at : at + arguments.bufsize])
        coro.close()
        return
    config["buf_size"] = arguments.bufsize
    if arguments.use_async:
        routine = getattr(ijson, f"{arguments.method}_async")
        asyncio.run(_drain(routine(_AsyncFile(data), *place, **config)))
        return
    for _ in getattr(ijson, f"{arguments.method}_gen")(io.BytesIO(data), *place, **config):
        pass


def _report(arguments: argparse.Namespace, name: str, data: bytes) -> None:
    seconds = []
    for _ in range(arguments.iterations):
        start = time.perf_counter()
        _run(arguments, data)
        seconds.append(time.perf_counter() - start)
    megabytes = len(data) / 1e6
    middle = statistics.median(seconds)
    print(f"{name}, {arguments.method}, {megabytes:.3f}, {middle:.4f}, {megabytes / middle:.1f}")


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in INPUTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no input called {', '.join(unknown)}; see --list")
    return names


def main() -> None:
    """Print one line per input: name, routine, MB, median seconds, MB/s."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help="measure these instead of made-up input")
    add("-l", "--list", action="store_true", help="list the made-up inputs")
    add("-b", "--benchmarks", type=_names, default=list(INPUTS), help="these inputs only")
    add("-s", "--size", type=int, default=100_000, help="values in each; default: %(default)s")
    add("-I", "--iterations", type=int, default=1, help="default: %(default)s")
    add("-S", "--bufsize", type=int, default=64 * 1024, help="bytes; default: %(default)s")
    add("-m", "--method", choices=("basic_parse", "parse", "items", "kvitems"),
        default="basic_parse", help="default: %(default)s")  # fmt: skip
    add("-p", "--prefix", default="", help="for items and kvitems")
    add("-M", "--multiple-values", action="store_true")
    add("-f", "--use-float", action="store_true")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("-c", "--coro", action="store_true", help="the form that is sent chunks")
    form.add_argument("-a", "--async", action="store_true", dest="use_async")
    arguments = parser.parse_args()

    if arguments.list:
        print(*INPUTS, sep="\n")
        return
    print("# input, routine, MB, median seconds, MB/s")
    for name in arguments.files:
        _report(arguments, name, Path(name).read_bytes())
    if not arguments.files:
        for name in arguments.benchmarks:
            _report(arguments, name, INPUTS[name](arguments.size).encode())


if __name__ == "__main__":
    main()
