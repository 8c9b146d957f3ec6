"""Fixtures that every room's tests may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import fastcore


@pytest.fixture(params=fastcore.cpu.available())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test once per instruction set of this machine, with that one in use."""
    with fastcore.cpu.use(request.param):
        yield request.param
