"""What synthesis selects by name is there in every kind of design, and missed if it is renamed."""

import pytest

from hw.boards.table import find_board
from hw.flow.reuse import placeholder
from hw.flow.selections import (
    LESSON_MEMORIES,
    NEURON_MEMORIES,
    REPLICAS,
    WEIGHT_MEMORIES,
    WRITABLE_MEMORIES,
    expected,
)
from hw.flow.settings import BuildSettings
from hw.flow.toolchain import DESIGN, memory_mapping
from hw.machine.pipeline import Pipeline
from hw.parameters import FULL, MachineParameters
from hw.rows import SPRAM
from hw.verilog import to_rtlil
from random_networks import random_network
from sim.errors import InputError
from sim.learning.schedule import default_rule

BOARD = find_board("none-up5k")
NETWORK = next(
    network
    for network in map(random_network, range(100))
    if len(network.layers) == 2 and len(network.classes) > 1 and network.layers[0].fan_out > 2
)


def design(kind: str) -> MachineParameters:
    """A tiny machine that has one more of the parts than the least."""
    match kind:
        case "folded" | "exchangeable":
            return MachineParameters(NETWORK, 1)
        case "learning":
            return MachineParameters(NETWORK, 1, default_rule(NETWORK))
        case "wide":
            return MachineParameters(NETWORK, FULL, group=2)
        case _:
            return MachineParameters(NETWORK, FULL)


def map_memories(kind, folder, rename=("", "")):
    """Run the first part of synthesis on a design; return what it was expected to have."""
    machine, reuse = design(kind), kind == "exchangeable"
    job = BuildSettings(machine, BOARD, BOARD.clock_hz, reuse=reuse).job
    text = to_rtlil(Pipeline(placeholder(machine) if reuse else machine), BOARD.device)
    if rename[0]:
        assert rename[0] in text
        text = text.replace(*rename)
    (folder / DESIGN).write_text(text)
    memory_mapping(BOARD, job).run(folder)
    return {selected for selected, _ in job.expected}


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("plain", set()),
        ("folded", {NEURON_MEMORIES}),
        ("exchangeable", {NEURON_MEMORIES, WEIGHT_MEMORIES}),
        ("wide", {REPLICAS}),
        ("learning", {NEURON_MEMORIES, WRITABLE_MEMORIES, LESSON_MEMORIES}),
    ],
)
def test_every_design_has_what_is_expected_of_it(kind, found, tmp_path):
    assert map_memories(kind, tmp_path) == found


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("folded", ".neurons", ".cells"),
        ("exchangeable", ".weights", ".rows"),
        ("wide", "replica 1", "copy 1"),
        ("learning", ".weights.store", ".weights.block"),
        ("learning", ".learner", ".teacher"),
    ],
)
def test_a_renamed_part_fails_the_build_in_one_sentence(kind, old, new, tmp_path):
    sentence = r"memory mapping: yosys fails, .* no longer has its name in hw/flow/selections\.py"
    with pytest.raises(InputError, match=sentence):
        map_memories(kind, tmp_path, (old, new))


def test_each_layer_counts():
    machine = MachineParameters(NETWORK, 1)
    folded = [layer for layer in machine.layers if layer.folds > 1]
    assert dict(expected(machine, exchangeable=False)) == {NEURON_MEMORIES: len(folded)}
    stored = dict(expected(machine.with_placement(0, SPRAM), exchangeable=True))
    assert stored[WEIGHT_MEMORIES] == len(machine.layers) - 1
