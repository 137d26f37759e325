"""The machine that the shared options of hw's commands describe."""

from argparse import Namespace

import pytest

from command_lines import write_network
from hw.commands.options import exchangeable, machine
from hw.link.responder import FETCH_BYTES
from hw.rows import BLOCK, SPRAM, flash
from sim.errors import InputError
from sim.file import save
from small_builds import sized_network

LEARNABLE = 0
"""Seed of a network of two layers."""


@pytest.fixture
def options(tmp_path):
    """A function that makes options of words, for a network of two layers."""
    write_network(tmp_path, LEARNABLE, images=1)
    return lambda **given: Namespace(**{"network": tmp_path, "lanes": "full"} | given)


@pytest.mark.parametrize(
    ("given", "placement"),
    [
        ({}, BLOCK),
        ({"weights": "auto"}, BLOCK),
        ({"weights": "spram"}, SPRAM),
        ({"weights": "flash"}, flash(4)),
        ({"weights": "flash", "board": "ulx3s-25f"}, flash(2)),
        ({"weights": "spram", "board": "icebreaker"}, SPRAM),
    ],
)
def test_weights_are_where_the_option_says_on_the_board_if_there_is_one(options, given, placement):
    found = machine(options(**given))
    assert found.placement[found.largest_layer] == placement
    assert found.placement.count(BLOCK) >= len(found.placement) - 1
    assert found.rule is None


def test_a_machine_learns_or_may_be_exchanged_as_wanted(options):
    learning = machine(options(learn=True, lanes=1))
    assert learning.rule is not None
    assert learning.layers[0].lanes == 1
    assert exchangeable(machine(options())).exchangeable
    with pytest.raises(InputError, match="--reuse: a board that learns"):
        exchangeable(learning)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"lanes": 0}, "--lanes: must be in 1"),
        ({"lanes": "many"}, "--lanes: must be in 1"),
        ({"learn": True, "weights": "spram"}, "--weights: what learns has its weights in block"),
        ({"weights": "spram", "board": "ulx3s-25f"}, "--weights: 25k has no SPRAM"),
        ({"board": "ulx4s"}, "board 'ulx4s' is unknown"),
    ],
)
def test_what_cannot_be_is_a_sentence_about_the_option(options, given, problem):
    with pytest.raises(InputError, match=problem):
        machine(options(**given))


def test_words_too_long_to_be_read_back_are_refused(tmp_path):
    save(sized_network(4, 600, 2), tmp_path / "network.safetensors")
    given = {"network": tmp_path, "learn": True}
    with pytest.raises(InputError, match=f"these have 600; take --lanes {FETCH_BYTES} or fewer"):
        machine(Namespace(lanes="full", **given))
    assert machine(Namespace(lanes=FETCH_BYTES, **given)).rule is not None
