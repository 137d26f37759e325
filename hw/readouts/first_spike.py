"""The first output spike is the answer: twin of :mod:`sim.readouts.first_spike`."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.arithmetic import Candidate, highest
from hw.parameters import LayerParameters


class Decider(wiring.Component):
    """Decides after every tick whether an output fires, and which output is in front.

    ``i``: the folds of the output layer's potentials after a tick's advance, each taken at once.
    ``o``: with the last fold, in the same cycle: whether any output has potential >= 0. ``winner``:
    from one cycle after that, until the next tick's first fold: the output with the highest
    potential, then the lowest index; it is the decision when one fires or time is out. The cycle
    lets the tree of comparisons have a register in its middle; nobody waits for it, because a
    result takes longer to leave.
    """

    i: stream.Interface
    o: stream.Interface
    winner: Signal

    def __init__(self, parameters: LayerParameters):
        self.parameters = parameters
        super().__init__(
            {
                "i": In(stream.Signature(parameters.fold, always_ready=True)),
                "o": Out(stream.Signature(1, always_ready=True)),
                "winner": Out(bits_for(parameters.layer.fan_out - 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the best of each group of lanes, kept; the best of the groups, and of the folds
        before.
        """
        m = Module()
        layer, bits = self.parameters, self.parameters.potential.bits
        fold = self.i.payload
        in_last = layer.layer.fan_out - (layer.folds - 1) * layer.lanes
        lanes = [
            Candidate(
                Const(1) if lane < in_last else ~fold.last,
                fold.potential[lane],
                Const(lane, bits_for(lane)),
            )
            for lane in range(layer.lanes)
        ]
        earlier, earlier_fires, opening = Signal(), Signal(), Signal()
        fires = Cat(lane.exists & (lane.potential >= 0) for lane in lanes).any()
        m.d.comb += [
            self.o.valid.eq(self.i.valid & fold.last),
            self.o.payload.eq(fires | (earlier & earlier_fires)),
        ]
        best, first_neuron = self._keep_groups(m, lanes, bits), Signal.like(fold.first_neuron)
        with m.If(self.i.valid):
            m.d.sync += [
                earlier.eq(~fold.last),
                earlier_fires.eq(self.o.payload),
                first_neuron.eq(fold.first_neuron),
                opening.eq(~earlier),
            ]
        here = Signal.like(self.winner)
        m.d.comb += [here.eq(first_neuron + best.lane), self.winner.eq(here)]
        if layer.folds > 1:
            self._compare_folds(m, best, here, opening)
        return m

    def _keep_groups(self, m: Module, lanes: list[Candidate], bits: int) -> Candidate:
        """Return the best of the fold that was there last: half of the tree is before a register,
        half behind it.
        """
        size = 1 << ((len(lanes) - 1).bit_length() + 1) // 2
        kept: list[Candidate] = []
        for start in range(0, len(lanes), size):
            kept.append(Candidate.named(f"kept_{start}", bits, len(lanes)))
            with m.If(self.i.valid):
                best = highest(m, lanes[start : start + size], bits, len(lanes))
                m.d.sync += [to.eq(value) for to, value in zip(kept[-1], best, strict=True)]
        return highest(m, kept, bits, len(lanes))

    def _compare_folds(self, m: Module, best: Candidate, here: Value, opening: Value) -> None:
        """Hold the fold that was there last against those of the tick before it; ``opening``: there
        is none.

        Once it is the one in front, it is no better than that: ``winner`` stays what it is.
        """
        front, front_potential = Signal.like(self.winner), Signal.like(best.potential)
        better = Signal()
        m.d.comb += [
            better.eq(opening | (best.potential > front_potential)),
            self.winner.eq(Mux(better, here, front)),
        ]
        with m.If(better):
            m.d.sync += [front.eq(here), front_potential.eq(best.potential)]
