"""Rules of the house that can be checked by reading: one truth per fact, includes, sizes, links."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
from pathlib import Path

import pytest

import fastcore

ROOT = Path(__file__).resolve().parents[1]
LINES_MAX = 600
# Tables that a tool wrote; the header of each says which.
GENERATED = ("number_tables.h", "crc32c_constants.h", "crc32c_tables.h")


def _tracked() -> list[Path]:
    """The tree's own files: git's list, or what a source distribution unpacked."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        built = {"build", "dist", ".venv", "__pycache__", "fastcore_native.egg-info"}
        paths = [
            p
            for p in ROOT.rglob("*")
            if not built & set(p.relative_to(ROOT).parts)
            and not (p.suffix == ".c" and p.with_suffix(".pyx").exists())  # what Cython made
        ]
    return sorted(p for p in paths if p.is_file())


FILES = _tracked()


def _named(*suffixes: str, below: str = "") -> list[Path]:
    return [p for p in FILES if p.suffix in suffixes and p.is_relative_to(ROOT / below)]


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# --- one truth per fact ----------------------------------------------------------------------


def test_version_is_the_same_everywhere():
    declared = re.search(r'^version = "(.+)"$', _text("pyproject.toml"), re.M)
    newest = re.search(r"^## \[?(\d[^\] ]*)", _text("CHANGELOG.md"), re.M)
    assert declared is not None
    assert newest is not None
    assert fastcore.__version__ == declared[1] == newest[1]


def test_makefile_installs_the_build_requirements_of_pyproject():
    table = re.search(r"^requires = \[(.+)\]$", _text("pyproject.toml"), re.M)
    makefile = re.search(r"^BUILD_REQUIRES := (.+)$", _text("Makefile"), re.M)
    assert table is not None
    assert makefile is not None
    assert re.findall(r'"(.+?)"', table[1]) == re.findall(r"'(.+?)'", makefile[1])


def test_setup_and_makefile_compile_the_core_with_the_same_flags():
    setup = re.search(r'FLAGS = (\["-std=c11".+?\])', _text("setup.py"))
    assert setup is not None
    makefile = re.findall(r"^(?:FLAGS|CFLAGS) = (.+)$", _text("csrc/Makefile"), re.M)
    flags = {flag for line in makefile for flag in line.split()}
    about_code = {flag for flag in flags if not re.match(r"-[WIM]", flag)}
    # setuptools adds -fPIC by itself; -g0 keeps wheels small.
    assert about_code - {"-fPIC"} == set(ast.literal_eval(setup[1])) - {"-g0"}


def test_readme_says_of_every_instruction_set_how_it_was_tested():
    levels = re.findall(r"^FC_ISA_ROW\((\w+),", _text("csrc/cpu/isa.def"), re.M)
    assert len(levels) == 6
    for level in levels:
        assert re.search(rf"^\| `{level}` \|", _text("README.md"), re.M), level


# --- the C boundary --------------------------------------------------------------------------


def _without_comments(source: str) -> str:
    return re.sub(r"/\*.*?\*/|//[^\n]*", " ", source, flags=re.S)


def _squeezed(declaration: str) -> str:
    """A declaration with the whitespace that means nothing taken out."""
    words = re.sub(r"\s+", " ", declaration)
    return re.sub(r" ?([^\w ]) ?", r"\1", words).strip()


def _extern_blocks() -> list[tuple[Path, str, str]]:
    """(file, header, body) of every ``cdef extern from "header"`` of ours."""
    blocks = []
    for path in _named(".pxd", ".pyx", below="fastcore"):
        pattern = r'^cdef extern from "([^"<]+)"[^\n]*:\n((?:[ \t]+[^\n]*\n|\n)+)'
        for header, body in re.findall(pattern, path.read_text() + "\n", re.M):
            blocks.append((path, header, body))
    return blocks


def _header(name: str) -> Path | None:
    return next(
        (p for p in (ROOT / "csrc" / name, ROOT / "csrc/include" / name) if p.exists()), None
    )


