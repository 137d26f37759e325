"""Images whose pixels fire at several ticks: twin of ``mask`` in :mod:`sim.encoders.intensity`."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory

from hw.arithmetic import lowest
from hw.encoders.intensity import IntensityEncoder
from hw.events import Kind


class MaskEncoder(IntensityEncoder):
    """The same with a table that has a bit for each tick, from the first to the last one at which
    any intensity fires.

    ``i``, ``o``, ``discard``, and the cycles: see
    :class:`~hw.encoders.intensity.IntensityEncoder`; images are read again once per later tick at
    which one of their pixels fires.
    """

    def _when(self) -> Any:
        """Return the layout of what the table says of an intensity: lowest bit, first tick."""
        return unsigned(self.encoder.last_tick - self.encoder.first_tick + 1)

    def _words(self) -> list[Any]:
        """Return the table: what it says of each intensity."""
        used = self.encoder.fires_at[:, self.encoder.first_tick : self.encoder.last_tick + 1]
        return [sum(int(bit) << index for index, bit in enumerate(row)) for row in used]

    def _fires(self, when: Any) -> Value:
        """Return whether what the table says of a pixel is that it fires."""
        return when.any()

    def _sort(self, m: Module, when: Any, spike: Value) -> None:
        """A spike of the first tick leaves now; all later ticks are remembered.

        :param when: what the table says of a pixel.
        :param spike: it is an input that fires, and dealt with in this cycle.
        """
        with m.If(spike & when[0]):
            self._emit(m, Kind.SPIKE, self.encoder.first_tick, self.neuron)
        with m.If(spike):
            m.d.sync += self.later[1:].eq(self.later[1:] | when[1:])

    def _forget(self, m: Module) -> None:
        """Forget which ticks are still to come."""
        m.d.sync += self.later.eq(0)

    def _read_again(self, m: Module, when: Any, keep: Value) -> None:
        """Go through the image once per later tick that it has, lowest first."""
        inputs, first_tick = self.encoder.inputs, self.encoder.first_tick
        ticks = len(self.later)
        m.submodules.kept = kept = memory.Memory(shape=ticks, depth=inputs, init=[])
        reader, writer = kept.read_port(), kept.write_port()
        number, read, reading = Signal(range(ticks)), Signal(range(inputs)), Signal()

        # Written while the pixels come, read afterwards; ``neuron`` counts both times.
        m.d.comb += [
            writer.addr.eq(self.neuron),
            writer.data.eq(when),
            writer.en.eq(keep),
            reader.addr.eq(self.neuron),
            reader.en.eq(self.free),
        ]

        with m.State("NEXT"):
            some, following = lowest(m, list(self.later))
            m.d.sync += [
                number.eq(following),
                self.later.eq(Mux(self.discard, 0, self.later & (self.later - 1))),
                self.neuron.eq(0),
                reading.eq(0),
            ]
            m.next = "AGAIN"
            with m.If(~some | self.discard):
                m.next = "END"

        with m.State("AGAIN"):
            with m.If(self.free):
                # Stage 0: the address. Stage 1, ``reading``: what was kept of input ``read``.
                m.d.sync += [read.eq(self.neuron), reading.eq(self.neuron != inputs)]
                with m.If(self.neuron != inputs):
                    m.d.sync += self.neuron.eq(self.neuron + 1)
                with m.Elif(~reading):
                    m.next = "NEXT"

                with m.If(reading & reader.data.bit_select(number, 1)):
                    self._emit(m, Kind.SPIKE, number + first_tick, read)
            with m.If(self.discard):
                m.next = "NEXT"
