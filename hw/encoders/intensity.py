"""Images to input events: twin of :mod:`sim.encoders.intensity`."""

from math import prod
from typing import Any

import numpy as np
from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from hw.encoders.pixels import Framing, Pooling
from hw.events import Kind, event, pixel
from hw.fpga.device import Device
from sim.encoders.intensity import image_encoder
from sim.network import Network


class IntensityEncoder(wiring.Component):
    """Turns pixels in raster order into events in order of their ticks, each image closed by
    ``Kind.END``. A pixel fires once at most; :class:`hw.encoders.mask.MaskEncoder` differs where it
    fires often.

    ``i``: pixels; ``o``: events; ``discard``: the image is decided, go on to its end. An image of
    the wrong length ends with ``Kind.ABORT`` before its first tick is over, so it is never decided.

    Takes one pixel per cycle. Spikes of the earliest tick pass straight through; pixels with a
    later one are kept and read again, once per later tick that the image has, at one input per
    cycle. With a single tick nothing is kept.
    """

    i: stream.Interface
    o: stream.Interface
    discard: Signal

    def __init__(self, network: Network):
        self.network, self.encoder = network, image_encoder(network.encoder)
        self.attributes: dict[str, Any] = {}
        self.when = self._when()
        super().__init__(
            {
                "i": In(stream.Signature(pixel())),
                "o": Out(stream.Signature(event(network))),
                "discard": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: framing, pooling, the tables, the pixels that wait, the sequence of an image."""
        m = Module()

        m.submodules.framing = framing = Framing(self.encoder)
        connect(m, flipped(self.i), framing.i)
        samples = framing.o
        if self.encoder.pool == 2:
            m.submodules.pooling = pooling = Pooling(self.encoder)
            connect(m, framing.o, pooling.i)
            samples = pooling.o

        # ``neuron``: the input that the next used pixel is. ``later``: the earliest tick seen that
        # is still to come. ``free``: the output register takes an event in this cycle.
        self.neuron = Signal(range(self.encoder.inputs + 1))
        self.later: Any = Signal(self.when)
        self.free = Signal()
        m.d.comb += self.free.eq(~self.o.valid | self.o.ready)
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

        # With a single tick every spike is emitted at once, and nothing has to be kept; and the
        # table of ticks is little more than a comparison, which needs no block. (That of networks
        # of version 1 stays where it was.)
        several = self.encoder.first_tick != self.encoder.last_tick
        few_blocks = isinstance(platform, Device) and platform.family.small_memories_in_logic
        if few_blocks and not several and self.network.file_version > 1:
            self.attributes = {"ram_style": "logic"}
        after_pixels = "NEXT" if several else "END"

        with m.FSM():
            with m.State("PIXELS"):
                when, keep = self._take_pixels(m, samples, after_pixels)

            with m.State("END"), m.If(self.free):
                self._emit(m, Kind.END, 0, 0)
                m.next = "PIXELS"
            if several:
                self._read_again(m, when, keep)
        return m

    def _when(self) -> Any:
        """Return the layout of what the table says of an intensity."""
        return data.StructLayout({"tick": bits_for(self.network.last_tick), "fires": 1})

    def _words(self) -> list[Any]:
        """Return the table: what it says of each intensity."""
        return [
            {"tick": max(int(tick), 0), "fires": int(tick >= 0)} for tick in self.encoder.tick_of
        ]

    def _emit(self, m: Module, kind: Kind, tick: Value | int, neuron: Value | int) -> None:
        """Put an event into the output register."""
        beat = self.o.payload
        m.d.sync += [
            self.o.valid.eq(1),
            beat.kind.eq(kind),
            beat.tick.eq(tick),
            beat.neuron.eq(neuron),
        ]

    def _take_pixels(self, m: Module, samples: stream.Interface, then: str) -> tuple[Any, Value]:
        """Look up one pixel per cycle; return what the table says of it, and whether to keep that.

        :param samples: the pixels.
        :param then: the state after an image's last one.
        """
        when, used = self._tables(m, samples)

        # ``loaded``: the tables show a pixel; ``done``: it is dealt with in this cycle. No pixel is
        # taken while an image's last one is shown, as the state after it is another.
        loaded, last, broken = Signal(), Signal(), Signal()
        done, spike = Signal(), Signal()
        m.d.comb += [
            done.eq(loaded & self.free),
            spike.eq(done & used & self._fires(when)),
            samples.ready.eq(~loaded | (done & ~last)),
        ]
        with m.If(done):
            m.d.sync += [loaded.eq(0), self.neuron.eq(self.neuron + used)]
        with m.If(samples.valid & samples.ready):
            m.d.sync += [
                loaded.eq(1),
                last.eq(samples.payload.last),
                broken.eq(samples.payload.broken),
            ]

        self._sort(m, when, spike)
        with m.If(done & last):
            m.d.sync += self.neuron.eq(0)
            with m.If(broken):
                self._emit(m, Kind.ABORT, 0, 0)
                self._forget(m)
            with m.Else():
                m.next = then
        return when, done & used

    def _fires(self, when: Any) -> Value:
        """Return whether what the table says of a pixel is that it fires."""
        return when.fires

    def _sort(self, m: Module, when: Any, spike: Value) -> None:
        """A spike of the first tick leaves now; of the later ones the earliest tick is remembered.

        :param when: what the table says of a pixel.
        :param spike: it is an input that fires, and dealt with in this cycle.
        """
        first_tick = self.encoder.first_tick
        with m.If(spike & (when.tick == first_tick)):
            self._emit(m, Kind.SPIKE, first_tick, self.neuron)
        with m.If(
            spike & (when.tick != first_tick) & (~self.later.fires | (when.tick < self.later.tick))
        ):
            m.d.sync += self.later.eq(when)

    def _forget(self, m: Module) -> None:
        """Forget which ticks are still to come."""
        m.d.sync += self.later.fires.eq(0)

    def _tables(self, m: Module, samples: stream.Interface) -> tuple[Any, Value]:
        """Look up when a sample fires and whether its pixel is used; both are there one cycle
        after it is taken.
        """
        # A table that shows a pixel keeps it until the next one is taken.
        encoder, ticks = self.encoder, self._words()
        m.submodules.spike_tick = spike_tick = memory.Memory(
            shape=self.when, depth=len(ticks), init=ticks, attrs=self.attributes
        )
        port = spike_tick.read_port()
        m.d.comb += [port.addr.eq(samples.payload.intensity), port.en.eq(samples.ready)]

        # Without a choice of pixels there is no table for it.
        available = prod(encoder.image_shape) // encoder.pool**2
        if encoder.inputs == available:
            return port.data, Const(1)

        mask = np.zeros(available, np.uint8)
        mask[encoder.pixels] = 1
        m.submodules.used = used = memory.Memory(shape=1, depth=available, init=mask.tolist())
        chosen = used.read_port()
        position = Signal(range(available))
        m.d.comb += [chosen.addr.eq(position), chosen.en.eq(samples.ready)]

        with m.If(samples.valid & samples.ready):
            end = samples.payload.last | (position == available - 1)
            m.d.sync += position.eq(Mux(end, 0, position + 1))
        return port.data, chosen.data

    def _read_again(self, m: Module, when: Any, keep: Value) -> None:
        """Go through the image once per later tick that it has; each time find the one after it."""
        inputs = self.encoder.inputs
        m.submodules.kept = kept = memory.Memory(shape=self.when, depth=inputs, init=[])
        reader, writer = kept.read_port(), kept.write_port()
        tick, read, reading = Signal.like(self.later.tick), Signal(range(inputs)), Signal()
        found = reader.data

        # Written while the pixels come, read afterwards; ``neuron`` counts both times.
        m.d.comb += [
            writer.addr.eq(self.neuron),
            writer.data.eq(when),
            writer.en.eq(keep),
            reader.addr.eq(self.neuron),
            reader.en.eq(self.free),
        ]

        with m.State("NEXT"):
            m.d.sync += [
                tick.eq(self.later.tick),
                self.later.fires.eq(0),
                self.neuron.eq(0),
                reading.eq(0),
            ]
            m.next = "AGAIN"
            with m.If(~self.later.fires | self.discard):
                m.next = "END"

        with m.State("AGAIN"):
            with m.If(self.free):
                # Stage 0: the address. Stage 1, ``reading``: what was kept of input ``read``.
                m.d.sync += [read.eq(self.neuron), reading.eq(self.neuron != inputs)]
                with m.If(self.neuron != inputs):
                    m.d.sync += self.neuron.eq(self.neuron + 1)
                with m.Elif(~reading):
                    m.next = "NEXT"

                with m.If(reading & found.fires & (found.tick == tick)):
                    self._emit(m, Kind.SPIKE, tick, read)
                sooner = ~self.later.fires | (found.tick < self.later.tick)
                with m.If(reading & found.fires & (found.tick > tick) & sooner):
                    m.d.sync += self.later.eq(found)
            with m.If(self.discard):
                m.next = "NEXT"
