"""The first output spike is the answer: twin of :mod:`sim.readouts.first_spike`."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.arithmetic import Candidate, highest
from hw.events import verdict
from hw.parameters import LayerParameters


class FirstSpike(wiring.Component):
    """Decides after every tick whether an output fires, and which output is in front.

    ``i`` and ``o``: see :mod:`hw.readouts`. The image ends if any output has reached its level, T,
    or 0 where the threshold is in the state that an image starts with; the winner is the output
    with the highest potential, then the lowest index.

    Latency: one cycle from the last fold of a tick, so that the tree of comparisons has a register
    in its middle. Every tick is decided by itself, so nothing but the stream itself needs a reset.

    :param shows: there is also ``highest``, the potential of the output in front.
    """

    i: stream.Interface
    o: stream.Interface
    highest: Signal

    def __init__(self, parameters: LayerParameters, shows: bool = False):
        self.parameters, self.shows = parameters, shows
        super().__init__(
            {
                "i": In(stream.Signature(parameters.fold, always_ready=True)),
                "o": Out(stream.Signature(verdict(parameters.layer.fan_out), always_ready=True)),
                **({"highest": Out(signed(parameters.potential.bits))} if shows else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the best of each group of lanes, kept; the best of the groups, and of the folds
        before.
        """
        m = Module()

        layer, fold, ended = self.parameters, self.i.payload, self.o.payload.ended

        # The last fold is padded: lanes beyond the layer never win, and never fire.
        in_last = layer.layer.fan_out - (layer.folds - 1) * layer.lanes
        lanes = [
            Candidate(
                Const(1) if lane < in_last else ~fold.last,
                fold.potential[lane],
                Const(lane, bits_for(lane)),
            )
            for lane in range(layer.lanes)
        ]

        # Stage 0: a fold is here. ``ended`` is complete in the register when the last one has been,
        # so nobody waits for the comparisons to know that the image goes on.
        neuron = layer.layer.neuron
        level = neuron.least_level if neuron.fires or self.shows else 0
        fires = Cat(lane.exists & (lane.value >= level) for lane in lanes).any()
        best_1 = self._keep_groups(m, lanes)
        earlier, opening_1 = Signal(reset_less=True), Signal(reset_less=True)
        first_neuron_1 = Signal.like(fold.first_neuron, reset_less=True)
        with m.If(self.i.valid):
            m.d.sync += [
                ended.eq(fires | (earlier & ended)),
                earlier.eq(~fold.last),  # the next fold is not the first one of its tick
                opening_1.eq(~earlier),
                first_neuron_1.eq(fold.first_neuron),
            ]

        # Stage 1: the second half of the tree, and the folds before.
        m.d.sync += self.o.valid.eq(self.i.valid & fold.last)
        here_1 = Signal.like(self.o.payload.winner)
        m.d.comb += here_1.eq(first_neuron_1 + best_1.lane)
        if layer.folds == 1:
            m.d.comb += self.o.payload.winner.eq(here_1)
            if self.shows:
                m.d.comb += self.highest.eq(best_1.value)
        else:
            self._compare_folds(m, best_1, here_1, opening_1)
        return m

    def _keep_groups(self, m: Module, lanes: list[Candidate]) -> Candidate:
        """Return the best of the fold that came last: half of the tree is before a register, half
        behind it.
        """
        # Groups of about the square root: as many levels of the tree before the register as behind.
        bits, count = self.parameters.potential.bits, len(lanes)
        size = 1 << ((count - 1).bit_length() + 1) // 2
        kept: list[Candidate] = []
        for start in range(0, count, size):
            kept.append(Candidate.named(f"kept_{start}", bits, count))
            with m.If(self.i.valid):
                best = highest(m, lanes[start : start + size], bits, count)
                m.d.sync += [to.eq(value) for to, value in zip(kept[-1], best, strict=True)]
        return highest(m, kept, bits, count)

    def _compare_folds(self, m: Module, best: Candidate, here: Value, opening: Value) -> None:
        """Compare the fold that came last with those of the tick before it.

        :param best: of the fold.
        :param here: its neuron.
        :param opening: there is no fold before it.
        """
        # Once the fold itself is in front it is no better than that, so waiting changes nothing.
        front = Signal.like(self.o.payload.winner, reset_less=True)
        front_potential, better = Signal.like(best.value), Signal()
        m.d.comb += [
            better.eq(opening | (best.value > front_potential)),
            self.o.payload.winner.eq(Mux(better, here, front)),
        ]

        if self.shows:
            m.d.comb += self.highest.eq(Mux(better, best.value, front_potential))
        with m.If(better):
            m.d.sync += [front.eq(here), front_potential.eq(best.value)]
