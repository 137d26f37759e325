"""Amaranth's engine on little components: every beat, what is observed, what is left out, and what
hangs.
"""

import random

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from hypothesis import given, settings

from hw.bench.engine import AmaranthEngine, HangError, Stimulus, to_words
from hw.bench.trace import input_events
from hw.machine.pipeline import Pipeline
from hw.parameters import MachineParameters
from random_networks import seeds
from timed_networks import GOOD, SLOW

LAST = 1 << 40
"""The bit of a beat that closes an image."""


class Register(wiring.Component):
    """Passes beats of 41 bits on, and shows each as it leaves."""

    i: stream.Interface
    o: stream.Interface
    observed: data.View

    def __init__(self, **more):
        observed = data.StructLayout({"any": 1, "beat": 41})
        beats = stream.Signature(41)
        super().__init__({"i": In(beats), "o": Out(beats), "observed": Out(observed), **more})

    def elaborate(self, platform):
        m = Module()
        free = ~self.o.valid | self.o.ready
        m.d.comb += [
            self.i.ready.eq(free),
            self.observed.any.eq(self.o.valid & self.o.ready),
            self.observed.beat.eq(self.o.payload),
        ]
        with m.If(free):
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.payload.eq(self.i.payload)]
        return m


class Impatient(Register):
    """Wants no more of an image but its last beat, from its second one on."""

    discard: Signal

    def __init__(self):
        super().__init__(discard=Out(1))

    def elaborate(self, platform):
        m = super().elaborate(platform)
        inside = Signal()
        taken = self.i.valid & self.i.ready
        with m.If(taken):
            m.d.sync += inside.eq(~self.i.payload[40])
        m.d.comb += self.discard.eq(inside | (taken & ~self.i.payload[40]))
        return m


def random_images(seed):
    rng = random.Random(seed)
    return [
        [*(rng.getrandbits(40) for _ in range(rng.randrange(6))), rng.getrandbits(40) | LAST]
        for _ in range(rng.randrange(1, 5))
    ]


def beats_of(words):
    return [int.from_bytes(row.astype("<u4").tobytes(), "little") for row in words]


@settings(max_examples=20)
@given(seeds)
def test_every_beat_comes_out_whatever_the_pauses(seed):
    images = random_images(seed)
    beats = [beat for image in images for beat in image]
    for pauses in (None, seed % 1000):
        run = AmaranthEngine(Register()).run(Stimulus(images, closing=LAST, seed=pauses))
        assert beats_of(run.outputs) == beats
        assert [word >> 1 for word in beats_of(run.observed)] == beats
        assert run.cycles == len(beats) + 1 or pauses is not None


@settings(max_examples=20)
@given(seeds)
def test_beats_that_are_to_be_discarded_are_left_out(seed):
    """One that is offered already must stay; without pauses that is the second of an image."""
    images = random_images(seed)
    run = AmaranthEngine(Impatient()).run(Stimulus(images, closing=LAST))
    assert beats_of(run.outputs) == [
        beat for image in images for beat in image[:1] + image[1:][-1:]
    ]


def test_words_hold_numbers_of_any_width():
    for bits in (0, 1, 31, 32, 33, 64, 100):
        numbers = [random.Random(bits).getrandbits(bits) if bits else 0 for _ in range(5)]
        words = to_words(numbers, bits)
        assert (words.dtype, words.shape) == (np.uint32, (5, max(-(-bits // 32), 1)))
        assert beats_of(words) == numbers


def test_signals_are_kept_if_wanted(tmp_path):
    AmaranthEngine(Register(), tmp_path / "waves.vcd").run(Stimulus([[LAST]]))
    assert "o__payload" in (tmp_path / "waves.vcd").read_text()


def test_a_component_that_hangs_is_named():
    stimulus = Stimulus([input_events(SLOW, GOOD)[0][:-1]], patience_cycles=50)
    with pytest.raises(HangError, match="for 50 cycles; 0 of 1 images are closed"):
        AmaranthEngine(Pipeline(MachineParameters(SLOW))).run(stimulus)
