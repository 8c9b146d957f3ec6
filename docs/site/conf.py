"""The documentation site: `make docs` builds it out of the pages as they stand in the repository.

The pages are Markdown that reads well without a site too. Sphinx reads them where they are, from
the root of the tree, so that a link works on both sides; the order of the pages is said here alone.
The reference is made from the docstrings and from ``--help``: a page for each public module.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import fastcore

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs/reference"

project = "fastcore"
author = copyright = "The fastcore developers"
version = release = fastcore.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
root_doc = "docs/README"
include_patterns = ["*.md", "docs/**", "bench/*.md", "bench/results/*.md", "tests/README.md",
                    "csrc/README.md", "csrc/simd/README.md", "examples/data/README.md"]  # fmt: skip
exclude_patterns = [".*", "build", "dist", "docs/site", "**/.*", "**/node_modules"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
default_role = "py:obj"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
autodoc_typehints = "none"  # signatures and numpydoc say them; twice is once too often
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "imported-members": True}
# Links to files of the source are for readers of the repository; the site offers them as downloads.
suppress_warnings = ["myst.xref_missing", "ref.python"]

html_theme = "furo"
html_title = f"fastcore {version}"
html_extra_path = ["index.html"]
html_theme_options = {"navigation_with_keys": True}

PAGES = {
    "Start": ["What it is <README>", "docs/tutorial"],
    "Guides": ["docs/guide/*"],
    "Recipes": ["docs/recipes/*"],
    "How to": ["docs/howto/*"],
    "Reference": ["docs/reference/*", "docs/format/*", "CHANGELOG"],
    "Explanation": ["docs/ARCHITECTURE", "docs/explanation/*", "docs/design/*", "SECURITY"],
    "Working on it": [
        "CONTRIBUTING", "tests/README", "bench/README",
        "bench/results/report", "bench/results/modelled",
        "csrc/README", "csrc/simd/README", "examples/data/README",
    ],
}  # fmt: skip


def public_modules() -> list[str]:
    """Names of the modules whose docstrings are the reference."""
    found = ["fastcore"]
    for module in pkgutil.iter_modules(fastcore.__path__, "fastcore."):
        name = module.name.removeprefix("fastcore.")
        if not name.startswith("_") and name not in ("cli", "capi"):
            found.append(module.name)
    with contextlib.suppress(ModuleNotFoundError):
        found.append(importlib.import_module("fastcore.queue.sync").__name__)
    return found


def write_reference(app: Sphinx) -> None:
    """Write a page for each module, and one for the command line."""
    shutil.rmtree(REFERENCE, ignore_errors=True)
    REFERENCE.mkdir()
    for name in public_modules():
        text = f"{name}\n{'=' * len(name)}\n\n.. automodule:: {name}\n"
        if name == "fastcore":  # its submodules have pages of their own
            text += "   :no-members:\n\n.. autofunction:: fastcore.get_include\n"
        (REFERENCE / f"{name}.rst").write_text(text, encoding="utf-8")
    (REFERENCE / "command-line.rst").write_text(command_line(), encoding="utf-8")


def command_line() -> str:
    """Return the page that shows every command's help."""
    from fastcore import cli

    parts = ["The command ``fastcore``", "========================", ""]
    for name, what in [("", "all commands"), *cli.COMMANDS.items()]:
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            cli.main([name, "--help"] if name else ["--help"])
        title = f"fastcore {name}".strip()
        body = [f"   {line}".rstrip() for line in shown.getvalue().splitlines()]
        parts += [title, "-" * len(title), "", what[:1].upper() + what[1:] + ".", ""]
        parts += [".. code-block:: text", "", *body, ""]
    return "\n".join(parts)


def add_navigation(app: Sphinx, docname: str, content: list[str]) -> None:
    """Append the order of the pages to the root page, which on its own is a plain table."""
    if docname != root_doc:
        return
    for caption, pages in PAGES.items():
        lines = [f":caption: {caption}", ":hidden:", ":glob:", ""]
        lines += [page.replace("<", "</") if "<" in page else f"/{page}" for page in pages]
        content[0] += "\n\n```{toctree}\n" + "\n".join(lines) + "\n```\n"


def skip_aliases(app: Sphinx, what: str, name: str, value: object, skip: bool, options: Any) -> Any:
    """Leave out the fields of named tuples, whose class has said what they are."""
    return True if (value.__doc__ or "").startswith("Alias for field number") else None


def setup(app: Sphinx) -> None:
    """Register the three steps above."""
    app.connect("autodoc-skip-member", skip_aliases)
    app.connect("builder-inited", write_reference)
    app.connect("source-read", add_navigation)
