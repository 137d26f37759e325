"""What the whole pipeline promises beyond equality: the order of steps, cycles, bad input, and what
it costs.
"""

import numpy as np
import pytest
from hypothesis import given, settings

from hw.bench.engine import AmaranthEngine, HangError, Stimulus
from hw.bench.simulate import DifferenceError, Simulation, compare, compare_events, simulate
from hw.bench.trace import end_of_image, input_events, pixels, traces
from hw.events import Kind, Status, event
from hw.machine.machine import Machine
from hw.machine.pipeline import Pipeline
from hw.parameters import FULL, MachineParameters
from random_networks import random_images, random_network, seeds
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.errors import InputError
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.pipeline import run
from sim.readouts.first_spike import FirstSpike


def network(*layers, ticks=(0,), last_tick=6, inputs=4, ticks_per_unit=1):
    """Input i fires at tick ticks[i % len(ticks)] where the image is bright; intensity n stands for
    ticks[n - 1].
    """
    spike_tick = np.full(256, -1, np.int16)
    spike_tick[1 : len(ticks) + 1] = ticks
    encoder = Intensity((1, inputs), 1, np.arange(inputs, dtype=np.int32), spike_tick)
    sizes = [np.array(weight, np.int8) for weight, _ in layers]
    return Network(
        encoder,
        tuple(
            Layer(Dense(weight), Neuron(threshold))
            for weight, (_, threshold) in zip(sizes, layers, strict=True)
        ),
        FirstSpike(),
        ticks_per_unit,
        last_tick,
        tuple(str(index) for index in range(sizes[-1].shape[1])),
    )


def result_of(machine, *images, lanes=FULL):
    """The trace of the last image, after every image was held against sim on every boundary."""
    batch = np.array(images, np.uint8).reshape(-1, 1, machine.encoder.inputs)
    found = list(simulate(Simulation(MachineParameters(machine, lanes), "amaranth"), batch))
    return found[-1]


@pytest.mark.parametrize("lanes", [1, 2, FULL])
def test_a_tie_goes_to_the_highest_potential_then_the_lowest_index(lanes):
    later = network(([[4, 6, 6, 4]], 2), inputs=1)
    assert result_of(later, [1], lanes=lanes).trace.decision == 1
    assert result_of(network(([[6, 6, 6, 6]], 2), inputs=1), [1], lanes=lanes).trace.decision == 0


@pytest.mark.parametrize("lanes", [1, FULL])
def test_nothing_of_the_decision_tick_is_read(lanes):
    """Inputs of tick 1 are there when output 0 decides at tick 1: they stay unread, uncounted."""
    machine = network(([[9, -9]] * 4, 2), ticks=(0, 1))
    found = result_of(machine, [1, 2, 2, 2], lanes=lanes)
    assert (found.trace.tick, found.events, found.status) == (1, [1], Status.DECIDED)


@pytest.mark.parametrize("lanes", [1, FULL])
def test_hidden_spikes_before_the_decision_tick_are_delivered_and_counted(lanes):
    """Hidden neurons fire at tick 1, the output at tick 2 by the first of them; both were
    delivered.
    """
    machine = network(([[9, 9]] * 4, 2), ([[9, 0], [0, 0]], 1))
    found = result_of(machine, [1, 0, 0, 0], lanes=lanes)
    assert (found.trace.tick, found.events) == (2, [1, 2])


def test_at_the_last_tick_events_are_still_delivered_then_time_is_out():
    machine = network(([[1, 0]] * 4, 100), ticks=(0, 6))
    found = result_of(machine, [1, 2, 2, 0])
    assert (found.status, found.trace.tick, found.events, found.trace.decision) == (
        Status.TIMED_OUT,
        6,
        [3],
        0,
    )


def test_each_neuron_fires_once_and_an_image_leaves_nothing_behind():
    machine = network(([[9, 1]] * 4, 2), ([[1, 0], [0, 1]], 100))
    assert result_of(machine, [1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]).events == [1, 1]


def test_cycles_with_all_lanes_are_two_per_tick_and_one_per_event():
    """Tick 0: 4 events, 2 for the last of them to arrive; 6 ticks of 2 cycles; 1 to look again, 1
    to end.
    """
    machine = network(([[1, 0]] * 4, 100))
    assert result_of(machine, [1, 1, 1, 1]).cycles == 4 + 2 + 6 * 2 + 2
    assert result_of(machine, [0, 0, 0, 0]).cycles == 6 * 2 + 2


