"""The documentation, without a list of modules kept by hand; warnings are errors.

    sphinx-build -n -W --keep-going docs build/docs

Before Sphinx reads its first page, every module of ``sim``, ``hw`` and ``train`` gets a page in
``docs/api/``. While pages are read, comments in them are replaced: by the map of the files, by the
help of every command, and by pictures that are drawn for them. A path or a name in a page, such as
``sim/pipeline.py`` or ``sim.pipeline.run``, becomes a link; one that does not exist fails the
build, like any other dangling reference. So pages are plain Markdown, and read well without Sphinx,
too.
"""

import ast
import contextlib
import io
import os
import re
import runpy
import sys
import tomllib
from pathlib import Path
from typing import Any
from unittest import mock

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

DOCS = Path(__file__).parent
ROOT = DOCS.parent
API = DOCS / "api"
PACKAGES = {
    "sim": "the machine in integers",
    "hw": "the same machine as gateware",
    "train": "training, in PyTorch",
}

sys.path.insert(0, str(ROOT))

project = "firstspike"
author = "The firstspike authors"
project_copyright = author
release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["Thumbs.db", ".DS_Store"]
nitpicky = True

# Types stay out: the source has them, and names of other projects would be dangling references.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "ignore-module-all": True}
python_maximum_signature_line_length = 100