@pytest.mark.parametrize(
    ("path", "header", "body"),
    [pytest.param(*b, id=f"{_id(b[0])}:{b[1]}") for b in _extern_blocks()],
)
def test_cython_declarations_repeat_the_headers(path, header, body):
    """A type that differs from the header's would be converted in silence."""
    found = _header(header)
    if found is None:
        pytest.skip("a header of the system's")
    source = _squeezed(_without_comments(found.read_text()))
    body = re.sub(r"#[^\n]*", "", body)
    logical = re.sub(r",\s*\n\s*", ", ", body)  # a parameter list over several lines
    functions = [line.strip() for line in logical.splitlines() if line.rstrip().endswith(")")]
    functions += [
        line.strip()
        for line in logical.splitlines()
        if re.search(r"\) (noexcept|nogil|except)", line)
    ]
    for function in functions:
        wanted = re.sub(r"\)(\s*(noexcept|nogil|except [^\s]+))+$", ")", function)
        wanted = _squeezed(wanted).replace("bint ", "int ")
        # Cython writes no `void` for "no parameters", and no parameter names where it likes.
        wanted = re.sub(r"\(\)$", "(void)", wanted)
        assert f"{wanted};" in source, f"{_id(path)} against {header}: {function}"


def test_every_kernel_is_known_to_fastcore_cpu():
    source = _without_comments(_text("csrc/kernels/kernels.h"))
    table = re.search(r"typedef struct fc_kernels \{(.+?)\} fc_kernels;", source, re.S)
    assert table is not None
    assert list(fastcore.cpu.info().kernels) == re.findall(r"\(\*(\w+)\)", table[1])


def test_core_knows_nothing_of_python():
    for path in _named(".c", ".h", ".def", below="csrc"):
        assert not re.search(r"#\s*include\s*[<\"]Python\.h|\bPy[A-Z]\w+\(", path.read_text()), path


# Whose headers each room may include, besides its own and include/fastcore/.
MAY_USE = {
    "api": {"kernels"},
    "base": set(),
    "cpu": {"base", "kernels"},  # kernels/kernels.h: dispatch.c lists the tables
    "simd": {"base"},
    "kernels": {"base", "cpu", "simd"},
    "columns": {"base", "kernels"},
    "json": {"base", "kernels", "columns", "simd"},  # simd/target.h: compiled twice, like kernels
    "text": {"base", "kernels"},
    "wal": {"base", "kernels"},
}


@pytest.mark.parametrize("path", _named(".c", ".h", below="csrc"), ids=_id)
def test_rooms_include_only_what_they_may(path):
    room = path.relative_to(ROOT / "csrc").parts[0]
    if room == "include":
        allowed = {"fastcore"}
    else:
        assert room in MAY_USE, f"a new room: say in MAY_USE what csrc/{room} may include"
        allowed = MAY_USE[room] | {room, "fastcore"}
    for included in re.findall(r'^\s*#\s*include "([^"]+)"', path.read_text(), re.M):
        other = included.split("/")[0] if "/" in included else room
        assert other in allowed, f"{_id(path)} includes {included}"


# --- stubs -----------------------------------------------------------------------------------


