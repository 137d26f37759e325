"""The whole machine, encoder included: images of the wrong length, and the rest of a decided one.

What it decides is compared with ``sim`` by test_agreement.py.
"""

import numpy as np

from hw.bench.engine import AmaranthEngine, Stimulus
from hw.bench.trace import pixels
from hw.events import Status
from hw.machine.machine import Machine
from hw.parameters import MachineParameters
from timed_networks import GOOD, SLOW, timed_network


def test_the_rest_of_a_decided_image_is_not_read_again():
    """Decided at tick 1, the encoder leaves out its passes over 200 inputs for ticks 2 to 6; the
    next image comes.
    """
    machine = timed_network(([[9]] * 200, 2), ticks=(0, 2, 3, 4, 5, 6), inputs=200)
    images = np.tile(np.arange(1, 7, dtype=np.uint8), 100)[: 3 * 200].reshape(3, 1, 200)
    run = AmaranthEngine(Machine(MachineParameters(machine))).run(Stimulus(pixels(images)))
    assert len(run.outputs) == 3
    assert run.cycles < 3 * (200 + 2 * 34 + 40)


def test_the_machine_counts_images_of_the_wrong_length():
    machine = Machine(MachineParameters(SLOW))
    images = pixels(GOOD)
    found = AmaranthEngine(machine).run(
        Stimulus([[256], images[0], [0, 0, 256], [0] * 9 + [256], images[0]])
    )
    layout = machine.o.payload.shape()
    status = [
        layout.from_bits(int.from_bytes(row.tobytes(), "little")).outcome.status
        for row in found.outputs
    ]
    assert status == [
        Status.DROPPED,
        Status.TIMED_OUT,
        Status.DROPPED,
        Status.DROPPED,
        Status.TIMED_OUT,
    ]
