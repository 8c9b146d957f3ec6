"""What other projects' native code builds on: headers, library, .pxd, and the two examples."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastcore

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = Path(fastcore.get_include())
HEADERS = sorted(str(p.relative_to(INCLUDE)) for p in INCLUDE.rglob("*.h"))
CC = os.environ.get("CC", "cc").split()
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def run(*command, **options):
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def library():
    """The library, in the place where `make -C csrc` puts it."""
    run("make", "-C", ROOT / "csrc", f"CC={' '.join(CC)}")
    return ROOT / "csrc/build" / Path(CC[-1]).name / "libfastcore.a"


# -- headers --------------------------------------------------------------------------------------


def test_folder_holds_what_the_source_has():
    source = ROOT / "csrc/include"
    assert sorted(str(p.relative_to(source)) for p in source.rglob("*.h")) == HEADERS
    for name in HEADERS:
        assert (INCLUDE / name).read_bytes() == (source / name).read_bytes()
    assert [p.name for p in INCLUDE.rglob("*.pxd")] == ["libfastcore.pxd"]


@pytest.mark.parametrize("header", HEADERS)
def test_header_stands_alone_and_needs_no_python(header, tmp_path):
    source = tmp_path / "alone.c"
    source.write_text(f'#include "{header}"\n#include "{header}"\nint main(void) {{ return 0; }}\n')
    run(*CC, *STRICT, "-I", INCLUDE, "-c", source, "-o", os.devnull)
    assert "Python.h" not in (INCLUDE / header).read_text()


def test_umbrella_includes_every_header():
    umbrella = (INCLUDE / "fastcore.h").read_text()
    assert set(re.findall(r'#include "(.+?)"', umbrella)) == {*HEADERS} - {"fastcore.h"}


@pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler")
def test_headers_serve_cpp(library, tmp_path):
    source = tmp_path / "main.cpp"
    source.write_text(
        '#include <cstdio>\n#include "fastcore.h"\n'
        "int main() { std::puts(fc_version()); return fc_kernels_best() == nullptr; }\n"
    )
    run("g++", "-Wall", "-Wextra", "-Werror", "-I", INCLUDE, source, library, "-o", tmp_path / "a")
    assert run(tmp_path / "a").strip() == fastcore.__version__


def test_version_of_headers_is_that_of_the_package():
    text = (INCLUDE / "fastcore.h").read_text()
    numbers = re.findall(r"^#define FC_VERSION_(MAJOR|MINOR|PATCH) (\d+)$", text, re.M)
    assert [name for name, _ in numbers] == ["MAJOR", "MINOR", "PATCH"]
    assert ".".join(number for _, number in numbers) == fastcore.__version__


def test_pxd_says_every_function_of_the_headers():
    plain = "".join((INCLUDE / name).read_text() for name in HEADERS)
    plain = re.sub(r"/\*.*?\*/", "", plain, flags=re.S)
    functions = set(re.findall(r"\b(fc_\w+)\([^;{}]*\);", plain))
    assert len(functions) > 50
    said = (INCLUDE / "libfastcore.pxd").read_text()
    assert functions == set(re.findall(r"\b(fc_\w+)\(.*\)$", said, re.M))


# -- the library in C -----------------------------------------------------------------------------


def test_install_lays_out_what_pkg_config_names(library, tmp_path):
    run("make", "-C", ROOT / "csrc", f"CC={' '.join(CC)}", f"DESTDIR={tmp_path}", "PREFIX=/opt/fc",
        "install")  # fmt: skip
    installed = tmp_path / "opt/fc"
    assert (installed / "lib/libfastcore.a").read_bytes() == library.read_bytes()
    assert (
        sorted(str(p.relative_to(installed / "include")) for p in installed.rglob("*.h")) == HEADERS
    )
    described = (installed / "lib/pkgconfig/fastcore.pc").read_text()
    assert "prefix=/opt/fc\n" in described
    assert f"Version: {fastcore.__version__}\n" in described
    assert "-L${prefix}/lib -lfastcore" in described


@pytest.fixture(scope="module")
def keep(library, tmp_path_factory):
    program = tmp_path_factory.mktemp("keep") / "keep"
    source = ROOT / "examples/c/keep.c"
    run(*CC, *STRICT, "-O2", "-I", INCLUDE, source, library, "-pthread", "-o", program)
    return program


def test_example_in_c_does_the_main_job(keep, tmp_path):
    from fastcore import wal

    sample = gzip.decompress((ROOT / "examples/data/wiki-edits.ndjson.gz").read_bytes())
    done = subprocess.run(
        [keep, "page", "Berlin", tmp_path / "log"], input=sample, capture_output=True, check=True
    )
    wanted = [line for line in sample.splitlines() if "Berlin" in json.loads(line)["page"]]
    assert done.stdout.decode() == f"read {sample.count(10)}, kept {len(wanted)}\n"
    with wal.open(tmp_path / "log", "r") as log:
        assert [bytes(record.payload) for record in log.replay()] == wanted
    assert len(wanted) > 10


def test_example_in_c_says_what_is_wrong(keep, tmp_path):
    bad = subprocess.run(
        [keep, "a", "x", tmp_path / "log"], input=b'{"a":"x"}\n{"a":}\n', capture_output=True
    )
    assert bad.returncode == 1
    assert bad.stderr.startswith(b"keep: line 2 column 6: ")
    assert bad.stdout == b"read 1, kept 1\n"
    assert subprocess.run([keep], stderr=subprocess.PIPE).returncode == 2
    (tmp_path / "file").write_bytes(b"")
    refused = subprocess.run([keep, "a", "x", tmp_path / "file"], input=b"", stderr=subprocess.PIPE)
    assert refused.returncode == 2
    assert refused.stderr.startswith(b"keep: open the log: ")


# -- Cython ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cython(library, tmp_path_factory):
    """A folder with the Cython examples, built by the setup.py that is with them."""
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("cython") / "examples"
    shutil.copytree(ROOT / "examples/cython", folder)
    environment = {**os.environ, "LIBFASTCORE": str(library)}
    run(sys.executable, "setup.py", "build_ext", "--inplace", cwd=folder, env=environment)
    return folder


def test_examples_in_cython(cython):
    code = f"""