# What a type stands for is written out, in names of other projects.
nitpick_ignore_regex = [("py:class", r"(collections\.abc|numpy)\.\w+")]
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["deflist", "colon_fence", "dollarmath", "attrs_inline"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"firstspike {release}"
html_theme_options = {
    "light_css_variables": {"font-stack--monospace": "ui-monospace, Menlo, Consolas, monospace"}
}
html_copy_source = False
html_show_sphinx = False


# -- what is found in the source ------------------------------------------------------------------


def modules(package: str) -> list[Path]:
    """Return the modules of a package, a folder's own files before those of its folders."""
    return sorted((ROOT / package).rglob("*.py"), key=lambda path: (path.parent, path.name))


def module_name(path: Path) -> str:
    """Return the name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def first_line(path: Path) -> str:
    """Return the first paragraph of a module's docstring, as a line of Markdown."""
    if not path.exists():
        return ""
    text = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n\n")[0]
    text = " ".join(text.split())
    return re.sub(r":\w+:(?=`)", "", text).replace("``", "`")


# -- a page for every module ----------------------------------------------------------------------


def write_api() -> None:
    """Write a page for every module, in ``docs/api``; pages of modules that are no more go."""
    API.mkdir(exist_ok=True)
    pages = {
        f"{module_name(path)}.rst": page(path) for package in PACKAGES for path in modules(package)
    }

    for old in API.glob("*.rst"):
        if old.name not in pages:
            old.unlink()

    for name, text in pages.items():
        file = API / name
        if not file.exists() or file.read_text() != text:  # Sphinx reads again what was written
            file.write_text(text)


def page(path: Path) -> str:
    """Return the page of one module, and where it is a folder links to what is inside."""
    name = module_name(path)
    title = f"{name}: {PACKAGES[name]}" if name in PACKAGES else name
    text = f"{title}\n{'=' * len(title)}\n\n.. automodule:: {name}\n"

    if path.name == "__init__.py":
        inside = [*path.parent.glob("*.py"), *path.parent.glob("*/__init__.py")]
        names = sorted(module_name(child) for child in inside if child != path)
        text += "\n.. toctree::\n   :maxdepth: 1\n\n" + "".join(f"   {child}\n" for child in names)
    return text


CELL = "     - "


def skip_fields(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: object
) -> bool | None:
    """Leave out the fields of named tuples that have no docstring of their own."""
    return (obj.__doc__ or "").startswith("Alias for field number") or None


def tables(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Turn the tables of a docstring, written as in Markdown, into tables for Sphinx."""
    done: list[str] = []
    for line in lines:
        if not line.startswith("|"):
            done.append(line)
        elif set(line) <= set("|-: "):  # the line below the head of a table
            head = done.pop()
            done += ["", ".. list-table::", "   :header-rows: 1", "", *row(head)]
        elif done and done[-1].startswith(CELL):
            done += row(line)
        else:
            done.append(line)
    lines[:] = done


def row(line: str) -> list[str]:
    """Return a row of a Markdown table as a row of a list-table."""
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    return [f"   {'*' if number == 0 else ' '} - {cell}" for number, cell in enumerate(cells)]


# -- what replaces the comments in pages ----------------------------------------------------------


def map_of_files() -> str:
    """Return one table per folder: each file, and the first sentence of its docstring."""
    text = ""
    for package in PACKAGES:
        folder = None
        for path in modules(package):
            if path.parent != folder:
                folder = path.parent
                level = "##" if folder.name == package else "###"
                says = first_line(folder / "__init__.py")
                text += f"\n{level} {folder.relative_to(ROOT)}\n\n{says}\n"
                text += "\n| file | purpose |\n|---|---|\n"
            if path.name != "__init__.py":
                sentence = first_line(path).replace("|", "\\|")
                text += f"| `{path.relative_to(ROOT)}` | {sentence} |\n"
    return text


def help_of_commands() -> str:
    """Return the ``--help`` of every command, in the words of the command itself."""
    text = ""
    for package in PACKAGES:
        names = re.findall(r"^    (\w+)(?=\s{2,}\S|$)", help_text(package), re.MULTILINE)
        if not names:
            raise ExtensionError(f"python -m {package} --help lists no commands")
        for name in names:
            text += f"\n### {package} {name}\n\n```text\n{help_text(package, name)}```\n"
    return text


def help_text(package: str, *command: str) -> str:
    """Return what ``python -m package command --help`` prints, without starting another process."""
    printed = io.StringIO()
    sys.modules.pop(f"{package}.__main__", None)  # as if it had not been imported yet
    with (
        mock.patch.object(sys, "argv", [package, *command, "--help"]),
        mock.patch.dict(os.environ, {"COLUMNS": "100", "NO_COLOR": "1"}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        runpy.run_module(package, run_name="__main__", alter_sys=True)
    return printed.getvalue()


GENERATED = {
    "<!-- generated: files -->": map_of_files,
    "<!-- generated: help -->": help_of_commands,
}


OUTSIDE = {
    "../zoo/README.md": "zoo.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../CHANGELOG.md": "changelog.md",
}
"""Files outside this folder, and the pages that include them: links to files work anywhere."""


def fill_in(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put generated text where a page has its comment, and links to where the pages are."""
    for file, page_name in OUTSIDE.items():
        source[0] = source[0].replace(f"({file})", f"({page_name})")

    for comment, generate in GENERATED.items():
        if comment in source[0]:
            source[0] = source[0].replace(comment, generate())
    source[0] = re.sub(r"<!-- picture: (\S+) -->", lambda found: picture(found[1]), source[0])


def picture(name: str) -> str:
    """Draw a picture of ``docs/neurons.md``; return what shows it."""
    from docs import neuron_pictures  # needs the folder above on the path

    return neuron_pictures.picture(name)


# -- names in pages -------------------------------------------------------------------------------


class Names(SphinxPostTransform):
    """Links each path and each dotted name in a page, and refuses those that are not there."""

    default_priority = 5
    path = re.compile(
        r"(sim|hw|train|tests|docs|zoo|constraints|benchmarks|examples)/[a-z0-9_/-]*(\.\w+)?"
    )
    name = re.compile(r"(sim|hw|train)(\.[A-Za-z_]\w*)+(?<!\.py)")

    def run(self, **kwargs: Any) -> None:
        """Visit every literal of a page."""
        if self.env.docname.startswith("api/"):
            return
        for literal in list(self.document.findall(nodes.literal)):
            text = literal.astext()
            if isinstance(literal.parent, nodes.reference) or "example" in text:
                continue
            if self.path.fullmatch(text):
                self._link_path(literal, Path(text))
            elif self.name.fullmatch(text):
                self._link_name(literal, text)

    def _link_path(self, literal: nodes.literal, path: Path) -> None:
        if not (ROOT / path).exists():
            logging.getLogger(__name__).warning("%s: there is no such path", path, location=literal)
        elif path.parts[0] in PACKAGES and path.suffix in ("", ".py"):
            self._link(literal, f"api/{module_name(ROOT / path).removesuffix('.__init__')}")

    def _link_name(self, literal: nodes.literal, name: str) -> None:
        domain = self.env.domains.python_domain
        if name in domain.modules:
            self._link(literal, domain.modules[name].docname)
        elif name in domain.objects:
            self._link(literal, domain.objects[name].docname, name)
        else:
            logging.getLogger(__name__).warning("%s: there is no such name", name, location=literal)

    def _link(self, literal: nodes.literal, page: str, anchor: str = "") -> None:
        link = make_refnode(self.app.builder, self.env.docname, page, anchor, [literal.deepcopy()])
        literal.replace_self(link)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect what is above to the build."""
    write_api()
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("autodoc-process-docstring", tables)
    app.connect("source-read", fill_in)
    app.add_post_transform(Names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
