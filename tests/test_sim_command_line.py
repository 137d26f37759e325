"""How command lines are parsed: lists, ranges, files that may be left out, and errors."""

from pathlib import Path

import pytest

from sim.commands.command_line import Parser, numbers, one_of, real, whole
from sim.errors import InputError


def parsed(*words):
    parser = Parser(prog="it")
    parser.add_argument("folder", nargs="?")
    parser.add_numbers("--hidden", nargs="?", const=())
    parser.add_numbers("--skip", count=2, old="--thin", default=(1, 2))
    parser.add_argument("--seed", type=whole(0, 9))
    parser.add_argument("--share", type=real)
    parser.add_argument("--kind", type=one_of("a", "b"))
    parser.add_optional_file("--json")
    return parser.parse_args(words)


@pytest.mark.parametrize(
    "words",
    [
        ("--hidden", "400,200"),
        ("--hidden=400,200",),
        ("--hidden", "400", "200"),
        ("--hidden", "400,", "200"),
    ],
)
def test_lists_are_written_with_commas_or_spaces(words):
    assert parsed(*words).hidden == (400, 200)
    assert parsed(*words, "folder").folder == "folder"
    assert parsed(*words, "--seed", "3").seed == 3


def test_options_are_not_abbreviated():
    """The beginning of one option may be that of another in the next version."""
    with pytest.raises(InputError, match="--hid"):
        parsed("--hid", "400")


def test_a_list_may_be_empty_where_that_means_something():
    assert parsed("--hidden").hidden == ()
    assert parsed("--hidden", "--seed", "3").hidden == ()


@pytest.mark.parametrize("name", ["--skip", "--thin"])
def test_an_earlier_name_is_accepted(name):
    assert parsed().skip == (1, 2)
    assert parsed(name, "0", "230").skip == (0, 230)


def test_an_earlier_name_is_not_shown(capsys):
    with pytest.raises(SystemExit):
        parsed("--help")
    assert "--thin" not in capsys.readouterr().out


def test_a_file_may_be_left_out(tmp_path):
    assert parsed().json is None
    assert parsed("--json").json == parsed("--json", "-").json == Path("-")
    assert parsed("--json", "x.json").json == Path("x.json")
    found = parsed("--json", str(tmp_path))
    assert (found.json, found.folder) == (Path("-"), str(tmp_path))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--seed", "-1"), "--seed: must be at least 0, not -1."),
        (("--seed", "10"), "--seed: must be at most 9, not 10."),
        (("--seed", "x"), "--seed: must be a whole number, not x."),
        (("--share", "x"), "--share: must be a number, not x."),
        (("--kind", "c"), "--kind: must be one of a, b, not c."),
        (("--hidden", "a,b"), "--hidden: must be whole numbers with commas between them, not a,b."),
        (("--thin", "3"), "--thin: must be 2 whole numbers, not 1."),
        (("--seed",), "--seed: expected one argument."),
        (("--colour",), "unrecognized arguments: --colour; `it --help` lists what it takes."),
    ],
)
def test_errors_are_one_sentence(words, sentence):
    with pytest.raises(InputError) as error:
        parsed(*words)
    assert str(error.value) == sentence


def test_numbers_have_signs():
    assert numbers()("-1, 2") == (-1, 2)
    assert parsed("--hidden", "-1", "2").hidden == (-1, 2)
