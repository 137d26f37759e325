"""The highest potential of all ticks is the answer: twin of :mod:`sim.readouts.peak`."""

import numpy as np
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.events import verdict
from hw.parameters import LayerParameters
from hw.readouts.first_spike import FirstSpike
from sim.readouts.peak import NO_LEVEL


class Peak(wiring.Component):
    """Says which output had the highest potential at any tick so far, and whether one has reached
    its level, which ends the image; at the level ``NO_LEVEL`` nothing does.

    ``i`` and ``o``: see :mod:`hw.readouts`. Of one tick the highest potential wins, then the lowest
    index; a later tick must be strictly higher. Tick 0 counts, and nobody advances to it: what is
    kept begins with the potentials that an image starts from.

    Latency: one cycle more than that of :class:`hw.readouts.first_spike.FirstSpike`, which finds
    the highest of a tick.
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
        """Build: the highest of a tick, and the one of all ticks before."""
        m = Module()

        m.submodules.front = front = FirstSpike(self.parameters, shows=True)
        connect(m, flipped(self.i), front.i)

        layer, starts = self.parameters.layer, self.parameters.layer.starts()
        first = int(np.argmax(starts))
        winner = Signal.like(self.o.payload.winner, init=first)
        highest = Signal(signed(self.parameters.potential.bits), init=int(starts[first]))
        m.d.comb += self.o.payload.winner.eq(winner)

        # Stage 2: a tick whose highest is known is compared with those before it.
        reached = front.o.payload.ended if layer.threshold < NO_LEVEL else 0
        m.d.sync += [self.o.valid.eq(front.o.valid), self.o.payload.ended.eq(reached)]
        with m.If(front.o.valid & (front.highest > highest)):
            m.d.sync += [winner.eq(front.o.payload.winner), highest.eq(front.highest)]
        return m
