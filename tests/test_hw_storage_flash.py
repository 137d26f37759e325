"""Weights in flash: what the wires do, whole machines against sim, and the files and pins of a
board.
"""

import random
import re
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from amaranth.hdl import Module, ResetInserter, Signal, Value
from amaranth.lib.wiring import connect
from amaranth.sim import Simulator
from hypothesis import given, settings

from hw.bench.emulate import VirtualBoard
from hw.bench.flash_chip import FlashChip
from hw.bench.simulate import Simulation, simulate
from hw.boards import top
from hw.boards.table import BOARDS, find_board
from hw.boards.top import BoardTop
from hw.flow.build import build
from hw.flow.check import Findings
from hw.flow.settings import BuildSettings
from hw.link.client import Board
from hw.link.exchange import LinkError
from hw.parameters import MachineParameters
from hw.rows import BLOCK, Rows, flash
from hw.storage.flash import (
    COMMAND_BITS,
    DESELECT_CYCLES,
    DUMMY_BITS,
    HEADER_BYTES,
    OFFSET,
    READ,
    STATUS_2,
    VOLATILE,
    WAKE,
    WEIGHTS_FILE,
    FlashStore,
    image,
    row_cycles,
)
from hw.verilog import to_rtlil
from random_networks import random_images, random_network, seeds
from sim.connections.dense import Dense
from sim.network import Layer
from sim.neuron import Neuron
from simulated_board import CLOCK_HZ, SimulatedLine, VirtualLine, check_answers

WAKE_CYCLES = 50


class Wires:
    """What a flash sees: the bits of every command, and how long it was left alone before; who
    drives what.
    """

    def __init__(self, data):
        self.data, self.commands, self.pauses = data, [], []
        self._selected, self._clock, self._alone = False, 0, 0

    def look(self, cs_n, sck, o, oe):
        """One cycle."""
        held = 0b1100 if self.data < 4 else 0
        assert oe & held & o == held, "WP and HOLD are high where they carry no data"
        if not cs_n and not self._selected:
            assert not sck, "mode 0"
            self.commands.append([])
            self.pauses.append(self._alone)
            self._alone = 0
        if not cs_n and sck and not self._clock:
            sent = len(self.commands[-1])
            if sent < COMMAND_BITS - DUMMY_BITS:
                assert oe == 0b1101, "commands go over one wire"
                assert o & 0b1100 == 0b1100, "the chip is not held"
            else:
                assert oe == held, "the wires are the chip's"
            self.commands[-1].append(o & 1)
        self._alone += cs_n
        self._selected, self._clock = not cs_n, sck


def number(bits):
    return int("".join(map(str, bits)), 2)


def soldered(rows, wires, digest):
    """A store that can be reset, and a chip that is not."""
    store, chip, clear, m = (
        FlashStore(rows, wires),
        FlashChip(image(rows, digest)),
        Signal(),
        Module(),
    )
    m.submodules.store, m.submodules.chip = ResetInserter(clear)(store), chip
    connect(m, store.flash.bus, chip.bus)
    return m, store, clear


def read_rows(rows, data, asked, rng):
    """Ask for rows, break some off at any time, and return what the flash saw; those not broken off
    are right.
    """
    digest = rng.getrandbits(32)
    m, store, clear = soldered(rows, data, digest)
    wires, words = Wires(data), rows.pack()
    bus = store.flash.bus
    seen = [
        bus.cs_n,
        bus.sck,
        bus.o,
        bus.oe,
        store.i.ready,
        store.o.valid,
        Value.cast(store.o.payload),
    ]

    async def testbench(ctx):
        for row in asked:
            ctx.set(store.i.payload, row)
            ctx.set(store.i.valid, 1)
            limit, found = rng.choice((9999, rng.randrange(1, 400))), []
            while limit and len(found) < rows.folds:
                limit -= 1
                ctx.set(clear, limit == 0)
                *_, cs_n, sck, o, oe, ready, valid, word = await ctx.tick().sample(*seen)
                wires.look(cs_n, sck, o, oe)
                if ready:
                    ctx.set(store.i.valid, 0)
                    assert ctx.get(store.flash.digest) == digest
                if valid:
                    found.append(word)
            ctx.set(clear, 0)
            assert not limit or found == words[row * rows.folds : (row + 1) * rows.folds]

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()
    return wires


@pytest.mark.parametrize("data", READ)
@settings(max_examples=8)
@given(seeds)
def test_a_row_is_one_read_whatever_was_broken_off(data, seed):
    """Resets at any time, as they begin images, leave the flash its pauses; the next row is right."""
    rng = random.Random(seed)
    weight = np.random.default_rng(seed).integers(-128, 128, (5, 4)).astype(np.int8)
    rows, asked = (
        Rows(Layer(Dense(weight), Neuron(1), weight_bits=8), rng.randrange(1, 5)),
        [*rng.choices(range(5), k=8), 0],
    )
    row_bytes = rows.folds * rows.word_bytes
    places = {OFFSET + HEADER_BYTES + row * row_bytes for row in asked}
    with patch("hw.storage.flash.WAKE_CYCLES", WAKE_CYCLES):
        wires = read_rows(rows, data, asked, rng)
    wakings = [
        place
        for place, bits in enumerate(wires.commands)
        if len(bits) == 8 and number(bits) == WAKE
    ]
    assert all(pause >= WAKE_CYCLES for pause in wires.pauses[wakings[-1] + 1 : wakings[-1] + 2])
    assert min(wires.pauses) >= DESELECT_CYCLES
    assert wakings[-1] < next(
        place for place, bits in enumerate(wires.commands) if number(bits[8:32] or [0]) in places
    )
    known = {WAKE, READ[data]} | ({VOLATILE, STATUS_2} if data == 4 else set())
    for bits in wires.commands:
        assert len(bits) <= COMMAND_BITS + 8 * max(row_bytes, HEADER_BYTES) // data
        assert len(bits) < 8 or number(bits[:8]) in known
        if len(bits) >= COMMAND_BITS:
            assert number(bits[:8]) == READ[data]
            assert number(bits[8:32]) in places | {OFFSET}


