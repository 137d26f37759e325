"""What the synthesis scripts select by the instance names of parts, and how much of it a design
must have: a part that was renamed fails the build, and does not just make it larger.
"""

from hw.broadcast import ATTRIBUTE
from hw.learning import SUBMODULE as LEARNER
from hw.learning.supervised.input_weights import SUBMODULE as INPUTS
from hw.machine.neurons import SUBMODULE as NEURONS
from hw.parameters import MachineParameters
from hw.storage import SUBMODULE as WEIGHTS
from hw.storage.block import SUBMODULE as WORDS
from hw.storage.writable import SUBMODULE as STORE

WRITABLE_WORDS = f"{WEIGHTS}.{STORE}.{WORDS}"
"""The words of a store whose weights change while the machine runs."""

INPUT_LESSON = f"{LEARNER}.{INPUTS}"
"""What a lesson keeps of an image."""

NEURON_MEMORIES, WRITABLE_MEMORIES, LESSON_MEMORIES = (
    f"*.{part}/t:$memrd_v2" for part in (NEURONS, WRITABLE_WORDS, INPUT_LESSON)
)

SEPARATE = (NEURON_MEMORIES, WRITABLE_MEMORIES, LESSON_MEMORIES)
"""Memories in which nothing is read in the cycle in which it is written, or nobody looks at it:
state (:mod:`hw.machine.neurons`), weights that learn (:mod:`hw.storage.writable`), what a lesson
keeps (:mod:`hw.learning.supervised.input_weights`).
"""

WEIGHT_MEMORIES = f"*.{WEIGHTS}*/m:*"
"""Weights, wherever they are stored."""

REPLICAS = f"*/a:{ATTRIBUTE} %ci:+[Q] */t:$*dff* %i"
"""Registers that hold the same as others: the flip-flops whose output has the attribute."""

Expected = tuple[tuple[str, int], ...]
"""Selections that must not be empty: what they select, and how many of it there are at least."""


def expected(machine: MachineParameters, exchangeable: bool) -> Expected:
    """Return what the scripts must find in a machine.

    :param exchangeable: its weights are to be found again in the bitstream.
    """
    layers = machine.layers
    least = {
        NEURON_MEMORIES: sum(layer.folds > 1 for layer in layers),
        WRITABLE_MEMORIES: len(layers) if machine.learns else 0,
        LESSON_MEMORIES: int(machine.learns),
        REPLICAS: sum(layer.wide for layer in layers),
    }
    if exchangeable:
        least[WEIGHT_MEMORIES] = sum(layer.placement.in_block_ram for layer in layers)

    return tuple((selection, count) for selection, count in least.items() if count)
