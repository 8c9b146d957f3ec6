"""A wheel as it was installed: every room imports and does one small job, on every level.

Needs pytest and the package alone, so that it runs wherever a wheel does: right after the wheel was
built, under emulation, in a container.
"""

from __future__ import annotations

import pytest

import fastcore

LEVELS = fastcore.cpu.available()


@pytest.fixture(params=LEVELS)
def level(request):
    with fastcore.cpu.use(request.param):
        yield request.param


def test_cpu_says_what_runs(level):
    info = fastcore.cpu.info()
    assert set(info.kernels.values()) == {level}
    assert LEVELS[-1] == "scalar"
