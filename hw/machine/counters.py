"""What each image cost, counted in hardware."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.events import CYCLE_BITS, REJECTED_BITS, Status, event_counts, learnt, outcome, result
from sim.network import Network


class Counters(wiring.Component):
    """Adds the counts of an image to its outcome.

    ``i``: outcomes; taking one begins the next image's counts. ``o``: results. Counted are the
    cycles with ``running``, the cycles with ``rejected``, and per layer those with its bit of
    ``delivered``. ``dropped``: images dropped since reset, modulo 65,536. With ``learning``,
    ``learnt`` is what the image's lesson did when its outcome comes.
    """

    i: stream.Interface
    o: stream.Interface
    running: Signal
    rejected: Signal
    delivered: Signal
    dropped: Signal
    learnt: data.View

    def __init__(self, network: Network, learning: bool = False):
        self.network, self.learning = network, learning
        super().__init__(
            {
                "i": In(stream.Signature(outcome(network))),
                "o": Out(stream.Signature(result(network, learning))),
                "running": In(1),
                "rejected": In(1),
                "delivered": In(len(network.layers)),
                "dropped": Out(16),
                **({"learnt": In(learnt(network))} if learning else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the counters, and a register of a result that leaves while the next image runs."""
        m = Module()

        cycles, rejected = Signal(CYCLE_BITS), Signal(REJECTED_BITS)
        events = Signal(event_counts(self.network))
        beat: data.View = self.o.payload

        # The result has a register of its own, so it may wait while the next image is counted.
        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                self.o.valid.eq(1),
                beat.outcome.eq(self.i.payload),
                beat.cycles.eq(cycles + 1),  # this cycle is the image's last one
                beat.rejected.eq(rejected),
                beat.events.eq(events),
                self.dropped.eq(self.dropped + (self.i.payload.status == Status.DROPPED)),
                cycles.eq(0),
                rejected.eq(0),
                events.eq(0),
            ]
            if self.learning:
                m.d.sync += beat.learnt.eq(self.learnt)

        with m.Else():
            m.d.sync += [
                cycles.eq(cycles + self.running),
                rejected.eq(rejected + (self.rejected & ~rejected.all())),  # saturates
            ]

            for layer in range(len(self.network.layers)):
                m.d.sync += events[layer].eq(events[layer] + self.delivered[layer])
        return m
