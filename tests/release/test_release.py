"""What is published: the source distribution, and the files that say how wheels are made."""

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import fastcore

ROOT = Path(__file__).resolve().parents[2]
NAME = f"fastcore_native-{fastcore.__version__}"
PARTS = ["fastcore", "csrc", "tools", "pyproject.toml", "setup.py", "MANIFEST.in", "README.md"]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """Two source distributions, of two copies of the tree made at different times."""
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    built = shutil.ignore_patterns("build", "include", "*.so", "__pycache__")
    made = []
    for copy in (tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")):
        for part in PARTS:
            if (ROOT / part).is_file():
                shutil.copyfile(ROOT / part, copy / part)
            else:
                # Not `include`: csrc's is put back below, the package's is a build product.
                shutil.copytree(
                    ROOT / part, copy / part, ignore=built, copy_function=shutil.copyfile
                )
        shutil.copytree(ROOT / "csrc/include", copy / "csrc/include")
        subprocess.run(
            [sys.executable, "setup.py", "-q", "sdist"], cwd=copy, check=True, capture_output=True
        )
        made += (copy / "dist").iterdir()
    return made


def test_source_distribution_is_the_same_each_time(distributions):
    first, second = distributions
    assert first.name == f"{NAME}.tar.gz"
    assert first.read_bytes() == second.read_bytes()


def test_source_distribution_tells_nothing_of_who_made_it(distributions):
    with tarfile.open(distributions[0]) as archive:
        members = archive.getmembers()
    assert [m.name for m in members] == sorted(m.name for m in members)
    assert {m.uid for m in members} | {m.gid for m in members} == {0}
    assert {m.uname for m in members} | {m.gname for m in members} == {""}
    assert len({m.mtime for m in members}) == 1
    assert {m.mode for m in members} <= {0o644, 0o755}


def test_source_distribution_has_the_source_and_nothing_built(distributions):
    with tarfile.open(distributions[0]) as archive:
        names = {m.name.removeprefix(f"{NAME}/") for m in archive.getmembers()}
    for needed in (
        "csrc/Makefile",
        "csrc/include/fastcore.h",
        "csrc/cpu/isa.def",
        "fastcore/capi.pxd",
        "fastcore/py.typed",
        "tools/public_headers.py",
        "setup.py",
    ):
        assert needed in names
    built = re.compile(r"\.(so|o|a|pyc)$|^fastcore/.*\.c$|^fastcore/include/|^csrc/build")
    assert not list(filter(built.search, names))


def test_wheels_are_made_by_workflows_for_what_the_package_declares():
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11")
    with (ROOT / "cibuildwheel.toml").open("rb") as file:
        config = tomllib.load(file)["tool"]["cibuildwheel"]
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    declared = {
        found[1].replace(".", "")
        for text in project["classifiers"]
        if (found := re.search(r"Python :: (3\.\d+)$", text))
    }
    assert {f"cp{version}-*" for version in declared} | {"cp314t-*"} == set(config["build"].split())
    workflow = (ROOT / ".github/workflows/wheels.yml").read_text()
    built = set(re.findall(r"archs: (\w+) \}", workflow))
    wanted = {a for system in ("linux", "macos", "windows") for a in config[system]["archs"]}
    assert built == wanted
    for must in ("id-token: write", "attestations: true", "ubuntu-24.04-arm"):
        assert must in workflow
