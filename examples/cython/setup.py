"""Build the examples in place: python setup.py build_ext --inplace.

`linestats` needs an installed fastcore. `levels` is linked with the C core; it is left out unless
LIBFASTCORE names the library that `make -C csrc` made.
"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

import fastcore

extensions = [Extension("linestats", ["linestats.pyx"])]
if "LIBFASTCORE" in os.environ:
    extensions.append(
        Extension(
            "levels",
            ["levels.pyx"],
            include_dirs=[fastcore.get_include()],
            extra_objects=[os.environ["LIBFASTCORE"]],
            extra_link_args=["-pthread"],
        )
    )

setup(
    name="fastcore-examples",
    ext_modules=cythonize(extensions, include_path=[fastcore.get_include()]),
)
