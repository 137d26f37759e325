"""The first output spike is the answer: twin of :mod:`sim.decide`."""

from collections.abc import Sequence
from typing import NamedTuple

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.neurons import Parameters


def verdict(classes: int) -> data.StructLayout:
    """Return the layout of a tick's verdict: ``fires``, whether any output does, and the ``winner`` among them."""
    return data.StructLayout({"fires": 1, "winner": bits_for(classes - 1)})


class _Candidate(NamedTuple):
    """An output neuron: whether it exists, its potential, its lane."""

    exists: Value
    potential: Value
    lane: Value


def _highest(m: Module, candidates: Sequence[_Candidate], bits: int) -> _Candidate:
    """Return the candidate with the highest potential, then the lowest lane: a tree of comparisons."""
    if len(candidates) == 1:
        return candidates[0]
    half = 1 << ((len(candidates) - 1).bit_length() - 1)
    low, high = _highest(m, candidates[:half], bits), _highest(m, candidates[half:], bits)
    exists, potential, lane, upper = Signal(), Signal(signed(bits)), Signal(half.bit_length()), Signal()
    m.d.comb += [
        upper.eq(high.exists & (~low.exists | (high.potential > low.potential))),
        exists.eq(low.exists | high.exists),
        potential.eq(Mux(upper, high.potential, low.potential)),
        lane.eq(Mux(upper, high.lane | half, low.lane)),
    ]
    return _Candidate(exists, potential, lane)


class Decider(wiring.Component):
    """Decides after every tick whether an output fires, and which output is in front.

    ``i``: the folds of the output layer's potentials after a tick's advance, each taken at once.
    ``o``: with the last fold, in the same cycle: ``fires``, whether any output has potential >= 0, and ``winner``, the
    output with the highest potential, then the lowest index; winner is the decision when one fires or time is out.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, parameters: Parameters):
        self.parameters = parameters
        super().__init__(
            {
                "i": In(stream.Signature(parameters.fold, always_ready=True)),
                "o": Out(stream.Signature(verdict(parameters.layer.fan_out), always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the best of a fold, and the best of the folds before it."""
        m = Module()
        layer, bits = self.parameters, self.parameters.potential.bits
        fold = self.i.payload
        in_last = layer.layer.fan_out - (layer.folds - 1) * layer.lanes
        lanes = [
            _Candidate(Const(1) if lane < in_last else ~fold.last, fold.potential[lane], Const(lane, bits_for(lane)))
            for lane in range(layer.lanes)
        ]
        best = _highest(m, lanes, bits)
        fires = Signal()
        winner = Signal.like(self.o.payload.winner)
        m.d.comb += [
            fires.eq(Cat(lane.exists & (lane.potential >= 0) for lane in lanes).any()),
            winner.eq(fold.first_neuron + best.lane),
            self.o.valid.eq(self.i.valid & fold.last),
        ]
        if layer.folds == 1:
            m.d.comb += [self.o.payload.fires.eq(fires), self.o.payload.winner.eq(winner)]
            return m
        earlier, earlier_fires = Signal(), Signal()
        earlier_winner, earlier_potential = Signal.like(winner), Signal(signed(bits))
        better = Signal()
        m.d.comb += [
            better.eq(~earlier | (best.potential > earlier_potential)),
            self.o.payload.fires.eq(fires | (earlier & earlier_fires)),
            self.o.payload.winner.eq(Mux(better, winner, earlier_winner)),
        ]
        with m.If(self.i.valid):
            m.d.sync += [earlier.eq(~fold.last), earlier_fires.eq(self.o.payload.fires)]
            with m.If(better):
                m.d.sync += [earlier_winner.eq(winner), earlier_potential.eq(best.potential)]
        return m
