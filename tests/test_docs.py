"""The pages say what the code does: links, options, folders, and words."""

import re
import shlex
import tomllib

import numpy as np
import pytest
import yaml

import mutants
from command_lines import commands_of, options_of
from hw.boards.table import BOARDS
from hw.rows import Rows
from hw.storage import STORES
from hw.storage.flash import row_cycles
from sim.commands import firstspike
from sim.connections.dense import Dense
from sim.network import Layer
from sim.neuron import NEURON_SETTINGS, Neuron
from test_architecture import MAY_IMPORT, MODULES, PACKAGES, ROOT, room
from test_architecture import module as module_name

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "zoo/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
TEXT = {page: page.read_text() for page in PAGES}


def name(path):
    return str(path.relative_to(ROOT))


COMMANDS = {package: commands_of(package) for package in PACKAGES}


def command_lines(text):
    """What is written as code in a page: in lines of a block, and in sentences."""
    for block in re.findall(r"^(?: {4,}|\t).*$", text, re.MULTILINE):
        yield block.strip().split("  ")[0].split(" #")[0]
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    for span in re.findall(r"`([^`]+)`", text):
        yield " ".join(span.split())


def called(words):
    """The package and the rest of a command line of ours; None if it is another one."""
    for index, word in enumerate(words):
        started = index and (words[index - 1] == "-m" or words[index - 1].endswith("firstspike"))
        if word in PACKAGES and (started or index == 0) and len(words) > index + 1:
            return word, words[index + 1 :]
    return None


ALL_COMMAND_LINES = sorted(
    {(name(page), line) for page, text in TEXT.items() for line in command_lines(text)}
)
OURS = [
    (page, *found)
    for page, line in ALL_COMMAND_LINES
    if (found := called(line.replace("...", "").split())) is not None
]


def test_the_readme_is_two_screens_with_a_picture():
    text = TEXT[ROOT / "README.md"]
    assert len(text.encode()) <= 10_000
    assert text.count("\n") <= 100
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_in_a_page_leads_to_a_file_and_a_heading(page):
    text = TEXT[page]
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^```{image} (\S+)", text, re.M)
    for target in targets:
        if re.match(r"https?:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        if path.parent.name == "api":  # written when the pages are built
            assert (ROOT / path.stem).is_dir(), target
            continue
        assert path.is_file(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings]
            assert anchor in slugs, target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_in_pages_are_those_of_the_parsers(page):
    for where, package, (command, *words) in OURS:
        if where != name(page):
            continue
        assert command in COMMANDS[package] or command == "--help", f"{package} {command}"
        for word in words:
            if word.startswith("--"):
                known = options_of(COMMANDS[package][command])
                assert word.partition("=")[0] in known, f"{package} {command} {word}"


def test_pages_name_many_commands():
    """What is above finds them."""
    assert len(OURS) > 60
    assert {package for _, package, _ in OURS} == set(PACKAGES)


def test_options_in_sentences_are_those_of_some_command():
    known = {"--nproc-per-node", "--write-sram", "--write-flash"}  # torchrun, openFPGALoader
    for commands in COMMANDS.values():
        known |= set().union(*map(options_of, commands.values()))
    known |= set(re.findall(r'"(--[a-z-]+)"', (ROOT / "tests" / "mutants.py").read_text()))
    for page, line in ALL_COMMAND_LINES:
        if line.startswith(("--", "...")):
            for option in re.findall(r"--[a-z][a-z-]*", line):
                assert option in known, f"{page}: {option}"


def test_benchmarks_in_pages_have_these_options():
    lines = [
        line for _, line in ALL_COMMAND_LINES if re.match(r"python (docs|tests|bench)\S+\.py", line)
    ]
    assert lines
    for line in lines:
        script, *words = shlex.split(line)[1:]
        text = (ROOT / script).read_text()
        for word in words:
            assert not word.startswith("--") or f'"{word}"' in text, line


def test_every_command_has_its_row():
    text = TEXT[ROOT / "docs" / "commands.md"]
    rows = re.findall(r"^\| `(?:python -m|torchrun .* -m) (\w+) (\w+)", text, re.MULTILINE)
    wanted = {(package, command) for package in PACKAGES for command in COMMANDS[package]}
    assert set(rows) == wanted


