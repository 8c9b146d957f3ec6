"""The extension modules: one per room of the core, all with the same flags.

Everything else about the package is in pyproject.toml. A room's module is made
of fastcore/_native/<room>.pyx and the C files of the folders named here; the
kernels are linked into `cpu` alone and reach the others as a table of pointers.
Beside them go the headers that fastcore.get_include() names.
"""

import os
import sys
from glob import glob
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

sys.path.insert(0, "tools")
from public_headers import stage
from source_distribution import ReproducibleSdist

ROOMS = {
    "cpu": ["cpu", "kernels"],
    "errors": [],
    "kernels": ["base"],
    "scan": ["base"],
    "strings": [],
    "json": ["base", "json", "columns"],
    "text": ["base", "text"],
    "wal": ["base", "wal"],
    "queue": [],
}

if sys.platform == "win32":
    FLAGS, LINK = ["/std:c11", "/experimental:c11atomics", "/O2"], []
else:
    FLAGS = ["-std=c11", "-O3", "-fvisibility=hidden", "-g0"]
    LINK = [] if sys.platform == "darwin" else ["-Wl,--gc-sections"]
FLAGS += os.environ.get("FASTCORE_CFLAGS", "").split()
LINK += os.environ.get("FASTCORE_LDFLAGS", "").split()


class BuildExtensions(build_ext):
    """The standard command, but safe to run in parallel.

    The compiler's mkpath() remembers a folder before it exists, so that of two
    extensions built at once the second may write into a folder that is not there.
    """

    def build_extensions(self) -> None:
        for built in self.extensions:
            for source in built.sources:
                os.makedirs(os.path.join(self.build_temp, os.path.dirname(source)), exist_ok=True)
        super().build_extensions()

    def run(self) -> None:
        super().run()
        stage(Path(self.get_ext_fullpath("fastcore.include")).with_name("include"))


def extension(module: str, folders: list[str]) -> Extension:
    sources = [path for folder in folders for path in sorted(glob(f"csrc/{folder}/*.c"))]
    headers = glob("csrc/**/*.h", recursive=True) + glob("csrc/**/*.def", recursive=True)
    headers += glob("fastcore/_native/*.h") + glob("fastcore/_native/*.pxi")
    return Extension(
        f"fastcore.{module}",
        [f"fastcore/{module.replace('.', '/')}.pyx", *sources],
        include_dirs=["csrc", "csrc/include", "fastcore/_native"],
        depends=headers,
        extra_compile_args=FLAGS,
        extra_link_args=LINK,
    )


setup(
    ext_modules=cythonize(
        [extension("capi", [])]
        + [
            extension(f"_native.{room}", folders)
            for room, folders in ROOMS.items()
            if os.path.exists(f"fastcore/_native/{room}.pyx")
        ],
        compiler_directives={
            "language_level": 3,
            "freethreading_compatible": True,
            "embedsignature": True,
            "boundscheck": False,
            "wraparound": False,
        },
    ),
    cmdclass={"build_ext": BuildExtensions, "sdist": ReproducibleSdist},
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
