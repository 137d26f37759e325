"""Event samples over the whole link: as sim decides, over a bad line, after hosts that stopped."""

import numpy as np
import pytest

from hw.bench.emulate import VirtualBoard
from hw.bench.engine import AmaranthEngine, Stimulus
from hw.bench.trace import field
from hw.events import given_event
from hw.link.client import Board
from hw.link.event_bytes import EventBytes
from hw.link.exchange import LinkError
from hw.link.frame import EVENT, EVENTS_MOST, Kind
from hw.parameters import MachineParameters
from leaky_networks import leaky_network, random_samples
from sim import batch
from sim.encoders.events import EventList, Events
from sim.errors import InputError
from simulated_board import VirtualLine, noise

SEED = 1


@pytest.fixture(scope="module")
def virtual():
    """The compiled model of a board whose network takes events, often more than a request has room
    for, and decides early now and then.
    """
    found = (leaky_network(SEED + step, gateware=True, maps=False) for step in range(1000))
    network = next(
        each
        for each in found
        if isinstance(each.encoder, Events)
        and each.early
        and each.encoder.inputs * each.last_tick > 3 * EVENTS_MOST
        and several_ends(each)
    )
    board = VirtualBoard(MachineParameters(network))
    yield board, network
    board.close()


def several_ends(network):
    """Return whether some samples end early, and others do not."""
    decisions = batch.run(network, random_samples(network, 40, SEED))
    return 0 < sum(decisions.timed_out) < 40 and max(decisions.tick) > min(decisions.tick)


def answers_equal_sim(board, network, samples):
    expected = batch.run(network, samples)
    answers = list(board.classify(samples))
    assert len(answers) == len(samples)
    for index, answer in enumerate(answers):
        wanted = expected.to_json(index)
        keys = ("decision", "tick", "timed_out", "events")
        assert {key: answer.to_json()[key] for key in keys} == {key: wanted[key] for key in keys}


@pytest.mark.parametrize("rate", [0, 0.002])
def test_samples_of_any_length_are_decided_as_by_sim(virtual, rate):
    """Also where bytes are lost, doubled and changed: no event is given twice."""
    board, network = virtual
    line = VirtualLine(board, noise(SEED, rate)) if rate else VirtualLine(board)
    with Board(line, network, patience_s=0.001, tries=1000) as host:
        answers_equal_sim(host, network, random_samples(network, 100, SEED))


def test_a_sample_that_has_ended_is_not_given_to_its_end(virtual, monkeypatch):
    board, network = virtual
    given = []
    with Board(VirtualLine(board), network) as host:
        inner = host._give_events
        monkeypatch.setattr(host, "_give_events", lambda *a, **k: given.append(a) or inner(*a, **k))
        samples = random_samples(network, 100, SEED)
        answers_equal_sim(host, network, samples)
    assert sum(len(events) for (events,) in given) < EVENT.size * len(samples.tick)


def test_a_sample_that_a_host_left_open_does_not_reach_the_next_one(virtual):
    board, network = virtual
    with Board(VirtualLine(board), network) as host:
        host._give_events(EVENT.pack(0, 1), last=False)
        answers_equal_sim(host, network, random_samples(network, 2, 1))


def test_what_is_no_event_is_refused_on_both_sides(virtual):
    board, network = virtual
    with Board(VirtualLine(board), network) as host:
        for payload in (b"\0\0", b"\1" + bytes(7), b"\1" + bytes(8 * (EVENTS_MOST + 1))):
            with pytest.raises(LinkError, match="refuses EVENTS"):
                list(host._ask([(Kind.EVENTS, payload)], 1))
        late = EventList(
            np.array([network.last_tick + 1], np.int32), np.zeros(1, np.int32), np.array([0, 1])
        )
        with pytest.raises(InputError, match="is after the network's last tick"):
            next(host.classify(late))
        with pytest.raises(InputError, match="takes events, not images; give --events"):
            next(host.classify(np.zeros((1, 2, 2), np.uint8)))
        answers_equal_sim(host, network, random_samples(network, 1, 1))


def test_bytes_become_events():
    wanted = [(1, 2), (2**32 - 1, 0), (256, 2**31)]
    stream = b"".join(EVENT.pack(*pair) for pair in wanted)
    beats = [list(stream[start : start + 8]) for start in range(0, len(stream), 8)]
    found = AmaranthEngine(EventBytes()).run(Stimulus(beats)).outputs
    pairs = zip(*(field(found, given_event(), name) for name in ("tick", "input")), strict=True)
    assert [(int(tick), int(neuron)) for tick, neuron in pairs] == wanted