def _stub_names(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    names: dict[str, ast.stmt] = {}
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names[statement.name] = statement
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names[statement.target.id] = statement
        elif isinstance(statement, ast.Assign):
            names.update({t.id: statement for t in statement.targets if isinstance(t, ast.Name)})
    return {name: found for name, found in names.items() if not name.startswith("_")}


def _public(owner: object, module: str) -> set[str]:
    def own(value: object) -> bool:
        return not inspect.ismodule(value) and getattr(value, "__module__", module) == module

    return {name for name, value in vars(owner).items() if not name.startswith("_") and own(value)}


@pytest.mark.parametrize("path", _named(".pyx", below="fastcore"), ids=_id)
def test_stubs_name_what_the_compiled_module_has(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    module = importlib.import_module(name)
    public = _public(module, name)
    if not path.with_suffix(".pyi").exists():
        assert not public, f"{_id(path)} has public names and no stub"
        return
    stub = _stub_names(ast.parse(path.with_suffix(".pyi").read_text()).body)
    assert public == {n for n in stub if hasattr(module, n)}
    assert set(stub) <= set(dir(module)), "the stub names what is not there"
    for class_name, statement in stub.items():
        if not isinstance(statement, ast.ClassDef) or class_name not in public:
            continue
        cls = getattr(module, class_name)
        in_stub = set(_stub_names(statement.body))
        assert {n for n in vars(cls) if not n.startswith("_")} <= in_stub, class_name
        assert all(hasattr(cls, n) for n in in_stub), class_name


# --- the tree --------------------------------------------------------------------------------

SOURCES = _named(".py", ".pyx", ".pxd", ".pyi", ".c", ".h", ".def", ".sh")


@pytest.mark.parametrize("path", SOURCES, ids=_id)
def test_a_file_can_be_read_at_one_sitting(path):
    if path.name in GENERATED:
        pytest.skip("generated")
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LINES_MAX, f"{lines} lines: split it by idea"


def test_no_file_knows_the_machine_it_was_written_on():
    homes = re.compile(r"(?<![\w.$}])/(?:root|work|home|Users)/\w")
    for path in FILES:
        if path.stat().st_size < 1 << 20 and path.suffix not in {".gz", ".zst", ".json", ".ndjson"}:
            found = homes.search(path.read_bytes().decode("utf-8", "replace"))
            assert found is None, f"{_id(path)}: {found}"


def test_folders_of_tests_are_not_packages():
    """tests/json/__init__.py would make a `json` that shadows the standard library's."""
    assert not [p for p in FILES if p.name == "__init__.py" and p.is_relative_to(ROOT / "tests")]


@pytest.mark.parametrize("path", _named(".md"), ids=_id)
def test_links_between_pages_lead_somewhere(path):
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if "://" in target or target.startswith(("#", "mailto:")):
            continue
        # "../../issues" and its like are the forge's pages, not files.
        assert (path.parent / target.split("#")[0]).exists(), f"{_id(path)} links to {target}"


def test_scripts_can_be_run():
    for name in ("tools/check-tools", "tools/lint", ".ci/run"):
        assert (ROOT / name).stat().st_mode & 0o111, name


def test_what_is_missing_is_said_in_one_line():
    check = [str(ROOT / "tools/check-tools"), "no-such-python"]
    done = subprocess.run(
        check, capture_output=True, text=True, env={"PATH": "", "CC": "no-such-cc"}
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    for missing in ("no-such-python", "no-such-cc", "python3-venv", "gcc"):
        assert missing in done.stderr


def _braces(name: str) -> list[str]:
    """``a{b,c}d`` -> ``abd``, ``acd``."""
    found = re.search(r"\{([^}]+)\}", name)
    if found is None:
        return [name]
    return [name[: found.start()] + one + name[found.end() :] for one in found[1].split(",")]


def test_architecture_draws_the_tree_that_is_there():
    drawn: dict[Path, None] = {}
    folders: list[str] = []
    for block in re.findall(r"^```\n(\S+/\n├.+?)^```", _text("docs/ARCHITECTURE.md"), re.M | re.S):
        root, *lines = block.splitlines()
        folders = [root.rstrip("/")]
        drawn[ROOT / folders[0]] = None
        for line in lines:  # "├── name   what it is"; an indent of four a level
            found = re.match(r"((?:│   |    )*)[├└]── (\S+)", line)
            assert found is not None, line
            depth = 1 + len(found[1]) // 4
            folders[depth:] = [found[2].rstrip("/")]
            for name in _braces(found[2].rstrip("/")):
                if "*" not in name:
                    drawn[ROOT.joinpath(*folders[:depth], name)] = None
    assert drawn
    for path in drawn:
        assert path.exists(), f"drawn and not there: {_id(path)}"
    for path in _named(".c", ".py"):
        if path.is_relative_to(ROOT / "csrc") or path.is_relative_to(ROOT / "fastcore"):
            assert path.parent in drawn, f"there and not drawn: {_id(path.parent)}"


def test_wheels_are_tested_with_what_is_there():
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11")
    config = tomllib.loads(_text("cibuildwheel.toml"))["tool"]["cibuildwheel"]
    tested = re.search(r"\{project\}/(\S+)", config["test-command"])
    assert tested is not None
    assert (ROOT / tested[1]).exists()
