"""Event samples over the whole link: as sim decides, over a bad line, after hosts that stopped."""

import numpy as np
import pytest

from hw.bench.engine import AmaranthEngine, Stimulus
from hw.bench.trace import field
from hw.events import given_event
from hw.link.client import Board
from hw.link.event_bytes import EventBytes
from hw.link.exchange import LinkError
from hw.link.frame import EVENT, Kind
from leaky_networks import leaky_network, random_samples
from sim import batch
from sim.encoders.events import EventList, Events
from sim.errors import InputError
from simulated_board import SimulatedLine, parameters_of

MOST = 3


@pytest.fixture(autouse=True)
def few_events_in_a_request(monkeypatch):
    """Samples need several requests without being long."""
    for module in ("client", "responder"):
        monkeypatch.setattr(f"hw.link.{module}.EVENTS_MOST", MOST)


def network_of(seed, *, early):
    """A network that takes events; with many inputs, so that samples are longer than a request."""
    found = (leaky_network(seed + step, gateware=True, maps=False) for step in range(1000))
    return next(
        each
        for each in found
        if isinstance(each.encoder, Events)
        and each.early == early
        and 3 * MOST < each.encoder.inputs * each.last_tick < 30
    )


def answers_equal_sim(board, network, samples):
    expected = batch.run(network, samples)
    answers = list(board.classify(samples))
    assert len(answers) == len(samples)
    for index, answer in enumerate(answers):
        wanted = expected.to_json(index)
        keys = ("decision", "tick", "timed_out", "events")
        assert {key: answer.to_json()[key] for key in keys} == {key: wanted[key] for key in keys}


@pytest.mark.parametrize("early", [False, True])
def test_samples_of_any_length_are_decided_as_by_sim(early):
    network = network_of(1, early=early)
    samples = random_samples(network, 4, 1)
    with Board(SimulatedLine(parameters_of(network)), network) as board:
        answers_equal_sim(board, network, samples)


def test_a_bad_line_costs_time_but_gives_no_event_twice():
    print("seed", 3)
    network, rng = network_of(3, early=False), np.random.default_rng(3)

    def damage(data):
        lost = rng.random(len(data)) < 0.01
        return bytes(byte ^ 0x55 if bad else byte for byte, bad in zip(data, lost, strict=True))

    line = SimulatedLine(parameters_of(network), damage)
    with Board(line, network, patience_s=0.1, tries=40) as board:
        answers_equal_sim(board, network, random_samples(network, 3, 3))


def test_a_sample_that_a_host_left_open_does_not_reach_the_next_one():
    network = network_of(1, early=False)
    with Board(SimulatedLine(parameters_of(network)), network) as board:
        board._give_events(EVENT.pack(0, 1), last=False)
        answers_equal_sim(board, network, random_samples(network, 2, 1))


def test_what_is_no_event_is_refused_on_both_sides():
    network = network_of(1, early=False)
    with Board(SimulatedLine(parameters_of(network)), network) as board:
        for payload in (b"", b"\1" + bytes(7), b"\1" + bytes(8 * (MOST + 1))):
            with pytest.raises(LinkError, match="refuses EVENTS"):
                list(board._ask([(Kind.EVENTS, payload or b"\0\0")], 1))
        late = EventList(
            np.array([network.last_tick + 1], np.int32), np.zeros(1, np.int32), np.array([0, 1])
        )
        with pytest.raises(InputError, match="is after the network's last tick"):
            next(board.classify(late))
        with pytest.raises(InputError, match="takes events, not images; give --events"):
            next(board.classify(np.zeros((1, 2, 2), np.uint8)))
        answers_equal_sim(board, network, random_samples(network, 1, 1))


def test_bytes_become_events():
    wanted = [(1, 2), (2**32 - 1, 0), (256, 2**31)]
    stream = b"".join(EVENT.pack(*pair) for pair in wanted)
    beats = [list(stream[start : start + 8]) for start in range(0, len(stream), 8)]
    found = AmaranthEngine(EventBytes()).run(Stimulus(beats)).outputs
    pairs = zip(*(field(found, given_event(), name) for name in ("tick", "input")), strict=True)
    assert [(int(tick), int(neuron)) for tick, neuron in pairs] == wanted
