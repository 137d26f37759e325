"""The highest sum at the last tick is the answer: twin of :mod:`sim.readouts.final`."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.events import verdict
from hw.parameters import LayerParameters
from hw.readouts.first_spike import FirstSpike


class Final(wiring.Component):
    """Says which output is in front at the last tick; it never ends an image.

    ``i`` and ``o``: see :mod:`hw.readouts`. Its folds come at the last tick only. The winner is the
    output with the highest potential, then the lowest index.

    Latency: that of :class:`hw.readouts.first_spike.FirstSpike`, which makes the same comparisons.
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
        """Build: the comparisons, without what they say of the level."""
        m = Module()
        m.submodules.front = front = FirstSpike(self.parameters)

        connect(m, flipped(self.i), front.i)
        m.d.comb += [
            self.o.valid.eq(front.o.valid),
            self.o.payload.winner.eq(front.o.payload.winner),
        ]
        return m
