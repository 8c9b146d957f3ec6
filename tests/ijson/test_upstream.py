"""ijson's own tests, where its source distribution is unpacked: FASTCORE_IJSON_SOURCE names it.

pip download --no-deps --no-binary :all: ijson && tar xzf ijson-*.tar.gz
FASTCORE_IJSON_SOURCE=$PWD/ijson-3.6.0 pytest tests/ijson
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fastcore

SOURCE = os.environ.get("FASTCORE_IJSON_SOURCE")

# What the name `ijson` means in the tests and in the processes that they start.
ALIAS = "import sys, fastcore.ijson; sys.modules[__name__] = fastcore.ijson\n"


@pytest.mark.skipif(SOURCE is None, reason="FASTCORE_IJSON_SOURCE is not set")
def test_ijsons_own_tests(tmp_path):
    names = tmp_path / "names"
    names.mkdir()
    (names / "ijson.py").write_text(ALIAS)
    (tmp_path / "tests").symlink_to(Path(SOURCE) / "tests")
    path = os.pathsep.join([str(names), str(Path(fastcore.__file__).parents[1])])
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "IJSON_BACKEND": "python"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout
