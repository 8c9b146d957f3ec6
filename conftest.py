"""Which fastcore is under test: say it in the header, and give child interpreters the same one.

`make test` tests the package installed in .venv; while developing it is also fine to build in place
and run ``python -m pytest`` from here. A test that starts ``python -c`` would find the source tree
in its working directory before the installed package; so the tests work in a folder of their own.
"""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

import fastcore

PACKAGE = Path(fastcore.__file__).resolve().parent


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # a pytest-xdist worker inherits both
        return
    # A shell starts what it runs in the background with SIGINT ignored, and children inherit that:
    # tests that interrupt a child would wait in vain.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    elsewhere = tempfile.TemporaryDirectory(prefix="fastcore-tests-")

    def leave() -> None:
        os.chdir(config.invocation_params.dir)
        elsewhere.cleanup()

    config.add_cleanup(leave)
    os.chdir(elsewhere.name)
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(PACKAGE.parent), *([inherited] if inherited else [])]
    )


def pytest_report_header() -> str:
    levels = ", ".join(fastcore.cpu.available())
    return f"fastcore {fastcore.__version__} from {PACKAGE}, levels: {levels}"
