"""What the synthesis scripts select by the instance names of parts, and how much of it a design
must have: a part that was renamed fails the build, and does not just make it larger.
"""

from hw.broadcast import REPLICA
from hw.machine.pipeline import Parameters as MachineParameters
from hw.storage.block import Storage

NEURONS = "neurons"
"""A layer's neurons, whose state is a memory if they have several folds."""

WEIGHTS = "weights"
"""A layer's store of weights, whichever it is."""

WRITABLE_WORDS = f"{WEIGHTS}.store.words"
"""The words of a store whose weights change while the machine runs."""

INPUT_LESSON = "learner.inputs"
"""What a lesson keeps of an image."""

NEURON_MEMORIES, WRITABLE_MEMORIES, LESSON_MEMORIES = (
    f"*.{part}/t:$memrd_v2" for part in (NEURONS, WRITABLE_WORDS, INPUT_LESSON)
)

SEPARATE = (NEURON_MEMORIES, WRITABLE_MEMORIES, LESSON_MEMORIES)
"""Memories in which nothing is read in the cycle in which it is written, or nobody looks at it:
state (:mod:`hw.machine.neurons`), weights that learn (:mod:`hw.learning.store`), what a lesson
keeps (:mod:`hw.learning.supervised.input_weights`).
"""

WEIGHT_MEMORIES = f"*.{WEIGHTS}*/m:*"
"""Weights, wherever they are stored."""

REPLICAS = f"*/a:{next(iter(REPLICA))} %ci:+[Q] */t:$*dff* %i"
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
        WRITABLE_MEMORIES: len(layers) if machine.rule is not None else 0,
        LESSON_MEMORIES: int(machine.rule is not None),
        REPLICAS: sum(layer.wide for layer in layers),
    }
    if exchangeable:
        least[WEIGHT_MEMORIES] = sum(layer.storage is Storage.BLOCK for layer in layers)

    return tuple((selection, count) for selection, count in least.items() if count)
