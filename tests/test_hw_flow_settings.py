"""What follows from the settings of a build: placer, frame buffer, flash, and what is placed."""

from dataclasses import replace

import pytest

from hw.boards.table import find_board
from hw.flow.placement import place_weights
from hw.flow.settings import BuildSettings
from hw.parameters import MachineParameters
from hw.rows import BLOCK, flash
from sim.errors import InputError
from small_builds import settings_of, sized_network


def large(name, hidden, lanes):
    """A build of 784-hidden-10 with its weights where the board has room."""
    board = find_board(name)
    machine = place_weights(MachineParameters(sized_network(784, hidden, 10), lanes), board)
    return BuildSettings(machine, board, board.clock_hz)


@pytest.mark.parametrize(
    ("name", "hidden", "placer"),
    [
        ("ulx3s-85f", 500, "static"),
        ("ulx3s-85f", 200, None),  # weights in less than half of the block RAM
        ("icebreaker", 160, None),  # in SPRAM
        ("hx8k-breakout", 16, None),  # crowded, but a family without a placer for that
    ],
)
def test_a_device_that_weights_crowd_has_a_placer_of_its_own(name, hidden, placer):
    settings = large(name, hidden, lanes=8)
    assert settings.job.placer == placer
    assert replace(settings, placer="heap").job.placer == "heap"


@pytest.mark.parametrize(
    ("name", "reuse", "style", "buffered"),
    [
        ("ulx3s-25f", False, "auto", 2),
        ("ulx3s-25f", True, "auto", 2),
        ("icebreaker", False, "auto", 2),
        ("icebreaker", True, "auto", 1),  # the digest takes a block RAM
    ],
)
def test_the_frame_buffer_is_in_block_ram_while_there_is_some(name, reuse, style, buffered):
    settings = replace(settings_of(name), reuse=reuse)
    top = settings.top(settings.board.clock_hz)
    assert (top.buffer_style, top.buffered) == (style, buffered)


def test_the_frame_buffer_leaves_full_block_ram_to_the_weights():
    crowded = large("none-ecp5-25f", 600, lanes=40)
    assert crowded.pipeline.placement == (BLOCK, BLOCK)
    assert crowded.top(25e6).buffer_style == "distributed"


def test_what_is_placed_has_other_weights_if_they_shall_be_exchanged():
    settings = settings_of("icebreaker")
    assert settings.placed is settings.pipeline
    placed = replace(settings, reuse=True).placed
    assert placed.exchangeable
    assert placed.network.digest != settings.pipeline.network.digest
    for ours, theirs in zip(placed.layers, settings.pipeline.layers, strict=True):
        assert (ours.rows.depth, ours.rows.word) == (theirs.rows.depth, theirs.rows.word)


def test_a_flash_is_only_there_for_weights():
    settings = settings_of("icebreaker")
    assert settings.flash is None
    stored = replace(settings, pipeline=settings.pipeline.with_placement(0, flash(4)))
    assert stored.flash is settings.board.flash


def test_a_clock_that_cannot_make_the_bit_rate_is_refused():
    with pytest.raises(InputError, match="baud: 1000000 needs a clock of 4 MHz or more"):
        settings_of("icebreaker").top(2e6)
