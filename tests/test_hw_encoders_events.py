"""Events that a sample cannot have: dropped and counted; all others are compared with ``sim`` here
and by test_agreement.py.
"""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.bench.engine import AmaranthEngine, Stimulus
from hw.bench.trace import field, given_events
from hw.encoders.events import EventsEncoder
from hw.events import Kind, event, given_event, result
from hw.machine.machine import Machine
from hw.parameters import MachineParameters
from leaky_networks import leaky_network, random_samples
from random_networks import seeds
from sim.connections.dense import Dense
from sim.encoders.events import EventList, Events
from sim.layer import Layer
from sim.network import Network
from sim.neuron import Neuron
from sim.pipeline import run
from sim.readouts.final import Final


def network_for(seed, inputs=5, last_tick=6):
    """A network that takes events, and never ends a sample early."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(-8, 8, (inputs, 3)).astype(np.int8)
    outputs = Layer(Dense(weight), Neuron(1, 128, 0, "never", ramp=False))
    return Network(Events(inputs), (outputs,), Final(), 1, last_tick, ("a", "b", "c"))


def any_pairs(network, rng, count):
    """Draw (tick, input): mostly in order, some out of range, falling or twice."""
    ticks = np.sort(rng.integers(0, network.last_tick + 3, count))
    inputs = rng.integers(0, network.encoder.inputs + 2, count)
    pairs = np.stack([ticks, inputs], axis=1)
    wrong = rng.random(count) < 0.3
    pairs[wrong] = rng.choice([0, 1, 2, 7, 2**20, 2**32 - 1], (count, 2))[wrong]
    return [tuple(int(value) for value in pair) for pair in pairs]


def kept(network, pairs):
    """Return the events that a sample can have: within range, each after the last good one."""
    good: list[tuple[int, int]] = []
    for tick, neuron in pairs:
        within = tick <= network.last_tick and neuron < network.encoder.inputs
        if within and (not good or (tick, neuron) > good[-1]):
            good.append((tick, neuron))
    return good


def beats(samples):
    """Return pairs per sample as beats."""
    layout = given_event()
    places = layout["tick"].offset, layout["input"].offset
    return [[*(t << places[0] | n << places[1] for t, n in each), 1] for each in samples]


def as_list(samples):
    """Return pairs per sample as an event list."""
    every = np.array([pair for each in samples for pair in each], np.int32).reshape(-1, 2)
    start = np.cumsum([0, *(len(each) for each in samples)])
    return EventList(every[:, 0].copy(), every[:, 1].copy(), start)


@settings(max_examples=12)
@given(seeds, st.booleans())
def test_bad_events_are_dropped_and_counted_and_the_rest_decides(seed, pauses):
    network, rng = network_for(seed), np.random.default_rng(seed)
    given_pairs = [any_pairs(network, rng, int(rng.integers(0, 20))) for _ in range(3)]
    good = [kept(network, pairs) for pairs in given_pairs]
    stimulus = Stimulus(beats(given_pairs), seed=seed % 1000 if pauses else None)
    found = AmaranthEngine(Machine(MachineParameters(network))).run(stimulus).outputs

    layout, samples = result(network), as_list(good)
    traces = [run(network, samples[index]) for index in range(len(samples))]
    assert field(found, layout, "outcome", "decision").tolist() == [t.decision for t in traces]
    assert field(found, layout, "events", 0).tolist() == [len(each) for each in good]
    dropped = [len(pairs) - len(each) for pairs, each in zip(given_pairs, good, strict=True)]
    assert field(found, layout, "rejected").tolist() == dropped


@settings(max_examples=10)
@given(seeds, st.booleans())
def test_an_early_exit_forgets_the_rest_of_its_sample_only(seed, pauses):
    """Samples follow each other through the whole machine, ``discard`` included."""
    network = next(
        each
        for each in (leaky_network(seed + step, gateware=True) for step in range(1000))
        if isinstance(each.encoder, Events) and each.early
    )
    samples = random_samples(network, 4, seed)
    stimulus = Stimulus(given_events(samples), seed=seed % 1000 if pauses else None)
    found = AmaranthEngine(Machine(MachineParameters(network))).run(stimulus).outputs
    traces = [run(network, samples[index]) for index in range(len(samples))]
    layout = result(network)
    for name in ("decision", "tick"):
        wanted = [getattr(trace, name) for trace in traces]
        assert field(found, layout, "outcome", name).tolist() == wanted
    for layer in range(len(network.layers)):
        wanted = [trace.events[layer] for trace in traces]
        assert field(found, layout, "events", layer).tolist() == wanted


def test_an_event_takes_a_cycle_and_ticks_may_be_long():
    network = replace(network_for(1), last_tick=2**31 - 2)
    pairs = [(0, 0), (3, 4), (3, 4), (2**31 - 2, 0), (2**31 - 1, 1)]
    found = AmaranthEngine(EventsEncoder(network)).run(
        Stimulus(beats([pairs, [(1, 1)]]), Kind.END.value)
    )
    layout = event(network)
    assert field(found.outputs, layout, "bad").tolist() == [0, 0, 1, 0, 1, 0, 0, 0]
    assert field(found.outputs, layout, "kind").tolist() == [0, 0, 0, 0, 0, 1, 0, 1]
    assert field(found.outputs, layout, "tick")[[1, 3, 6]].tolist() == [3, 2**31 - 2, 1]
    assert found.cycles <= len(found.outputs) + 2
