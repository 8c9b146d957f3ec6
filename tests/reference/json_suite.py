"""JSONTestSuite, and what fastcore makes of the texts whose fate it leaves open."""

from __future__ import annotations

import tarfile
from pathlib import Path

__all__ = ["ACCEPTED", "CHUNKS", "STREAMS", "SUITE", "cut"]

CORPUS = Path(__file__).resolve().parents[1] / "corpus/json"
CHUNKS = (1, 7, 63, 64, 65, None)

# Valid streams of several values, or of none, though not valid documents.
STREAMS = {
    "n_single_space.json": [],
    "n_structure_UTF8_BOM_no_data.json": [],
    "n_structure_double_array.json": [[], []],
    "n_structure_no_data.json": [],
    "n_structure_object_with_trailing_garbage.json": [{"a": True}, "x"],
}
# Implementation-defined: all others of these are refused.
ACCEPTED = {
    "i_number_double_huge_neg_exp.json",
    "i_number_real_underflow.json",
    "i_number_too_big_neg_int.json",
    "i_number_too_big_pos_int.json",
    "i_number_very_big_negative_int.json",
    "i_structure_500_nested_arrays.json",
    "i_structure_UTF-8_BOM_empty_object.json",
}


def _suite() -> dict[str, bytes]:
    """JSONTestSuite by Nicolas Seriot (MIT): name -> text."""
    with tarfile.open(CORPUS / "JSONTestSuite_test_parsing.tar.gz") as archive:
        return {
            Path(member.name).name: archive.extractfile(member).read()
            for member in archive
            if member.isfile() and member.name.endswith(".json")
        }


SUITE = _suite()


def cut(data: bytes, size: int | None) -> list[bytes]:
    """`data` in chunks of `size` bytes, or in one."""
    size = size or len(data) or 1
    return [data[at : at + size] for at in range(0, len(data), size)]
