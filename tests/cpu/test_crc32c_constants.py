"""The CRC-32C constants in the C core are the ones that the derivation gives."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def derivation() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "crc32c_constants", ROOT / "tools" / "crc32c_constants.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def polynomial(reflected: int) -> int:
    """A reflected register as a polynomial: bit k of the result stands for x^k."""
    return int(f"{reflected:032b}"[::-1], 2)


def remainder(dividend: int) -> int:
    divisor = (1 << 32) | 0x1EDC6F41
    while dividend.bit_length() > 32:
        dividend ^= divisor << (dividend.bit_length() - 33)
    return dividend


def test_the_header_is_what_the_tool_prints(derivation):
    header = ROOT / "csrc" / "kernels" / "crc32c_constants.inc.h"
    assert header.read_text() == derivation.render()


def test_powers_agree_with_long_division(derivation):
    for exponent in (0, 1, 31, 32, 33, 95, 1000):
        assert polynomial(derivation.power(exponent)) == remainder(1 << exponent)


def test_a_negative_power_undoes_a_positive_one(derivation):
    register = derivation.power(-33)
    for _ in range(33):
        register = derivation.times_x(register)
    assert register == derivation.ONE


def test_shifts_step_by_one_word(derivation):
    shifts = derivation.shifts()
    assert len(shifts) == derivation.SHIFTS
    for r in (1, 2, 100, derivation.SHIFTS - 1):
        assert polynomial(shifts[r]) == remainder(1 << (64 * r - 33))
