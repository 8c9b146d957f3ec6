"""fastcore.cpu: what the probe says, which levels there are, and how one is chosen."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import fastcore
from fastcore._native import cpu as native

BEST_FIRST = [name for name, _ in native.every_level()]


def active() -> str:
    (level,) = set(fastcore.cpu.info().kernels.values())
    return level


def run(program: str, simd: str | None = None) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter; a warning that it does not expect is an error."""
    environment = {k: v for k, v in os.environ.items() if k != "FASTCORE_SIMD"}
    if simd is not None:
        environment["FASTCORE_SIMD"] = simd
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


# What an import with FASTCORE_SIMD gives: the warnings, then the levels, then the one in use.
REPORT = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fastcore
for warning in caught:
    print("warning:", warning.category.__name__, warning.filename, warning.message)
print("available:", *fastcore.cpu.available())
print("active:", *set(fastcore.cpu.info().kernels.values()))
"""


def report(simd: str | None) -> dict[str, list[str]]:
    done = run(REPORT, simd)
    assert done.returncode == 0, done.stderr
    lines: dict[str, list[str]] = {"warning": [], "available": [], "active": []}
    for line in done.stdout.splitlines():
        key, _, rest = line.partition(": ")
        lines[key].append(rest)
    assert len(lines["active"]) == 1
    return lines


@pytest.fixture(scope="module")
def uncapped() -> tuple[str, ...]:
    """The levels of this machine, whatever FASTCORE_SIMD this test run has."""
    return native.usable_levels()


# --- info and available ----------------------------------------------------------------------


def test_levels_are_in_order_and_end_with_scalar():
    available = fastcore.cpu.available()
    assert available[-1] == "scalar"
    assert list(available) == [level for level in BEST_FIRST if level in available]


def test_info_names_every_kernel_and_the_level_in_use(isa):
    info = fastcore.cpu.info()
    assert set(info.kernels.values()) == {isa}
    assert {"find_byte", "json_blocks", "utf8_prefix", "crc32c"} <= set(info.kernels)


def test_info_is_of_this_machine():
    info = fastcore.cpu.info()
    same = {"amd64": "x86_64", "arm64": "aarch64"}
    machine = platform.machine().lower()
    assert info.arch == same.get(machine, machine)
    assert isinstance(info.features, frozenset)
    assert all(isinstance(feature, str) for feature in info.features)
    assert (info.sve_bits > 0) == ("sve" in info.features)
    assert info.sve_bits % 128 == 0
    assert info.brand == info.brand.strip()


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="needs x86-64 Linux"
)
def test_features_are_those_that_linux_reports():
    """The kernel hides what it does not save, and so must the probe."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = set(next(line for line in lines if line.startswith("flags")).split())
    wanted = {
        "avx2": {"avx2"},
        "bmi2": {"bmi1", "bmi2", "popcnt", "abm"},
        "pclmulqdq": {"pclmulqdq", "sse4_2"},
        "avx512": {"avx512f", "avx512bw", "avx512vl", "avx512dq"},
        "avx512vbmi": {"avx512vbmi"},
        "avx512vbmi2": {"avx512_vbmi2"},
        "vpclmulqdq": {"vpclmulqdq"},
    }
    expected = {name for name, needs in wanted.items() if needs <= flags}
    assert fastcore.cpu.info().features == expected
    assert ("avx2" in native.usable_levels()) == ({"avx2", "bmi2", "pclmulqdq"} <= expected)
    brand = next(line for line in lines if line.startswith("model name")).split(":")[1].strip()
    assert fastcore.cpu.info().brand == brand


@pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "aarch64", reason="needs aarch64 Linux"
)
def test_levels_follow_the_features_on_aarch64():
    info = fastcore.cpu.info()
    usable = native.usable_levels()
    assert "neon" in info.features
    assert ("neon" in usable) == ("crc32" in info.features)
    assert ("sve" in usable) <= ("sve" in info.features)
    assert ("sve2" in usable) <= ("sve2" in info.features)


# --- use -------------------------------------------------------------------------------------


@pytest.fixture
def restored():
    with fastcore.cpu.use(None):
        yield


def test_use_as_a_call_stays(restored):
    for level in fastcore.cpu.available():
        fastcore.cpu.use(level)
        assert active() == level


def test_use_none_is_the_best(restored):
    fastcore.cpu.use("scalar")
    fastcore.cpu.use(None)
    assert active() == fastcore.cpu.available()[0]


