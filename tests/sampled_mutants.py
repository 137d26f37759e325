"""Plants bugs that nobody chose: a seeded sample of mutmut's, over `sim`, `train` and the host side
of `hw`; demands that nine in ten turn a test red.

mutmut's own runner puts every version of a function into its file and chooses one as it runs, which
numba's compiled loops do not survive, nor does a copied source tree; its operators are taken from
it. A bug is planted in a copy, and the tests named after its module run, then those that import it.
Texts for people are left as they are. A survivor that changes nothing has its reason in EQUIVALENT.
example: python tests/sampled_mutants.py --count 20 --only train/
"""

import argparse
import difflib
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_string

from sim.console import run_command

ROOT = Path(__file__).parent.parent
COPIED = ("hw", "sim", "train", "tests", "zoo", "docs", "benchmarks")
HOST = ("hw/boards/digest.py", "hw/commands", "hw/flow", "hw/link/client.py", "hw/link/exchange.py")
HOST += ("hw/link/frame.py", "hw/link/serial_line.py", "hw/link/teach.py", "hw/link/words.py")
SOURCES = ("sim", "train", *HOST)
"""Where bugs are planted: folders and files."""

BAR = 0.9
"""Share of the bugs that must be found."""

MOST_TESTS = 8
"""Test files that run for a bug."""

SECONDS = 900
"""A bug that makes tests run for longer is found."""

UNCHANGED = {"cast", "TypeVar", "NewType"}
"""Calls that do nothing when the program runs."""

EQUIVALENT: dict[tuple[str, str], str] = {}
"""Reasons, by file and mutated line, of bugs that change nothing that anybody could see."""


@dataclass(frozen=True)
class Bug:
    """A bug to plant.

    :param file: relative to the root.
    :param line: of the source, counted from 1.
    :param text: of the whole file with the bug.
    """

    file: str
    line: int
    text: str

    @property
    def changes(self) -> list[str]:
        """The lines that are other ones, before and after, as a diff has them."""
        before = (ROOT / self.file).read_text().splitlines()
        lines = difflib.unified_diff(before, self.text.splitlines(), n=0, lineterm="")
        return [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]

    @property
    def reason(self) -> str | None:
        """Why it changes nothing, if it is known to."""
        added = next((line[1:].strip() for line in self.changes if line[0] == "+"), "")
        return EQUIVALENT.get((self.file, added))


class _Finder(cst.CSTVisitor):
    """Collects what mutmut would change in the bodies of functions."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[cst.CSTNode, cst.CSTNode]] = []
        self._depth = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator | cst.FormattedString):
            return False
        if isinstance(node, cst.Expr) and isinstance(node.value, cst.BaseString):
            return False  # a docstring
        if isinstance(node, cst.Call) and getattr(node.func, "value", "") in UNCHANGED:
            return False

        if self._depth:
            for kind, operator in mutation_operators:
                if isinstance(node, kind) and operator is not operator_string:
                    self.found += [(node, new) for new in operator(node)]
        self._depth += isinstance(node, cst.FunctionDef)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        self._depth -= isinstance(original_node, cst.FunctionDef)


def files() -> list[str]:
    """Every file in which bugs are planted."""
    chosen: set[Path] = set()
    for name in SOURCES:
        path = ROOT / name
        chosen |= {path} if path.is_file() else set(path.rglob("*.py"))
    return sorted(str(path.relative_to(ROOT)) for path in chosen)


def places(file: str) -> tuple[cst.Module, list[tuple[cst.CSTNode, cst.CSTNode]]]:
    """Return a file's tree, and the nodes that can be replaced in it, each with its replacement."""
    tree = cst.parse_module((ROOT / file).read_text())
    finder = _Finder()
    tree.visit(finder)
    return tree, finder.found


def sample(count: int, seed: int, only: str) -> Iterator[Bug]:
    """Yield a random sample of all bugs in files whose name contains ``only``."""
    every = [
        (file, index) for file in files() if only in file for index in range(len(places(file)[1]))
    ]
    for file, index in random.Random(seed).sample(every, min(count, len(every))):
        tree, found = places(file)
        node, new = found[index]
        wrapper = MetadataWrapper(tree, unsafe_skip_copy=True)
        line = wrapper.resolve(PositionProvider)[node].start.line
        changed = tree.deep_replace(node, new)
        yield Bug(file, line, changed.code if isinstance(changed, cst.Module) else "")


def tests_of(file: str) -> list[str]:
    """Return the test files of a module: those named after it, then those that import it."""
    parts = Path(file).with_suffix("").parts
    own = [f"test_{'_'.join(parts)}.py", f"test_{parts[0]}_{parts[-1]}.py"]
    module, folder = ".".join(parts), ".".join(parts[:-1])
    wanted = (f"from {module} import", f"import {module}", f"from {folder} import {parts[-1]}")
    using = [
        path.name
        for path in sorted((ROOT / "tests").glob("test_*.py"))
        if any(text in path.read_text() for text in wanted)
    ]
    there = [name for name in dict.fromkeys((*own, *using)) if (ROOT / "tests" / name).exists()]
    return [f"tests/{name}" for name in there[:MOST_TESTS]]


def found_by(bug: Bug, copy: Path) -> str | None:
    """Run the bug's tests in a copy of the source; return the first one that fails, None if all
    pass.
    """
    tests = tests_of(bug.file)
    if not tests:
        return None
    file = copy / bug.file
    file.write_text(bug.text)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command, cwd=copy, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return "time"
    finally:
        file.write_text((ROOT / bug.file).read_text())
    failed = re.findall(r"^(?:FAILED|ERROR) tests/(\S+)", done.stdout, re.MULTILINE)
    return None if done.returncode == 0 else (failed or ["pytest itself"])[0]


def main() -> int:
    """Plant a sample, and report what survives."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100, help="bugs (100)")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (1)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only files with TEXT in name")
    parser.add_argument("--list", action="store_true", help="show the sample, plant nothing")
    arguments = parser.parse_args()

    found = alive = 0
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch)
        for name in COPIED:
            shutil.copytree(ROOT / name, copy / name)
        for path in ROOT.glob("*.*"):
            if path.is_file():
                shutil.copy(path, copy)

        for bug in sample(arguments.count, arguments.seed, arguments.only):
            where = f"{bug.file}:{bug.line} {' '.join(bug.changes)}"
            if arguments.list or bug.reason:
                print(f"{'equivalent' if bug.reason else 'listed':10} {where}", flush=True)
                continue
            test = found_by(bug, copy)
            alive, found = alive + (test is None), found + (test is not None)
            print(f"{'SURVIVES' if test is None else 'found':10} {where} [{test}]", flush=True)

    print(f"seed {arguments.seed}: {found} found, {alive} survive")
    return 1 if found < BAR * (found + alive) else 0


if __name__ == "__main__":
    run_command(main)
