"""The files that an installed package must have, and those it must not."""

from pathlib import Path

import fastcore

PACKAGE = Path(fastcore.__file__).resolve().parent
WHEEL_BYTES_MAX = 3_000_000
IN_THE_SOURCE_TREE = (PACKAGE.parent / "setup.py").exists()


def test_types_headers_and_declarations_are_there():
    assert (PACKAGE / "py.typed").exists()
    include = Path(fastcore.get_include())
    for name in ("fastcore.h", "fastcore/kernels.h", "fastcore/json.h", "libfastcore.pxd"):
        assert (include / name).exists(), name
    assert (PACKAGE / "capi.pxd").exists()
    for module in (PACKAGE / "_native").glob("*.so"):
        name = module.name.split(".")[0]
        if name != "errors":  # has nothing that Python could call
            assert (PACKAGE / "_native" / f"{name}.pyi").exists(), name


def test_nothing_is_there_that_nobody_needs():
    if IN_THE_SOURCE_TREE:
        return  # what a build in place leaves beside the source
    files = [p for p in PACKAGE.rglob("*") if p.is_file() and p.suffix != ".pyc"]
    assert not [p for p in files if p.suffix in {".c", ".o", ".pyx"}]
    assert sum(p.stat().st_size for p in files) < 3 * WHEEL_BYTES_MAX, "unpacked"
