"""Fixtures that every room's tests may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import fastcore

try:
    from hypothesis import settings
except ImportError:  # the smoke tests need pytest alone
    pass
else:
    # How long an example takes is the machine's business: a busy one must not fail a test.
    settings.register_profile("fastcore", deadline=None, print_blob=True)
    settings.load_profile("fastcore")


@pytest.fixture(params=fastcore.cpu.available())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test once per instruction set of this machine, with that one in use."""
    with fastcore.cpu.use(request.param):
        yield request.param