def test_firstspike_calls_every_package():
    assert set(firstspike.PACKAGES) == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_levels_of_the_architecture_are_those_of_the_import_table(package):
    page = TEXT[ROOT / "docs" / "architecture.md"]
    table = page.partition(f"| level | of `{package}/` |")[2].partition("\n\n")[0]
    rows = [line for line in table.splitlines()[2:] if line.startswith("|")]
    levels = [re.findall(r"`(\w+)`", row.split("|")[2]) for row in rows]
    here = {room(module_name(path)) for path in MODULES if module_name(path).startswith(package)}
    assert {each for level in levels for each in level} == here - {"", "__main__"}
    above = set()
    for level in levels:
        above |= set(level)
        for each in level:
            assert set(MAY_IMPORT[package][each]) & here <= above, each


def test_the_file_format_has_every_setting_of_a_neuron():
    page = TEXT[ROOT / "docs" / "file_format.md"]
    defaults = Neuron(1).settings()
    for setting in NEURON_SETTINGS:
        value = {True: "true", None: "null"}.get(defaults[setting], defaults[setting])
        shown = f'"{value}"' if setting == "reset" else value
        assert f'"{setting}": {shown}' in page
        assert re.search(rf"^\| .*`{setting}`.* \|", page, re.MULTILINE)


def test_the_gateware_page_has_every_placement_and_the_right_numbers():
    page = TEXT[ROOT / "docs" / "gateware.md"]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(STORES)
    (at_least,) = re.findall(r"plants more than (\d+) bugs", page)
    assert len(mutants.MUTANTS) > int(at_least)

    rows = Rows(Layer(Dense(np.zeros((784, 600), np.int8)), Neuron(1)), 40)
    cycles = {row_cycles(rows, board.flash.wires) for board in BOARDS.values() if board.flash}
    assert " or ".join(f"{count:,}" for count in sorted(cycles)) + " cycles" in page


def test_boards_in_pages_are_those_of_the_table():
    table = TEXT[ROOT / "docs" / "boards.md"].partition("<!-- boards -->")[2]
    rows = re.findall(r"^\| ([\w-]+) \| \d", table.partition("<!--")[0], re.MULTILINE)
    assert rows
    assert set(rows) <= set(BOARDS)
    named = {
        word for _, line in ALL_COMMAND_LINES for word in re.findall(r"--board ([a-z][\w-]+)", line)
    }
    assert named <= set(BOARDS)


@pytest.mark.parametrize(
    "term",
    ["control broadcast", "skip", "placement", "discard", "verdict", "index", "lane", "fold"],
)
def test_the_glossary_has_the_words_of_the_code(term):
    assert f"\n{term}\n  " in TEXT[ROOT / "docs" / "glossary.md"]


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_begins_with_a_sentence(path):
    """It is the module's line in the map of the files."""
    first = path.read_text().removeprefix('"""').partition('"""')[0].partition("\n\n")[0]
    assert re.fullmatch(r"[^\n].{15,250}[.?]\n?", first, re.DOTALL), first


def test_the_citation_can_be_read():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["authors"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    for work in citation["references"]:
        assert {"type", "title", "authors"} <= set(work)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_named_in_a_page_are_there(page):
    """As the build of the pages demands, which takes minutes."""
    folders = "sim|hw|train|tests|docs|zoo|benchmarks"
    for line in command_lines(TEXT[page]):
        if re.fullmatch(rf"({folders})/[a-z0-9_/-]*(\.\w+)?", line) and "example" not in line:
            assert (ROOT / line).exists(), line


def test_every_figure_is_in_a_page():
    for picture in (ROOT / "docs").glob("*.svg"):
        assert any(picture.name in text for text in TEXT.values()), picture.name
