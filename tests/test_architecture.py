"""The house rules, read from the source: who imports whom, how long things are, what has a test."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("sim", "hw", "train")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").glob("*.py"))
SOURCES = [*MODULES, *TESTS, *sorted((ROOT / "benchmarks").glob("*.py"))]

GROUND = ("errors", "files", "reading", "console", "fixed_point", "neuron")
HW_GROUND = ("fpga", "tools", "arithmetic", "broadcast", "events", "rows", "parameters", "verilog")
PARTS = ("connections", "encoders", "readouts")

MAY_IMPORT = {
    "sim": {
        **dict.fromkeys(GROUND, GROUND),
        "bounds": (*GROUND, "bounds"),
        **{part: (*GROUND, part) for part in PARTS},
        "compiled": GROUND,
        "layer": (*GROUND, "bounds", *PARTS),
        "network": (*GROUND, "bounds", *PARTS, "layer"),
        "file": (*GROUND, *PARTS, "layer", "network"),
        "trace": (*GROUND, "network"),
        "vectors": (*GROUND, *PARTS, "network", "file", "trace", "pipeline"),
        "pipeline": (*GROUND, *PARTS, "network", "trace"),
        "batch": (*GROUND, *PARTS, "layer", "network", "trace", "compiled"),
        "learning": (
            *(*GROUND, *PARTS, "bounds", "layer", "network"),
            *("compiled", "batch", "learning"),
        ),
        "data": (*GROUND, "encoders", "data"),
        "report": (*GROUND, *PARTS, "network", "trace", "pipeline", "batch", "data", "report"),
    },
    "hw": {
        **dict.fromkeys(
            HW_GROUND,
            HW_GROUND,
        ),
    },
    "train": {},
}
"""For each folder (or file) of a package, those of the same package that it may import.

What is missing here is added below, from the bottom to the top: each may import all before it.
"""

HW_ORDER = (("storage", "connections", "encoders", "readouts", "learning"), ("machine",), ("link",))
HW_ORDER += (("boards",), ("bench",), ("flow",), ("commands",), ("__main__",))
SIM_ORDER = (("commands",), ("__main__",))
TRAIN_ORDER = (
    ("settings", "parallel", "quantize", "checkpoint"),
    ("exact", "connections", "encoders", "readouts"),
    ("data", "pipeline", "prune", "evaluate", "fit", "single", "export", "learning"),
    ("window", "surrogate"),
    ("neurons",),
    ("sweep",),
    ("commands",),
    ("__main__",),
)


def _fill(package, order):
    allowed = MAY_IMPORT[package]
    for level in order:
        below = tuple(allowed)
        parts = level[0] in ("storage", "exact")
        for name in level:
            allowed[name] = (*below, name) if parts else (*below, *level)


for _package, _order in (("hw", HW_ORDER), ("sim", SIM_ORDER), ("train", TRAIN_ORDER)):
    _fill(_package, _order)


def name(path):
    return str(path.relative_to(ROOT))


def module(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path):
    """Modules that a file imports, anywhere in it, those for type checkers included."""
    known = {module(each) for each in MODULES}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: relative imports hide the arrow"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in known else node.module


def room(dotted):
    """The folder, or the file, of a package that a module belongs to; empty for the package."""
    return [*dotted.split("."), ""][1]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_arrows_point_down(path):
    package, here = module(path).split(".")[0], room(module(path))
    for other in imported(path):
        target = other.split(".")[0]
        if target not in PACKAGES:
            continue
        assert target in (package, "sim"), f"imports {other}"
        if target == package and here and room(other):
            assert here in MAY_IMPORT[package], f"{here} has no row in MAY_IMPORT"
            assert room(other) in MAY_IMPORT[package][here], f"imports {other}"


def test_no_import_goes_in_a_circle():
    known = {module(path) for path in MODULES}
    graph = {module(path): set(imported(path)) & known for path in MODULES}
    list(TopologicalSorter(graph).static_order())


def code_lines(tree, text):
    """Lines of a file that hold code: no docstrings, no comments, no blank lines."""
    lines = {
        number
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#")
    }
    for node in ast.walk(tree):
        alone = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if alone and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, node.end_lineno + 1))
    return lines


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_and_functions_are_short(path):
    text = path.read_text()
    tree = ast.parse(text)
    lines = code_lines(tree, text)
    assert len(lines) <= 400
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = len(lines & set(range(node.lineno, node.end_lineno + 1)))
            limit = 100 if node.name == "elaborate" else 40
            assert length <= limit, f"{node.name} has {length} lines of code"


@pytest.mark.parametrize("name", ["sim.file", "sim.pipeline", "sim.report.report", "hw"])
def test_sim_and_hw_work_without_torch(name):
    code = f"import sys; sys.modules['torch'] = None; import {name}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_specification_needs_numpy_only():
    others = ("numba", "rich", "safetensors", "platformdirs", "matplotlib", "torch", "amaranth")
    blocked = "; ".join(f"sys.modules['{package}'] = None" for package in others)
    code = f"import sys; {blocked}; import sim.pipeline"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_two_thirds_of_the_modules_have_a_test_of_their_name():
    """``hw/machine/layer.py`` is tested by ``test_hw_machine_layer.py`` or ``test_hw_layer.py``."""
    there = {path.stem for path in TESTS}
    modules = [path for path in MODULES if path.name not in ("__init__.py", "__main__.py")]
    missing = []
    for path in modules:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if not {f"test_{'_'.join(parts)}", f"test_{parts[0]}_{parts[-1]}"} & there:
            missing.append(name(path))
    assert 3 * len(missing) <= len(modules), missing


@pytest.mark.parametrize("path", [each for each in MODULES if "train" not in each.parts], ids=name)
def test_public_functions_take_paths_as_text(path):
    """As in a notebook: what takes a `Path` takes `AnyPath`."""
    for node in ast.walk(ast.parse(path.read_text())):
        public = isinstance(node, ast.FunctionDef) and not re.match("_(?!_init__)", node.name)
        if not isinstance(node, ast.FunctionDef) or not public:
            continue
        for argument in (*node.args.args, *node.args.kwonlyargs):
            words = ast.walk(argument.annotation) if argument.annotation else ()
            taken = {word.id for word in words if isinstance(word, ast.Name)}
            assert "Path" not in taken, f"{node.name} takes {argument.arg} as a Path only"


def test_nothing_reads_what_users_do_not_have():
    patterns = ("*.md", "*.toml", "*.cff", "Makefile", ".ci/*", "docs/*.*", "zoo/*.[mt]*")
    texts = [path for pattern in patterns for path in ROOT.glob(pattern)]
    assert len(texts) > 20
    for path in [*SOURCES, *texts]:
        if path != Path(__file__):
            assert "/shared" not in path.read_text(), name(path)
