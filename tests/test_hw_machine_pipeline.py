"""What the whole pipeline promises beyond equality: the order of steps, cycles, bad input, and what
it costs.
"""

import numpy as np
import pytest
from hypothesis import given, settings

from hw.bench.engine import AmaranthEngine, Stimulus
from hw.bench.simulate import Simulation, compare, simulate
from hw.bench.trace import end_of_image, input_events, traces
from hw.events import Kind, Status, event
from hw.machine.pipeline import Pipeline
from hw.parameters import FULL, MachineParameters
from random_networks import random_images, random_network, seeds
from sim.pipeline import run
from timed_networks import GOOD, SLOW, feed, timed_network


def result_of(machine, *images, lanes=FULL):
    """The trace of the last image, after every image was compared with sim on every boundary."""
    batch = np.array(images, np.uint8).reshape(-1, 1, machine.encoder.inputs)
    found = list(simulate(Simulation(MachineParameters(machine, lanes), "amaranth"), batch))
    return found[-1]


@pytest.mark.parametrize("lanes", [1, 2, FULL])
def test_a_tie_goes_to_the_highest_potential_then_the_lowest_index(lanes):
    for potentials, decision in (([4, 6, 6, 4], 1), ([6, 6, 6, 6], 0)):
        machine = timed_network(([potentials], 2), inputs=1)
        assert result_of(machine, [1], lanes=lanes).trace.decision == decision


@pytest.mark.parametrize("lanes", [1, FULL])
def test_nothing_of_the_decision_tick_is_read(lanes):
    """Inputs of tick 1 are there when output 0 decides at tick 1: they stay unread, uncounted."""
    machine = timed_network(([[9, -9]] * 4, 2), ticks=(0, 1))
    found = result_of(machine, [1, 2, 2, 2], lanes=lanes)
    assert (found.trace.tick, found.events, found.status) == (1, [1], Status.DECIDED)


@pytest.mark.parametrize("lanes", [1, FULL])
def test_hidden_spikes_before_the_decision_tick_are_delivered_and_counted(lanes):
    """Hidden neurons fire at tick 1, the output at tick 2 by the first of them; both were
    delivered.
    """
    machine = timed_network(([[9, 9]] * 4, 2), ([[9, 0], [0, 0]], 1))
    found = result_of(machine, [1, 0, 0, 0], lanes=lanes)
    assert (found.trace.tick, found.events) == (2, [1, 2])


def test_at_the_last_tick_events_are_still_delivered_then_time_is_out():
    machine = timed_network(([[1, 0]] * 4, 100), ticks=(0, 6))
    found = result_of(machine, [1, 2, 2, 0])
    assert (found.status, found.trace.tick, found.events, found.trace.decision) == (
        Status.TIMED_OUT,
        6,
        [3],
        0,
    )


def test_each_neuron_fires_once_and_an_image_leaves_nothing_behind():
    machine = timed_network(([[9, 1]] * 4, 2), ([[1, 0], [0, 1]], 100))
    assert result_of(machine, [1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]).events == [1, 1]


def test_cycles_with_all_lanes_are_two_per_tick_and_one_per_event():
    """Tick 0: 4 events, 2 for the last of them to arrive; 6 ticks of 2 cycles; 1 to look again, 1
    to end.
    """
    machine = timed_network(([[1, 0]] * 4, 100))
    assert result_of(machine, [1, 1, 1, 1]).cycles == 4 + 2 + 6 * 2 + 2
    assert result_of(machine, [0, 0, 0, 0]).cycles == 6 * 2 + 2


def test_cycles_with_fewer_lanes_are_folds_per_event_and_tick():
    machine = timed_network(([[1] * 12] * 4, 100))
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


def beat(tick, neuron):
    layout = event(SLOW)
    return layout.const({"kind": Kind.SPIKE, "tick": tick, "neuron": neuron}).as_value().value


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
