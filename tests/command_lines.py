"""Command lines in this process, a folder for them to work on, and what their messages name."""

import argparse
import importlib
import re
from functools import cache

import numpy as np
import pytest

from random_networks import random_images, random_network
from sim.commands.command_line import program
from sim.console import run_command
from sim.file import NETWORK_FILE, save
from sim.pipeline import run
from sim.vectors import VECTORS_FILE, save_vectors


def write_network(folder, seed, images):
    """Write a network, ``images`` images for it, and their vectors, as ``train export`` does;
    return network and images.
    """
    network = random_network(seed)
    given = random_images(network, images, seed)
    save(network, folder / NETWORK_FILE)
    np.save(folder / "images.npy", given)
    traces = [run(network, image) for image in given]
    save_vectors(folder / VECTORS_FILE, network, given, traces)
    return network, given


def status_of(main, *words):
    """Run a command line to its end; return the exit status."""
    with pytest.raises(SystemExit) as stop:
        run_command(lambda: main([str(word) for word in words]))
    return stop.value.code


def sentence_of(capsys, main, *words):
    """Run a command line that cannot work; return the one sentence that it prints."""
    capsys.readouterr()
    assert status_of(main, *words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: "), printed.err
    assert printed.err.count("\n") == 1, printed.err
    package, where, _ = main.__module__.partition(".commands.parser")
    if where and words and str(words[0]) in commands_of(package):
        given = tuple(str(word) for word in words)
        unknown = unknown_options(printed.err, package, given[0])
        assert [each for each in unknown if not any(word.startswith(each) for word in given)] == []
    return printed.err.removeprefix("error: ").rstrip()


@cache
def commands_of(package):
    """The parsers of a package's commands, by name."""
    added = importlib.import_module(f"{package}.commands.parser").COMMANDS
    parser = program(package, "", "", added)
    (chosen,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return chosen.choices


def options_of(parser):
    """The options of a command."""
    return set(parser._option_string_actions)


def unknown_options(text, package, command):
    """The options that a message of a command names, and that command does not have; those of
    another command line that it quotes are compared with that one.
    """
    unknown = []
    for quoted in re.findall(r"`([^`]*)`", text):
        found = re.match(r"(?:python -m |firstspike )?(sim|hw|train) ([a-z]+)(.*)", quoted)
        if found:
            other = options_of(commands_of(found[1])[found[2]])
            unknown += [option for option in _options(found[3]) if option not in other]

    known = options_of(commands_of(package)[command])
    plain = re.sub(r"`[^`]*`", "", text)
    return unknown + [option for option in _options(plain) if option not in known]


def _options(text):
    return re.findall(r"(?<![\w-])--[a-z][a-z-]*", text)
