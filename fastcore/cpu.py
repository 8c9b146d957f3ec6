"""Which instruction sets the kernels may use on this machine, and which they do use.

Probing happens in C when the package is imported (``cpuid``, ``getauxval`` or
``sysctl``); no process is started and no file is read. Every level gives
bit-identical results: choosing one is a matter of speed, or of testing.

The environment variable ``FASTCORE_SIMD`` (``scalar``, ``neon``, ``sve``,
``sve2``, ``avx2`` or ``avx512``) names the highest level that may be used. It is
read once, at import. Where this CPU lacks the level, a `RuntimeWarning` says so
and the best level below it is the highest; the levels of another architecture
have only ``scalar`` below them.
"""

from __future__ import annotations

import os
import warnings
from types import TracebackType
from typing import NamedTuple

from fastcore._native import cpu as _native

__all__ = ["CpuInfo", "available", "info", "use"]

_ENVIRONMENT_VARIABLE = "FASTCORE_SIMD"


class CpuInfo(NamedTuple):
    """What the probe found, and what runs now.

    Attributes
    ----------
    arch : str
        ``"x86_64"``, ``"aarch64"``, or what `platform.machine` says elsewhere.
    brand : str
        The processor's name; empty where neither it nor the system tells.
    features : frozenset of str
        The features that some kernel asks for and that this CPU and OS give.
    sve_bits : int
        Bits in an SVE vector; 0 without SVE.
    kernels : dict of str to str
        For each kernel, the level whose code runs now.
    """

    arch: str
    brand: str
    features: frozenset[str]
    sve_bits: int
    kernels: dict[str, str]


def _arch() -> str:
    known = _native.arch()
    if known:
        return known
    import platform

    return platform.machine().lower()


def info() -> CpuInfo:
    """Return what the probe found and which kernels run now.

    Examples
    --------
    >>> import fastcore
    >>> fastcore.cpu.info().kernels["find_byte"] in fastcore.cpu.available()
    True
    """
    active = _native.active()
    return CpuInfo(
        arch=_arch(),
        brand=_native.brand(),
        features=_native.features(),
        sve_bits=_native.sve_bits(),
        kernels=dict.fromkeys(_native.kernels(), active),
    )


def available() -> tuple[str, ...]:
    """Return the levels that may be used here, best first; the last is always ``"scalar"``.

    These are the levels that this CPU can run, without those above ``FASTCORE_SIMD``.

    Examples
    --------
    >>> import fastcore
    >>> fastcore.cpu.available()[-1]
    'scalar'
    """
    return _available


class _Use:
    """What `use` returns: nothing to keep, unless it is entered as a context manager."""

    def __init__(self, previous: str) -> None:
        self._previous = previous

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _native.exchange(self._previous)


def use(level: str | None) -> _Use:
    """Choose the level for objects made from now on, in the whole process.

    Parameters
    ----------
    level : str or None
        A name out of `available`, or None for the best of them.

    Returns
    -------
    context manager
        Leaving it brings back the level that was in use before the call. Using it as a
        plain call is fine too.

    Raises
    ------
    ValueError
        `level` is not among `available`.
    TypeError
        `level` is neither a string nor None.

    Notes
    -----
    Objects that exist already (matchers, decoders, logs) keep the kernels they were made
    with. The choice is one for the process: any thread may make it, and sees it at once.

    Examples
    --------
    >>> import fastcore
    >>> with fastcore.cpu.use("scalar"):
    ...     fastcore.cpu.info().kernels["find_byte"]
    'scalar'
    """
    if level is not None and not isinstance(level, str):
        raise TypeError(f"level must be a str or None, not {type(level).__name__}")
    if level is not None and level not in _available:
        raise ValueError(
            f"level {level!r} is not available here; choose from {', '.join(_available)}"
        )
    return _Use(_native.exchange(_available[0] if level is None else level))


def _levels_up_to(cap: str) -> tuple[tuple[str, ...], str]:
    """The levels that may be used under FASTCORE_SIMD=`cap`, and a complaint ('' for none)."""
    usable = _native.usable_levels()
    if not cap or cap in usable:
        return usable[usable.index(cap) if cap else 0 :], ""

    every = _native.every_level()
    names = [name for name, _ in every]
    if cap not in names:
        return usable, (
            f"{_ENVIRONMENT_VARIABLE}={cap!r} names no level; use one of {', '.join(names)}. "
            f"Going on with {usable[0]!r}"
        )
    if dict(every)[cap] == _arch():
        below = tuple(level for level in usable if names.index(level) > names.index(cap))
        lacking = "this CPU"
    else:
        below = usable[-1:]
        lacking = _arch()
    return below, (
        f"{_ENVIRONMENT_VARIABLE}={cap!r}: {lacking} lacks it (there is {', '.join(usable)}). "
        f"Going on with {below[0]!r}"
    )


_available, _complaint = _levels_up_to(os.environ.get(_ENVIRONMENT_VARIABLE, "").strip().lower())
_native.exchange(_available[0])
if _complaint:
    warnings.warn(_complaint, RuntimeWarning, stacklevel=3)
del _complaint
