"""Lists of events to input events: twin of :mod:`sim.encoders.events`."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.events import Kind, event, given_event
from sim.network import Network


class EventsEncoder(wiring.Component):
    """Passes a sample's events on, one per cycle, closed by ``Kind.END``.

    ``i``: events in order of ticks, those of a tick in order of inputs, and a ``last`` beat; ``o``:
    events; ``discard``: the sample is decided, the rest of it is taken and forgotten. An event
    after the network's last tick, of an input that it has not, or not after the one before it, in
    time or of a higher input, is ``bad``: it changes nothing, and is counted.

    Latency: one cycle.
    """

    i: stream.Interface
    o: stream.Interface
    discard: Signal

    def __init__(self, network: Network):
        self.network = network
        super().__init__(
            {
                "i": In(stream.Signature(given_event())),
                "o": Out(stream.Signature(event(network))),
                "discard": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: what the event before was, and a register."""
        m = Module()

        given, beat = self.i.payload, self.o.payload
        tick, neuron = Signal.like(beat.tick), Signal.like(beat.neuron)
        within, rises, begun, good = Signal(), Signal(), Signal(), Signal()
        # While the beat that closes a sample leaves, one of the next sample may come.
        forget = self.discard & ~(self.o.valid & (beat.kind == Kind.END))
        m.d.comb += [
            within.eq(
                (given.tick <= self.network.last_tick) & (given.input < self.network.encoder.inputs)
            ),
            rises.eq(Cat(given.input[: len(neuron)], given.tick[: len(tick)]) > Cat(neuron, tick)),
            good.eq(within & (rises | ~begun)),
            self.i.ready.eq(~self.o.valid | self.o.ready),
        ]

        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                self.o.valid.eq(given.last | ~forget),
                beat.kind.eq(Kind.SPIKE),
                beat.tick.eq(given.tick),
                beat.neuron.eq(given.input),
                beat.bad.eq(~good),
            ]
            with m.If(given.last):
                m.d.sync += [beat.kind.eq(Kind.END), begun.eq(0)]
                m.d.sync += [beat.tick.eq(0), beat.neuron.eq(0), beat.bad.eq(0)]
            with m.Elif(good):
                m.d.sync += [tick.eq(given.tick), neuron.eq(given.input), begun.eq(1)]
        return m
