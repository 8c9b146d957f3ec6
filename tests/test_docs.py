"""Every example that is printed somewhere is run: docstrings, README, docs.

In Markdown, a ``python`` block with prompts is a doctest and one without is run as it stands; the
blocks of a page share their names, as a reader would type them one after the other. A ``console``
block holds commands after ``$`` and what they print. Both work in a folder of their own that holds
the sample, ``edits.ndjson.gz``. Other blocks (``sh``, ``c``) are not run. A page that says
``<!-- needs: redis-server -->`` gets one, at ``REDIS_URL``, and is skipped where there is none.
"""

from __future__ import annotations

import doctest
import importlib.util
import os
import pkgutil
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import fastcore

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "examples/data/wiki-edits.ndjson.gz"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)

MODULES = sorted(m.name for m in pkgutil.walk_packages(fastcore.__path__, "fastcore."))
PAGES = sorted(
    page
    for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    if re.search(r"^```(python|console)$", page.read_text(encoding="utf-8"), re.M)
)


@pytest.mark.parametrize("name", ["fastcore", *(m for m in MODULES if not m.endswith("__main__"))])
def test_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=FLAGS, report=False)
    assert failed == 0


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the sample in it, and the package's own command first in PATH."""
    folder = tmp_path / "desk"
    folder.mkdir()
    shutil.copy(SAMPLE, folder / "edits.ndjson.gz")
    monkeypatch.chdir(folder)
    commands = [Path(sys.executable).parent]
    if not (commands[0] / "fastcore").exists():  # built in place, not installed
        commands.insert(0, tmp_path / "bin")
        commands[0].mkdir()
        (commands[0] / "fastcore").write_text(
            f'#!/bin/sh\nexec {sys.executable} -m fastcore "$@"\n'
        )
        (commands[0] / "fastcore").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, commands), os.environ["PATH"]]))
    monkeypatch.setenv("NO_COLOR", "1")
    return folder


def _console(block: str, where: str) -> None:
    """Run each ``$ command`` and compare what it prints, as a doctest would."""
    for command, wanted in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", block, re.M):
        done = subprocess.run(
            ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        same = doctest.OutputChecker().check_output(wanted, done.stdout, FLAGS)
        assert same, f"{where}: $ {command}\nshould print\n{wanted}\nbut prints\n{done.stdout}"


@pytest.fixture
def redis(desk, monkeypatch):
    """A Redis server of this test alone."""
    if not shutil.which("redis-server") or importlib.util.find_spec("redis") is None:
        pytest.skip("no redis-server, or no redis client, here")
    import redis
    from redis.backoff import ConstantBackoff
    from redis.retry import Retry

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}"
    monkeypatch.setenv("REDIS_URL", url)
    with redis.Redis.from_url(url, retry=Retry(ConstantBackoff(0.05), 100)) as client:
        client.ping()
    yield
    process.terminate()
    process.wait(30)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages(page, desk, request):
    text = page.read_text(encoding="utf-8")
    if needs := re.search(r"^<!-- needs: (\S+) -->$", text, re.M):
        request.getfixturevalue(needs[1].removesuffix("-server"))
    names = {"__name__": "__main__"}
    for found in BLOCK.finditer(text):
        language, block = found.groups()
        line = text.count("\n", 0, found.start()) + 1
        where = f"{page.relative_to(ROOT)}:{line}"
        if language == "console":
            _console(block, where)
        elif language == "python" and ">>>" in block:
            test = doctest.DocTestParser().get_doctest(block, names, where, str(page), line)
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            report: list[str] = []
            runner.run(test, out=report.append, clear_globs=False)
            names = test.globs
            assert runner.failures == 0, "".join(report)
        elif language == "python":
            exec(compile(block, where, "exec"), names)
