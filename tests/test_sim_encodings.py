"""Input codes: each spike by hand, and samples that depend on nothing but themselves."""

import math

import numpy as np
import pytest

from sim.data.encodings import (
    ENCODINGS,
    Settings,
    encode,
    latency_table,
    latency_ticks,
    samples_of,
)
from sim.encoders.events import EventList
from sim.encoders.intensity import Intensity
from sim.errors import InputError


def spikes(events, sample=0):
    one = events[sample]
    return list(zip(one.tick.tolist(), one.input.tolist(), strict=True))


def test_latency_is_the_rounded_logarithm():
    table = latency_table(tau=20, theta=0.2, ticks=30)
    assert table.dtype == np.int16
    assert (table[:52] == -1).all()  # 51 / 255 is theta itself
    for intensity in range(52, 256):
        x = intensity / 255
        wanted = round(20 * math.log(x / (x - 0.2)))
        assert table[intensity] == (wanted if wanted < 30 else -1)
    assert table[255] == round(20 * math.log(1 / 0.8)) == 4
    assert (np.diff(table[table >= 0]) <= 0).all()


def test_latency_of_a_value_below_theta_never_comes():
    assert latency_ticks([0.0, 0.2, 0.5], 10, 0.2, 100).tolist() == [-1, -1, 5]


def test_latency_events_are_those_of_the_table():
    images = np.random.default_rng(3).integers(0, 256, (4, 3, 5), dtype=np.uint8)
    table = latency_table(tau=9, theta=0.3, ticks=20)
    encoder = Intensity((3, 5), 1, np.arange(15, dtype=np.int32), table)
    found = encode("latency", images, Settings(ticks=20, tau=9, theta=0.3)).events
    for index, image in enumerate(images):
        assert spikes(found, index) == [tuple(spike) for spike in encoder.spikes(image)]


def test_delta_says_each_step_once_and_catches_up():
    series = np.array([[[0.0], [0.25], [0.25], [0.25], [-0.1], [-0.1], [-0.1], [-0.1], [0.0]]])
    found = encode("delta", series, Settings(step=0.125))
    assert found.inputs == 2
    assert found.last_tick == 8
    # up at 1 and 2; then -0.1 lies within a step of 0: down at 4 and 5, no more
    assert spikes(found.events) == [(1, 0), (2, 0), (4, 1), (5, 1)]


def test_delta_says_a_value_to_within_a_step():
    random = np.random.default_rng(7)
    series = np.cumsum(random.uniform(-0.1, 0.1, (5, 60, 3)), axis=1)
    found = encode("delta", series, Settings(step=0.1))
    for index, sample in enumerate(series):
        said = np.zeros((60, 6))
        for tick, neuron in spikes(found.events, index):
            said[tick, neuron] = 0.1
        value = np.cumsum(said[:, :3] - said[:, 3:], axis=0)
        assert (np.abs(value - sample) < 0.2).all()


def test_direct_fires_while_a_value_is_over_theta():
    series = np.array([[[0.1, 0.9], [0.5, 0.5], [0.6, 0.2]]])
    found = encode("direct", series, Settings(theta=0.5)).events
    assert spikes(found) == [(0, 1), (2, 0)]

    image = np.array([[[0, 200]]], np.uint8)
    found = encode("direct", image, Settings(ticks=3)).events
    assert spikes(found) == [(0, 1), (1, 1), (2, 1)]


def test_rate_is_the_chance_and_the_seed_decides():
    images = np.repeat(np.array([[[0, 128, 255]]], np.uint8), 40, axis=0)
    settings = Settings(ticks=500, rate=0.5, seed=5)
    found = encode("rate", images, settings).events
    counts = np.bincount(found.input, minlength=3)
    assert counts[0] == 0
    # 20,000 draws each: five standard deviations are 350
    assert abs(counts[1] - 20_000 * 0.5 * 128 / 255) < 350
    assert abs(counts[2] - 10_000) < 350

    again = encode("rate", images, settings).events
    assert (again.tick == found.tick).all()
    assert (again.input == found.input).all()
    other = encode("rate", images, Settings(ticks=500, rate=0.5, seed=6)).events
    assert spikes(other) != spikes(found)
    assert spikes(found, 0) != spikes(found, 1)

    first = encode("rate", images[:2], settings).events
    assert [spikes(first, index) for index in (0, 1)] == [spikes(found, 0), spikes(found, 1)]


@pytest.mark.parametrize("code", ENCODINGS)
def test_every_code_gives_samples_that_a_network_takes(code):
    images = np.random.default_rng(1).integers(0, 256, (3, 2, 2), dtype=np.uint8)
    calls = []
    found = encode(code, images, Settings(ticks=12), np.array([2, 0, 1]), calls.append)
    assert isinstance(found.events, EventList)
    assert found.events.label.tolist() == [2, 0, 1]
    assert found.inputs == (8 if code == "delta" else 4)
    assert found.last_tick == 11
    assert found.events.input.max() < found.inputs
    assert found.events.tick.max() <= found.last_tick
    assert calls == [1, 1, 1]


def test_images_are_worth_0_to_1():
    (values,) = samples_of(np.array([[[0, 51], [255, 102]]], np.uint8), 2)
    assert values.tolist() == [[0, 0.2, 1, 0.4]] * 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.zeros((2, 3), np.uint8), "must be uint8"),
        (np.zeros((2, 3, 4), np.int64), "int64"),
        (np.zeros((0, 3, 4), np.uint8), "nothing"),
        (np.full((1, 2, 2), np.nan), "no numbers"),
    ],
)
def test_other_data_is_refused(data, words):
    with pytest.raises(InputError, match=words):
        encode("direct", data, Settings())


def test_a_code_refuses_what_it_cannot_say():
    with pytest.raises(InputError, match="code of images"):
        encode("latency", np.array([[[0.1], [0.2]]]), Settings())
    with pytest.raises(InputError, match=r"values in 0\.\.1"):
        encode("rate", np.array([[[1.5]]]), Settings())
    with pytest.raises(InputError, match="no intensity fires within 2"):
        latency_table(tau=100, ticks=2)


def test_more_events_than_a_file_holds_are_refused(monkeypatch):
    monkeypatch.setattr("sim.data.encodings.MOST_EVENTS", 7)
    image = np.full((1, 2, 2), 255, np.uint8)
    with pytest.raises(InputError, match="over 7 events"):
        encode("direct", image, Settings(ticks=2))


@pytest.mark.parametrize(
    "wrong",
    [
        {"ticks": 0},
        {"ticks": 2**15},
        {"tau": 0.0},
        {"tau": math.inf},
        {"theta": 0.0},
        {"theta": 1.0},
        {"rate": 0.0},
        {"rate": 1.1},
        {"rate": math.nan},
        {"step": -0.1},
        {"seed": -1},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    (key,) = wrong
    with pytest.raises(InputError, match=f"^{key}: must be"):
        Settings(**wrong)
