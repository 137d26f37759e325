"""The whole gateware of a board, on its serial line in a simulator."""

from contextlib import nullcontext
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given

from hw.boards.top import BoardParameters
from hw.link.client import Board
from hw.link.exchange import LinkError
from hw.link.framing import Buffer
from hw.link.responder import request_bytes
from hw.parameters import MachineParameters
from hw.rows import SPRAM, flash
from hw.storage.flash import image
from random_networks import any_network, random_images, random_network, seeds
from sim.errors import InputError
from simulated_board import CLOCK_HZ, SimulatedLine, check_answers, parameters_of
from small_network import small_network


@pytest.mark.parametrize("seed", range(2))
def test_simulated_board_decides_as_sim(seed):
    network = random_network(seed)
    with Board(SimulatedLine(parameters_of(network)), network) as board:
        check_answers(board, network, random_images(network, 3, seed))
        assert board.window >= 2
        expected = {"clock_hz": CLOCK_HZ, "lanes": 1, "damaged": 0, "dropped": 0}
        assert {name: board.read(name) for name in expected} == expected


@given(seeds)
def test_the_buffer_holds_every_request_of_the_window(seed):
    """A byte of it always stays free; and one request more would not fit."""
    network = random_network(seed)
    for buffered in (1, 2):
        parameters = BoardParameters(
            MachineParameters(network, 1), CLOCK_HZ, CLOCK_HZ // 4, buffered=buffered
        )
        longest = Buffer.room(request_bytes(parameters.pipeline))
        assert parameters.window >= buffered
        assert parameters.window * longest < parameters.buffer.bytes
        assert parameters.buffer.bytes <= (parameters.window + 1) * longest
        assert parameters.buffer.bytes.bit_count() == 1


def test_a_clock_that_cannot_make_the_bit_rate_is_refused():
    with pytest.raises(InputError, match="baud: 1000000 needs a clock of 4 MHz or more"):
        BoardParameters(MachineParameters(random_network(1), 1), 3_000_000)


@pytest.mark.parametrize(("side", "fits"), [(255, True), (256, False)])
def test_an_image_larger_than_a_frame_of_the_link_is_refused(side, fits):
    encoder = replace(small_network().encoder, image_shape=(side, side))
    machine = MachineParameters(small_network(encoder=encoder))
    with nullcontext() if fits else pytest.raises(InputError, match="65536 bytes is larger than a"):
        BoardParameters(machine, 50_000_000)


@pytest.mark.parametrize("wrong", [0, 1 << 31])
def test_weights_of_another_network_are_refused(wrong):
    """The digest before the weights is compared with that of the bitstream, whatever the host
    runs.
    """
    network = random_network(9)
    parameters = MachineParameters(network, 1).with_placement(0, flash(2))

    def swapped(rows, digest):
        return image(rows, digest ^ wrong)

    with (
        patch("hw.storage.flash.WAKE_CYCLES", 50),
        patch("hw.bench.flash_chip.image", swapped),
    ):
        line = SimulatedLine(BoardParameters(parameters, clock_hz=CLOCK_HZ, baud=CLOCK_HZ // 4))
        if wrong:
            with pytest.raises(LinkError, match="in its flash are another network's weights"):
                Board(line, network)
        else:
            assert Board(line, network).read("digest") == network.digest


def test_a_host_loads_the_memory_that_layers_share():
    """A convolution with a window, and one whose outputs sum, both in one SPRAM."""
    network = any_network(41)
    parameters = MachineParameters(network, 3, placement=(SPRAM,) * len(network.layers))
    assert parameters.shared_layers == (0, 1)
    line = SimulatedLine(BoardParameters(parameters, clock_hz=CLOCK_HZ, baud=CLOCK_HZ // 4))
    with Board(line, network) as board:
        assert board.pipeline.placement == parameters.placement
        assert board.words_missing() == sum(layer.rows.depth for layer in parameters.layers)
        check_answers(board, network, random_images(network, 1, 50))
        assert board.words_missing() == 0