def test_cycles_with_fewer_lanes_are_folds_per_event_and_tick():
    machine = network(([[1] * 12] * 4, 100))
    for lanes in (1, 2, 5, 6, 12):
        folds = -(-12 // lanes)
        for image, events in (([0, 0, 0, 0], 0), ([1, 0, 0, 0], 1), ([1, 1, 1, 1], 4)):
            waits = 2 if events else 0
            assert (
                result_of(machine, image, lanes=lanes).cycles
                == events * folds + waits + 6 * (folds + 1) + 2
            )


@settings(max_examples=20)
@given(seeds)
def test_images_back_to_back_cost_no_more(seed):
    """The next image enters in the cycle after the result; only the two cycles around reset are not
    counted.
    """
    machine = random_network(seed)
    images = random_images(machine, 4, seed)
    parameters = MachineParameters(machine)
    run = AmaranthEngine(Pipeline(parameters)).run(Stimulus(input_events(machine, images)))
    assert run.cycles <= sum(found.cycles + 1 for found in traces(parameters, run)) + 2


def test_the_rest_of_a_decided_image_is_not_read_again():
    """Decided at tick 1, the encoder leaves out its passes over 200 inputs for ticks 2 to 6; the
    next image comes.
    """
    machine = network(([[9]] * 200, 2), ticks=(0, 2, 3, 4, 5, 6), inputs=200)
    images = np.tile(np.arange(1, 7, dtype=np.uint8), 100)[: 3 * 200].reshape(3, 1, 200)
    run = AmaranthEngine(Machine(MachineParameters(machine))).run(Stimulus(pixels(images)))
    assert len(run.outputs) == 3
    assert run.cycles < 3 * (200 + 2 * 34 + 40)


SLOW = network(([[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]], 100), ticks=(0, 2, 6), inputs=5)
"""Never decides, so bad input is met in every phase of an image; 5 inputs leave 3 indices out of
range.
"""

GOOD = np.array([[[1, 2, 0, 3, 3]]], np.uint8)


def beat(tick, neuron):
    layout = event(SLOW)
    return layout.const({"kind": Kind.SPIKE, "tick": tick, "neuron": neuron}).as_value().value


def feed(images, seed=None, lanes=FULL):
    parameters = MachineParameters(SLOW, lanes)
    return traces(parameters, AmaranthEngine(Pipeline(parameters)).run(Stimulus(images, seed=seed)))


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("neuron", [5, 7])
def test_an_event_out_of_range_is_rejected_counted_and_changes_nothing(place, neuron):
    events = input_events(SLOW, GOOD)[0]
    bad = [*events[:place], beat(0, neuron), *events[place:]]
    first, second = feed([bad, events], seed=place)
    assert (first.rejected, second.rejected) == (1, 0)
    assert first.trace.to_json() == second.trace.to_json() == run(SLOW, GOOD[0]).to_json()


def test_an_event_that_comes_too_late_is_rejected_counted_and_changes_nothing():
    events = input_events(SLOW, GOOD)[0]
    first, second = feed([[*events[:-1], beat(2, 0), beat(0, 4), events[-1]], events])
    assert (first.rejected, second.rejected) == (2, 0)
    assert first.trace.to_json() == second.trace.to_json() == run(SLOW, GOOD[0]).to_json()


@pytest.mark.parametrize("lanes", [1, FULL])
@pytest.mark.parametrize("place", range(5))
def test_a_broken_image_is_dropped_and_the_next_is_right(place, lanes):
    events = input_events(SLOW, GOOD)[0]
    first, second = feed([[*events[:place], end_of_image(Kind.ABORT)], events], lanes=lanes)
    assert (first.status, first.trace) == (Status.DROPPED, None)
    compare(1, run(SLOW, GOOD[0]), second)


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


def test_a_component_that_hangs_is_named():
    stimulus = Stimulus([input_events(SLOW, GOOD)[0][:-1]], patience_cycles=50)
    with pytest.raises(HangError, match="for 50 cycles; 0 of 1 images are closed"):
        AmaranthEngine(Pipeline(MachineParameters(SLOW))).run(stimulus)


@pytest.mark.parametrize("lanes", [0, 3, -1, "all", True])
def test_lanes_that_do_not_fit_are_refused(lanes):
    with pytest.raises(
        InputError, match=r"lanes: must be in 1\.\.2 \(the widest layer\) or 'full'"
    ):
        MachineParameters(SLOW, lanes)


def test_differences_are_named():
    parameters = MachineParameters(SLOW)
    found = feed(input_events(SLOW, GOOD))[0]
    other = run(SLOW, np.array([[1, 2, 0, 3, 0]], np.uint8))
    with pytest.raises(
        DifferenceError,
        match="image 7, tick 6, layer 0, event 3: expected no event, found neuron 4",
    ):
        compare(7, other, found)
    beats = input_events(SLOW, GOOD)
    with pytest.raises(
        DifferenceError, match=r"image 0, input event 1: expected .*, found nothing"
    ):
        compare_events(parameters.network, [beats[0][:1]], GOOD)
