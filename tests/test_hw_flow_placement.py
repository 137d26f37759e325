"""Weights are stored where a board has room, or a sentence says what to change."""

from dataclasses import replace

import pytest

from hw.boards.table import find_board
from hw.flow.placement import (
    Memory,
    block_bits,
    blocks_of,
    fills_blocks,
    place,
    place_state,
    place_weights,
    state_memories,
)
from hw.flow.reuse import placeholder
from hw.parameters import MachineParameters
from hw.rows import BLOCK, LOGIC, SPRAM, flash
from sim.errors import InputError
from sim.learning.schedule import default_rule
from small_builds import maps, sized_network


@pytest.mark.parametrize(
    ("sizes", "lanes", "board", "expected"),
    [
        ((784, 600, 10), 40, "ulx3s-85f", (BLOCK, LOGIC)),
        ((784, 500, 10), 40, "ulx3s-85f", (BLOCK, BLOCK)),
        ((784, 600, 10), 40, "ulx3s-25f", (flash(2), BLOCK)),
        ((784, 600, 10), 40, "icepi-zero", (flash(4), BLOCK)),
        ((784, 600, 10), 40, "none-ecp5-25f", (BLOCK, BLOCK)),  # no remedy: hw check says so
        ((784, 800, 800, 10), 40, "ulx3s-25f", (BLOCK, BLOCK, BLOCK)),  # nor here
        ((784, 160, 10), 8, "icebreaker", (SPRAM, BLOCK)),
        ((784, 600, 10), 8, "icebreaker", (flash(4), BLOCK)),
        ((784, 600, 10), 8, "hx8k-breakout", (flash(2), BLOCK)),
    ],
)
def test_weights_are_stored_where_there_is_room(sizes, lanes, board, expected):
    machine = place_weights(MachineParameters(sized_network(*sizes), lanes), find_board(board))
    assert machine.placement == expected
    if LOGIC in expected:
        with pytest.raises(InputError, match="layer 1 is stored in logic"):
            placeholder(machine)


@pytest.mark.parametrize(
    ("channels", "bits", "lanes", "board", "expected"),
    [
        ((16, 32), 8, 16, "ulx3s-25f", (BLOCK, BLOCK, BLOCK)),
        ((4, 8), 2, 4, "icebreaker", (BLOCK, BLOCK, BLOCK)),
        ((4, 32), 8, 4, "icebreaker", (BLOCK, BLOCK, SPRAM)),
        ((8, 32), 8, 8, "icebreaker", (SPRAM, SPRAM, SPRAM)),
        ((16, 32), 8, 8, "hx8k-breakout", (BLOCK, BLOCK, BLOCK)),  # no remedy: hw check says so
    ],
)
def test_weights_and_state_of_maps_are_stored_where_there_is_room(
    channels, bits, lanes, board, expected
):
    machine = MachineParameters(maps(*channels, bits=bits), lanes)
    assert place_weights(machine, find_board(board)).placement == expected


def test_blocks_are_those_of_the_shape_that_takes_fewest():
    """Of 256 x 16 bits, 512 x 8, 1024 x 4 or 2048 x 2; of 18 kbit, up to 36 bits wide."""
    up5k, ecp5 = (find_board(name).device for name in ("none-up5k", "none-ecp5-25f"))
    for depth, width, small, large in (
        (256, 16, 1, 1),
        (290, 88, 11, 3),
        (16, 600, 0, 17),
        (1600, 64, 28, 8),
        (17, 17, 2, 1),
    ):
        found = [blocks_of(Memory(depth, width, 16), device) for device in (up5k, ecp5)]
        assert found == [small, large]


@pytest.mark.parametrize(
    ("sizes", "lanes", "board", "wanted", "remedy"),
    [
        ((784, 160, 10), 8, "ulx3s-85f", "spram", "has no SPRAM; give --weights block"),
        (
            (784, 160, 10),
            160,
            "icebreaker",
            "auto",
            "784 words of 1280 bits take 80 SPRAMs and up5k has 4; give --lanes 8",
        ),
        (
            (784, 600, 10),
            8,
            "icebreaker",
            "spram",
            "take 16 SPRAMs and up5k has 4; take fewer inputs or neurons",
        ),
        (
            (784, 160, 10),
            8,
            "none-ecp5-25f",
            "flash",
            "none-ecp5-25f has no flash that we know; give --weights block",
        ),
        (
            (784, 3000, 10),
            8,
            "ulx3s-25f",
            "flash",
            "2352004 bytes do not fit into 2097152 of flash; take fewer",
        ),
    ],
)
def test_weights_that_nothing_holds_are_refused(sizes, lanes, board, wanted, remedy):
    with pytest.raises(InputError, match=remedy):
        place_weights(MachineParameters(sized_network(*sizes), lanes), find_board(board), wanted)


def test_weights_that_learn_stay_in_block_ram():
    """However many there are; and there they count: every word of every layer."""
    network, board = sized_network(784, 600, 10), find_board("ulx3s-25f")
    machine = place_weights(MachineParameters(network, 40, default_rule(network)), board)
    assert machine.placement == (BLOCK, BLOCK)
    assert block_bits(machine) == 784 * 600 * 8 + 600 * 10 * 8
    assert fills_blocks(machine, board.device)


@pytest.mark.parametrize(
    ("sizes", "bits", "lanes", "board", "expected"),
    [
        # eight folds of 8 lanes; the outputs have five of 2
        ((256, 60, 10), 8, 8, "icebreaker", {(0, "current"), (0, "soma")}),
        # the same where the weights take the blocks
        ((196, 48, 10), 8, 12, "icebreaker", set()),
        # one fold has no memory
        ((64, 24, 10), 4, 24, "icebreaker", set()),
        # over sixteen folds are in blocks anyway; the outputs have ten of 1
        ((784, 160, 10), 8, 8, "icebreaker", {(1, "soma")}),
        # look-up tables make small memories there
        ((256, 60, 10), 8, 8, "ulx3s-25f", set()),
    ],
)
def test_state_is_in_block_ram_where_that_costs_less(sizes, bits, lanes, board, expected):
    board = find_board(board)
    machine = place(MachineParameters(sized_network(*sizes, bits=bits), lanes), board)
    assert machine.state_in_block >= expected
    assert bool(machine.state_in_block) == bool(expected)
    again = place_state(machine, board.device)
    assert again.state_in_block == machine.state_in_block


def test_state_in_block_ram_changes_no_memory_but_its_own():
    board = find_board("icebreaker")
    machine = place(MachineParameters(sized_network(256, 60, 10), 8), board)
    plain = replace(machine, state_in_block=frozenset())
    found, before = (
        [each for layer in which.layers for each in state_memories(layer).values()]
        for which in (machine, plain)
    )
    assert [(each.depth, each.width) for each in found] == [
        (each.depth, each.width) for each in before
    ]
    assert [blocks_of(each, board.device) for each in before] == [0, 0, 0, 0]
    # 9 words of 72 and 104 bits, 6 of 16 and 26, in blocks of 16 columns
    assert [blocks_of(each, board.device) for each in found] == [5, 7, 1, 2]