import sys
sys.path.insert(0, {str(cython)!r})
import linestats, levels, fastcore.cpu
data = ("één\\n" * 1000).encode()
print(linestats.line_stats(data))
print(levels.version())
print(tuple(levels.every_offset(data, 10)) == fastcore.cpu.available())
print(all(v == list(range(5, 6000, 6)) for v in levels.every_offset(data, 10).values()))
try:
    linestats.line_stats(b"ab\\xff")
except ValueError as error:
    print(error)
"""
    lines = run(sys.executable, "-c", code).splitlines()
    assert lines[0].startswith("(1000, 4000, ")
    assert lines[1:] == [fastcore.__version__, "True", "True", "not UTF-8 at byte 2"]


def test_capi_obeys_fastcore_cpu(cython):
    code = f"""
import sys
sys.path.insert(0, {str(cython)!r})
import fastcore.cpu, linestats
data = bytes(range(128)) * 99
answers = set()
for level in fastcore.cpu.available():
    with fastcore.cpu.use(level):
        answers.add(linestats.line_stats(data))
print(len(answers))
"""
    assert run(sys.executable, "-c", code).strip() == "1"


def test_capi_is_compared_by_type_when_a_module_is_loaded(cython):
    code = f"""
import sys
sys.path.insert(0, {str(cython)!r})
import fastcore.capi
fastcore.capi.__pyx_capi__["crc32c"] = fastcore.capi.__pyx_capi__["find_byte"]
try:
    import linestats
except TypeError as error:
    print(error)
"""
    assert "crc32c" in run(sys.executable, "-c", code)


def test_capi_keeps_its_functions():
    """A name may be added here; taking one away breaks programs that cimport it."""
    from fastcore import capi

    assert set(capi.__pyx_capi__) == {
        "find_byte",
        "count_byte",
        "utf8_prefix",
        "utf8_count",
        "crc32c",
    }