def test_use_as_a_context_manager_restores_also_when_nested_and_after_an_error(restored):
    best = fastcore.cpu.available()[0]
    fastcore.cpu.use(best)
    with fastcore.cpu.use("scalar"):
        with fastcore.cpu.use(None):
            assert active() == best
        assert active() == "scalar"
        with pytest.raises(KeyError), fastcore.cpu.use(best):
            raise KeyError
        assert active() == "scalar"
    assert active() == best


@pytest.mark.parametrize("level", ["AVX2 ", "", "sse2", "sve9", "none"])
def test_use_of_an_unknown_level_names_those_there_are(level, restored):
    before = active()
    with pytest.raises(ValueError, match="scalar"):
        fastcore.cpu.use(level)
    assert active() == before


def test_use_of_a_level_that_this_machine_lacks():
    lacking = [level for level in BEST_FIRST if level not in native.usable_levels()]
    assert lacking, "no machine has the levels of two architectures"
    for level in lacking:
        with pytest.raises(ValueError, match=f"{level!r} is not available"):
            fastcore.cpu.use(level)


@pytest.mark.parametrize("level", [1, b"scalar", ["scalar"], True])
def test_use_of_a_wrong_type_names_the_argument(level):
    with pytest.raises(TypeError, match="level must be a str or None, not"):
        fastcore.cpu.use(level)


def test_threads_see_a_level_that_exists(restored):
    available = fastcore.cpu.available()
    seen: set[str] = set()

    def choose() -> None:
        for i in range(500):
            fastcore.cpu.use(available[i % len(available)])
            seen.add(native.active())

    threads = [threading.Thread(target=choose) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen <= set(available)


# --- FASTCORE_SIMD ---------------------------------------------------------------------------


@pytest.mark.parametrize("simd", [None, "", "  "])
def test_no_cap(simd, uncapped):
    assert report(simd) == {
        "warning": [],
        "available": [" ".join(uncapped)],
        "active": [uncapped[0]],
    }


@pytest.mark.parametrize("spelling", [str.lower, str.upper, " {} ".format])
def test_cap_at_each_level_of_this_machine(spelling, uncapped):
    for i, level in enumerate(uncapped):
        assert report(spelling(level)) == {
            "warning": [],
            "available": [" ".join(uncapped[i:])],
            "active": [level],
        }


def test_cap_at_a_level_that_this_machine_lacks(uncapped):
    arch = fastcore.cpu.info().arch
    for level, of_arch in native.every_level():
        if level in uncapped:
            continue
        below = [other for other in uncapped if BEST_FIRST.index(other) > BEST_FIRST.index(level)]
        expected = below if of_arch == arch else ["scalar"]
        got = report(level)
        assert got["available"] == [" ".join(expected)]
        assert got["active"] == expected[:1]
        (warning,) = got["warning"]
        assert warning.startswith("RuntimeWarning")
        assert f"FASTCORE_SIMD={level!r}" in warning
        assert repr(expected[0]) in warning


def test_cap_that_names_no_level_lists_those_there_are(uncapped):
    got = report("avx1024")
    assert got["available"] == [" ".join(uncapped)]
    (warning,) = got["warning"]
    assert warning.startswith("RuntimeWarning")
    assert all(level in warning for level in BEST_FIRST)


def test_the_warning_points_at_the_import():
    (warning,) = report("avx1024")["warning"]
    assert warning.split()[1] == "<string>"


def test_levels_above_the_cap_cannot_be_used(uncapped):
    done = run(
        f"""
import fastcore
fastcore.cpu.use(None)
assert set(fastcore.cpu.info().kernels.values()) == {{"scalar"}}
try:
    fastcore.cpu.use({uncapped[0]!r})
except ValueError as error:
    print(error)
""",
        simd="scalar",
    )
    assert done.returncode == 0, done.stderr
    if uncapped[0] != "scalar":
        assert "choose from scalar" in done.stdout


# --- import ----------------------------------------------------------------------------------


def test_import_starts_no_process_and_opens_no_file_to_probe():
    """Files may be opened to import modules, so none but those of Python's own paths."""
    done = run(
        """
import sys
import numpy
opened, started = [], []
def hook(event, args):
    if event in ("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.exec"):
        started.append(args)
    if event == "open" and not str(args[0]).endswith((".py", ".pyc", ".so", ".pyd")):
        opened.append(str(args[0]))
sys.addaudithook(hook)
import fastcore
fastcore.cpu.info()
assert not started, started
assert not [path for path in opened if path.startswith(("/proc", "/sys", "/etc"))], opened
"""
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("extra", ["redis", "nats", "re2", "isal", "zstandard", "cpuinfo"])
def test_import_takes_no_extra(extra):
    done = run(f"import sys, fastcore; assert {extra!r} not in sys.modules")
    assert done.returncode == 0, done.stderr
