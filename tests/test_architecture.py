"""The house rules, read from the source: who imports whom, how long things are, and that the README's map is true."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("sim", "hw", "train")
ALLOWED = {"sim": {"sim"}, "hw": {"hw", "sim"}, "train": {"train", "sim"}}
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
SOURCES = [*MODULES, *sorted((ROOT / "tests").glob("*.py")), *sorted((ROOT / "benchmarks").glob("*.py"))]


def name(path):
    return str(path.relative_to(ROOT))


def imported(path):
    """Top-level packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: relative imports hide the arrow"
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_arrows_point_to_sim(path):
    package = path.relative_to(ROOT).parts[0]
    assert set(imported(path)) & set(PACKAGES) <= ALLOWED[package]


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 250
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= (100 if node.name == "elaborate" else 40), f"{node.name} has {lines} lines"


@pytest.mark.parametrize("module", ["sim.file", "sim.pipeline", "sim.report.report", "hw"])
def test_sim_and_hw_work_without_torch(module):
    code = f"import sys; sys.modules['torch'] = None; import {module}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_specification_needs_numpy_only():
    """sim.pipeline and the file format run where neither a compiler nor a plotter is installed."""
    blocked = "; ".join(f"sys.modules['{package}'] = None" for package in ("numba", "matplotlib", "torch", "amaranth"))
    subprocess.run(
        [sys.executable, "-c", f"import sys; {blocked}; import sim.pipeline, sim.trace"], check=True, cwd=ROOT
    )


def test_readme_maps_every_module():
    """A module's line in the README is the first sentence of its docstring."""
    text = (ROOT / "README.md").read_text()
    modules = [path for path in MODULES if path.name != "__init__.py"]
    for path in modules:
        sentence = ast.get_docstring(ast.parse(path.read_text())).splitlines()[0]
        assert f"| `{name(path)}` | {re.sub(':(mod|class):', '', sentence).replace('``', '`')} |" in text
    assert text.count("| `sim/") + text.count("| `hw/") + text.count("| `train/") == len(modules)


def test_nothing_reads_what_users_do_not_have():
    for path in [*SOURCES, ROOT / "Makefile", ROOT / "README.md"]:
        if path != Path(__file__):
            assert "/shared" not in path.read_text(), name(path)