@pytest.mark.parametrize("seed", range(6))
def test_a_machine_with_weights_in_flash_equals_sim(seed):
    """Any layer of any network; an image costs what its rows cost."""
    network = random_network(seed)
    layer, wires = seed % len(network.layers), 1 << seed % 3
    parameters = MachineParameters(network, 1).with_placement(layer, flash(wires))
    images = random_images(network, 2, seed)
    with patch("hw.storage.flash.WAKE_CYCLES", WAKE_CYCLES):
        found = list(simulate(Simulation(parameters, "amaranth"), images))
    cycles = row_cycles(parameters.layers[layer].rows, wires)
    for trace in found:
        # of the rows counted, the last may have been broken off by the decision
        assert trace.cycles >= (trace.events[layer] - 1) * cycles


def test_the_virtual_board_reads_its_flash():
    network = random_network(9)
    board = VirtualBoard(MachineParameters(network, 1).with_placement(0, flash()))
    with Board(VirtualLine(board), network) as host:
        check_answers(host, network, random_images(network, 30, 9))
    board.close()


@pytest.mark.parametrize("wrong", [0, 1 << 31])
def test_weights_of_another_network_are_refused(wrong):
    """The digest before the weights is compared with that of the bitstream, whatever the host runs."""
    network = random_network(9)
    parameters = MachineParameters(network, 1).with_placement(0, flash(2))

    def swapped(rows, digest):
        return image(rows, digest ^ wrong)

    with (
        patch("hw.storage.flash.WAKE_CYCLES", WAKE_CYCLES),
        patch("hw.bench.flash_chip.image", swapped),
    ):
        line = SimulatedLine(top.BoardParameters(parameters, clock_hz=CLOCK_HZ, baud=CLOCK_HZ // 4))
        if wrong:
            with pytest.raises(LinkError, match="in its flash are another network's weights"):
                Board(line, network)
        else:
            assert Board(line, network).registers()["digest"] == network.digest


def gateware(name, placement=()):
    board = find_board(name)
    machine = MachineParameters(random_network(3), 1, placement=placement)
    wanted = BuildSettings(machine, board, board.clock_hz)
    outermost = BoardTop(wanted.top(board.clock_hz), None, wanted.flash)
    text = to_rtlil(outermost, board.device)
    module = text.partition("attribute \\top 1")[2].partition("\nend")[0]
    return set(re.findall(r"(?:input|output|inout) \d+ +\\(\w+)", module)), text


@pytest.mark.parametrize("name", [board.name for board in BOARDS.values() if board.flash])
def test_pins_of_the_flash_are_there_if_weights_are(name):
    """Each has its place on the board; an ECP5 has no pin for the clock."""
    pins, text = gateware(name)
    assert pins == {"clk", "rx", "tx"}
    assert "flash" not in text
    placement = (flash(), *[BLOCK] * (len(random_network(3).layers) - 1))
    pins, text = gateware(name, placement)
    listed = find_board(name).pin_file.read_text().replace('"', "").split()
    assert pins == {
        name for name in listed if name in ("clk", "rx", "tx") or name.startswith("flash_")
    }
    assert ("flash_sck" in pins) != ("USRMCLK" in text)


def test_check_says_what_an_event_costs():
    board = find_board("icebreaker")
    pipeline = MachineParameters(random_network(4), 1).with_placement(0, flash())
    found = Findings(
        BuildSettings(pipeline, board, board.clock_hz), blocks=31, sprams=0, luts=1, silent=None
    )
    first, *rest = found.to_json()["layers"]
    assert (first["weights_in"], first["cycles_per_event"]) == (
        "flash",
        row_cycles(pipeline.layers[0].rows, 4),
    )
    assert [layer["cycles_per_event"] for layer in rest] == [
        layer.folds for layer in pipeline.layers[1:]
    ]
    (advice,) = found.advice
    assert "the weights are in flash already" in advice


@pytest.mark.slow
def test_a_build_has_its_weights_beside_it(tmp_path):
    board = find_board("icebreaker")
    pipeline = MachineParameters(random_network(3), 1).with_placement(0, flash())
    rows = pipeline.layers[0].rows
    report = build(BuildSettings(pipeline, board, board.clock_hz), tmp_path).to_json()
    assert report["weights"] == {"file": WEIGHTS_FILE, "offset": OFFSET}
    written = (tmp_path / WEIGHTS_FILE).read_bytes()
    assert int.from_bytes(written[:HEADER_BYTES], "big") == pipeline.network.digest
    assert [
        int.from_bytes(written[place : place + rows.word_bytes], "big")
        for place in range(HEADER_BYTES, len(written), rows.word_bytes)
    ] == rows.pack()
    build(BuildSettings(replace(pipeline, placement=()), board, board.clock_hz), tmp_path)
    assert not (tmp_path / WEIGHTS_FILE).exists()
