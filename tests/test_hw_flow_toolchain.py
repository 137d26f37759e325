"""Designs that the tools from pip once failed on."""

import numpy as np

from hw.boards.table import find_board
from hw.flow.toolchain import DESIGN, NETLIST, Job, run_stages, stages
from hw.machine.pipeline import Pipeline
from hw.parameters import MachineParameters
from hw.verilog import to_rtlil
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike


def test_wires_named_like_bits_of_others_are_told_apart(tmp_path):
    """Yosys 0.70 made one wire of the word's bit 32 and of its 32nd weight."""
    rng = np.random.default_rng(1)
    weights = (rng.integers(-100, 120, shape).astype(np.int8) for shape in ((8, 96), (96, 10)))
    encoder = Intensity((1, 8), 1, np.arange(8, dtype=np.int32), np.repeat(np.int16([-1, 0]), 128))
    network = Network(
        encoder,
        tuple(Layer(Dense(weight), Neuron(800)) for weight in weights),
        FirstSpike(),
        8,
        24,
        tuple("0123456789"),
    )
    board = find_board("none-ecp5-25f")
    (tmp_path / DESIGN).write_text(to_rtlil(Pipeline(MachineParameters(network)), board.device))
    run_stages(stages(board, 25e6, Job())[:1], tmp_path, lambda stage: None)
    assert (tmp_path / NETLIST).is_file()


def test_what_a_job_chooses_is_told_to_the_router_beside_all_else():
    board = find_board("none-ecp5-25f")
    plain, chosen = (
        stages(board, 25e6, job)[1].arguments
        for job in (Job(seed=3), Job(seed=3, placer="static", router="router2"))
    )
    first = plain.index("--package") + 2
    choice = ("--placer", "static", "--router", "router2")
    assert chosen == (*plain[:first], *choice, *plain[first:])
    assert plain[:2] == ("--json", NETLIST)
    assert plain[plain.index("--seed") + 1] == "3"
    assert plain[plain.index("--freq") + 1] == "25.000"
