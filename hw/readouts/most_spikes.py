"""The output that fires most often is the answer: twin of :mod:`sim.readouts.most_spikes`."""

from dataclasses import replace

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.events import verdict
from hw.parameters import LayerParameters
from hw.readouts.first_spike import FirstSpike
from sim.fixed_point import Bounds


class MostSpikes(wiring.Component):
    """Says which output has fired most often up to the last tick; it never ends an image.

    ``i`` and ``o``: see :mod:`hw.readouts`. Its folds come at the last tick only, after the spikes
    of that tick. The winner is the output with most spikes, then the highest potential, then the
    lowest index: the highest number whose upper bits are the spikes.

    Latency: that of :class:`hw.readouts.first_spike.FirstSpike`, which makes the comparisons.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, parameters: LayerParameters):
        self.parameters = parameters
        super().__init__(
            {
                "i": In(stream.Signature(parameters.fold, always_ready=True)),
                "o": Out(stream.Signature(verdict(parameters.layer.fan_out), always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: numbers of spikes and potentials, and their comparisons."""
        m = Module()

        layer = self.parameters
        most = (1 << (layer.potential.bits + layer.count_bits)) - 1
        m.submodules.front = front = FirstSpike(
            replace(layer, counts=False, potential=Bounds(0, most))
        )

        # With its sign bit turned a potential is in the order of unsigned numbers.
        for lane in range(layer.lanes):
            potential = self.i.payload.potential[lane]
            number = Cat(potential[:-1], ~potential[-1], self.i.payload.spikes[lane], Const(0, 1))
            m.d.comb += front.i.payload.potential[lane].eq(number.as_signed())
        m.d.comb += [
            front.i.valid.eq(self.i.valid),
            front.i.payload.last.eq(self.i.payload.last),
            front.i.payload.first_neuron.eq(self.i.payload.first_neuron),
            self.o.valid.eq(front.o.valid),
            self.o.payload.winner.eq(front.o.payload.winner),
        ]
        return m
