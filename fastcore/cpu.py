"""Which instruction sets the kernels may use on this machine, and which they do use.

Probing happens in C when the package is imported (``cpuid``, ``getauxval`` or
``sysctl``); no process is started and no file is read. Every level gives
bit-identical results: choosing one is a matter of speed, or of testing.

The environment variable ``FASTCORE_SIMD`` (``scalar``, ``neon``, ``sve``,
``sve2``, ``avx2`` or ``avx512``) names the highest level that may be used.
"""

from __future__ import annotations

import os
import platform
import warnings
from dataclasses import dataclass
from types import TracebackType

from fastcore._native import cpu as _native

__all__ = ["CpuInfo", "available", "info", "use"]

ENVIRONMENT_VARIABLE = "FASTCORE_SIMD"

# Every level of every architecture, best first within each: what FASTCORE_SIMD may name.
_LEVELS = {
    "x86_64": ("avx512", "avx2", "scalar"),
    "aarch64": ("sve2", "sve", "neon", "scalar"),
}
_MACHINE_NAMES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True)
class CpuInfo:
    """What the probe found.

    Attributes
    ----------
    arch : str
        ``"x86_64"``, ``"aarch64"``, or what `platform.machine` says elsewhere.
    brand : str
        The processor's own name; empty where no instruction tells it (aarch64).
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


_KERNELS = (
    "find_byte",
    "find_any",
    "count_byte",
    "offsets_byte",
    "offsets_any",
    "json_blocks",
    "utf8_prefix",
    "crc32c",
)


def _arch() -> str:
    machine = platform.machine().lower()
    return _MACHINE_NAMES.get(machine, machine)


def info() -> CpuInfo:
    """Return what the probe found and which kernels run now.

    Examples
    --------
    >>> import fastcore
    >>> "scalar" in fastcore.cpu.available()
    True
    >>> fastcore.cpu.info().kernels["find_byte"] in fastcore.cpu.available()
    True
    """
    active = _native.active()
    return CpuInfo(
        arch=_arch(),
        brand=_native.brand(),
        features=_native.features(),
        sve_bits=_native.sve_bits(),
        kernels=dict.fromkeys(_KERNELS, active),
    )


def available() -> tuple[str, ...]:
    """Return the levels that can run here, best first; the last is always ``"scalar"``."""
    return _native.available()


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
        _native.use(self._previous)


def use(level: str | None) -> _Use:
    """Choose the level for objects made from now on, in the whole process.

    Parameters
    ----------
    level : str or None
        A name out of `available`, or None for the best one.

    Returns
    -------
    context manager
        Leaving it brings the previous level back. Using it as a plain call is fine too.

    Raises
    ------
    ValueError
        This machine cannot run `level`.

    Notes
    -----
    Objects that exist already (matchers, decoders, logs) keep the kernels they were made with.

    Examples
    --------
    >>> import fastcore
    >>> with fastcore.cpu.use("scalar"):
    ...     fastcore.cpu.info().kernels["find_byte"]
    'scalar'
    """
    if level is not None and not isinstance(level, str):
        raise TypeError(f"level must be a str or None, not {type(level).__name__}")
    previous = _native.active()
    if not _native.use(available()[0] if level is None else level):
        raise ValueError(f"level {level!r} cannot run here; available: {', '.join(available())}")
    return _Use(previous)


def _apply_environment() -> None:
    """Obey FASTCORE_SIMD: the named level, or the best one below it that runs here."""
    wanted = os.environ.get(ENVIRONMENT_VARIABLE, "").strip().lower()
    if not wanted:
        return
    usable = available()
    if wanted in usable:
        _native.use(wanted)
        return
    ladder = _LEVELS.get(_arch(), ("scalar",))
    below = ladder[ladder.index(wanted) :] if wanted in ladder else ladder
    fallback = next((level for level in below if level in usable), "scalar")
    _native.use(fallback)
    warnings.warn(
        f"{ENVIRONMENT_VARIABLE}={wanted!r} cannot run here (available: {', '.join(usable)}); "
        f"using {fallback!r}",
        RuntimeWarning,
        stacklevel=2,
    )


_apply_environment()
