"""``python -m fastcore.ijson.dump``: what a routine makes of the JSON on standard input."""

from __future__ import annotations

import argparse
import sys

from fastcore import ijson

__all__ = ["main"]

COLUMNS = {
    "basic_parse": "name, value",
    "parse": "path, name, value",
    "items": "value",
    "kvitems": "key, value",
}


def main() -> None:
    """Print one numbered line per result."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("-m", "--method", choices=COLUMNS, default="basic_parse", help="default: %(default)s")
    add("-p", "--prefix", default="", help="for items and kvitems")
    add("-M", "--multiple-values", action="store_true", help="any number of values in a row")
    arguments = parser.parse_args()

    place = (arguments.prefix,) if arguments.method in ("items", "kvitems") else ()
    routine = getattr(ijson, arguments.method)
    header = f"#: {COLUMNS[arguments.method]}"
    print(header, "-" * len(header), sep="\n")
    results = routine(sys.stdin.buffer, *place, multiple_values=arguments.multiple_values)
    for index, result in enumerate(results):
        parts = (result,) if arguments.method == "items" else result
        print(f"{index}: {', '.join(map(str, parts))}")


if __name__ == "__main__":
    main()
