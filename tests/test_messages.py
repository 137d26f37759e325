"""Every option that a message names is one of the command that says it.

Messages of the tests that run a command line are compared in :func:`command_lines.sentence_of`,
with the command that was run. Here are all the others, read from the source.
"""

import ast
import re

import pytest

from command_lines import commands_of, unknown_options
from test_architecture import MODULES, PACKAGES, imported, module

RAISERS = ("require", "InputError", "LinkError", "ArgumentTypeError")

FILES = {module(path): path for path in MODULES}
IMPORTS = {name: set(imported(path)) & set(FILES) for name, path in FILES.items()}

OTHER_PROGRAMS = {"--nproc-per-node"}
"""torchrun's."""


def messages(path):
    """The texts of what a file raises; what is filled in is left out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
        if (name.id if isinstance(name, ast.Name) else name) in RAISERS:
            parts = [part for value in node.args for part in ast.walk(value)]
            texts = [part.value for part in parts if isinstance(part, ast.Constant)]
            yield " ".join(text for text in texts if isinstance(text, str))


def reached(name):
    """The modules that a module imports, directly or not, itself included."""
    found, rest = set(), [name]
    while rest:
        here = rest.pop()
        if here not in found:
            found.add(here)
            rest += IMPORTS[here]
    return found


REACHED = {
    (package, command): reached(f"{package}.commands.{command}")
    for package in PACKAGES
    for command in commands_of(package)
}


@pytest.mark.parametrize(("package", "command"), REACHED, ids="-".join)
def test_messages_in_the_file_of_a_command_name_its_own_options(package, command):
    for text in messages(FILES[f"{package}.commands.{command}"]):
        assert unknown_options(text, package, command) == [], text


def test_messages_elsewhere_name_options_of_a_command_that_can_say_them():
    checked = 0
    for name, path in FILES.items():
        sayers = [which for which, modules in REACHED.items() if name in modules]
        for text in messages(path):
            if not re.search(r"(?<![\w-])--[a-z]", text):
                continue
            checked += 1
            unknown = [set(unknown_options(text, *which)) - OTHER_PROGRAMS for which in sayers]
            assert not unknown or set() in unknown, f"{name}: {text}"
    assert checked > 40


@pytest.mark.parametrize("package", PACKAGES)
def test_no_option_can_be_abbreviated(package):
    for parser in commands_of(package).values():
        assert not parser.allow_abbrev


def test_what_a_message_names_and_a_command_lacks_is_found():
    text = "--data: is missing; `python -m hw build --lanse 3` and `train export --out DIR` say it"
    assert unknown_options(text, "hw", "check") == ["--lanse", "--data"]
