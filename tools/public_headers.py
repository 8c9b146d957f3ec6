"""The folder that `fastcore.get_include()` names: the public C headers, and the same for Cython.

`stage(folder)` fills it out of csrc/include: the headers as they are, and libfastcore.pxd, which
repeats every declaration of theirs in Cython's words. setup.py calls it at each build, so that the
two cannot differ. To see the .pxd alone: ``python tools/public_headers.py``.

The translation knows the C that our headers are written in: enums, structs, opaque types, functions
(inline ones too), types of functions, and macros that are numbers. Anything else is an error.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

HEADERS = Path(__file__).resolve().parents[1] / "csrc/include"

PREAMBLE = """\
# The public headers of fastcore's C core, for Cython: link with libfastcore.a.
#
#     from libfastcore cimport fc_crc32c, fc_kernels_best
#
# Compile with -I of fastcore.get_include(). Made from the headers, which say what each does.
from libc.stddef cimport size_t
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from "<stdbool.h>" nogil:
    ctypedef bint bool
"""


class Translation:
    """Of the umbrella header and all that it includes, in that order."""

    def __init__(self) -> None:
        umbrella = (HEADERS / "fastcore.h").read_text(encoding="utf-8")
        self._names = [*re.findall(r'^#include "([^"]+)"', umbrella, re.M), "fastcore.h"]
        self._sources = {name: _plain(HEADERS / name) for name in self._names}
        self._opaque: set[str] = set()

    def text(self) -> str:
        """Return libfastcore.pxd."""
        return "\n".join([PREAMBLE, *filter(None, map(self._block, self._names))])

    def _block(self, name: str) -> str:
        lines: list[str] = []
        numbers = re.findall(r"^#define (FC_\w+)[ \t]+[\d(-]", self._sources[name], re.M)
        if numbers:
            lines += ["    enum:", *(f"        {number}" for number in numbers)]
        for statement in _statements(self._sources[name]):
            try:
                lines += [f"    {line}" for line in self._said(statement)]
            except ValueError:
                raise ValueError(f"{name}: cannot say in Cython: {statement[:100]!r}") from None
        return "\n".join([f'cdef extern from "{name}" nogil:', *lines, ""]) if lines else ""

    def _said(self, statement: str) -> list[str]:
        if found := re.fullmatch(r"(?:typedef )?enum ?(\w*) ?\{(.*)\} ?\w*", statement):
            names = [part.split("=")[0].strip() for part in found[2].split(",")]
            head = f"ctypedef enum {found[1]}:" if found[1] else "enum:"
            return [head, *(f"    {name}" for name in names if name)]
        if found := re.fullmatch(r"(typedef )?struct (\w+) ?\{(.*)\} ?\w*", statement):
            return [f"{'ctypedef' if found[1] else 'cdef'} struct {found[2]}:", *_fields(found[3])]
        if found := re.fullmatch(r"typedef struct (\w+) \1", statement):
            return self._opaque_struct(found[1])
        statement = re.sub(r"\bstruct ", "", statement)
        if re.fullmatch(r"typedef \w+ \w+|typedef [\w *]+\(\*\w+\)\([^{}]*\)", statement):
            return [f"c{statement}"]
        function = r"(?:static inline )?([\w *]+\([^{}()]*\)) ?(?:\{.*\})?"
        if found := re.fullmatch(function, statement):
            return [re.sub(r"\(void\)$", "()", found[1])]
        raise ValueError

    def _opaque_struct(self, name: str) -> list[str]:
        public = re.compile(rf"\bstruct {name} ?\{{")
        if name in self._opaque or any(map(public.search, self._sources.values())):
            return []  # declared before, or written out somewhere
        self._opaque.add(name)
        return [f"ctypedef struct {name}:", "    pass"]


def _plain(path: Path) -> str:
    """Return a header without comments, its lists (x.def) written out as their macro says."""

    def rows(found: re.Match[str]) -> str:
        listed = (HEADERS / found[2]).read_text(encoding="utf-8")
        names = re.findall(r"^FC_\w+_ROW\((\w+),", listed, re.M)
        return "".join(f"{found[1]}{name}," for name in names)

    source = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.S)
    pattern = r'#define FC_\w+_ROW\([^)]*\) (\w+)##\w+,\n#include "([^"]+)"\n#undef \w+\n'
    return re.sub(pattern, rows, source)


def _statements(source: str) -> Iterator[str]:
    """Yield what stands between semicolons outside of braces, each on one line."""
    source = re.sub(r"#ifdef __cplusplus\n.*?#endif\n", "", source, flags=re.S)
    source = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$", "", source, flags=re.M)
    depth, begin = 0, 0
    for found in re.finditer(r"[{};]", source):
        depth += {"{": 1, "}": -1, ";": 0}[found[0]]
        inline = found[0] == "}" and ")" in source[begin : source.index("{", begin)]
        if depth == 0 and (found[0] == ";" or inline):
            statement = " ".join(source[begin : found.end()].rstrip(";").split())
            begin = found.end()
            if statement:
                yield statement


def _fields(body: str) -> list[str]:
    """Return the members: none where one is a union, or the array's length is a name."""
    if "{" in body:
        return ["    pass"]
    fields = [re.sub(r"\bstruct ", "", field).strip() for field in body.split(";")]
    said = [f"    {field}" for field in fields if field and not re.search(r"\[[A-Za-z_]", field)]
    return said or ["    pass"]


def stage(folder: Path) -> None:
    """Make `folder` hold the public headers and libfastcore.pxd, and nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HEADERS, folder)
    (folder / "libfastcore.pxd").write_text(Translation().text(), encoding="utf-8")


if __name__ == "__main__":
    print(Translation().text(), end="")
