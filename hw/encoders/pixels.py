"""Before the encoder: images of the right length, and 2x2 pooling, on a stream of pixels in raster
order.
"""

from math import prod

from amaranth.hdl import Module, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.events import pixel
from sim.encoders.intensity import Intensity

SAMPLE = data.StructLayout({"intensity": 8, "last": 1, "broken": 1})
"""A pixel of an image known to be whole so far; ``broken`` (with ``last``): the image is not,
forget it.
"""


class Framing(wiring.Component):
    """Finds images that end too early or too late.

    ``i``: pixels. ``o``: the same pixels; an image of the wrong length ends with a sample that is
    ``broken``. Pixels beyond the image's size are ignored. Latency: none.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, encoder: Intensity):
        self.pixels = prod(encoder.image_shape)
        super().__init__({"i": In(stream.Signature(pixel())), "o": Out(stream.Signature(SAMPLE))})

    def elaborate(self, platform: object) -> Module:
        """Build: a counter of pixels that stops at the image's size."""
        m = Module()

        position = Signal(range(self.pixels + 1))
        last, ignore = self.i.payload.last, Signal()

        # The last pixel always passes, as it closes the image; so where the image's size says that
        # it should be the last one and it is not, it is ignored like those after it.
        m.d.comb += [
            ignore.eq(~last & (position >= self.pixels - 1)),
            self.o.valid.eq(self.i.valid & ~ignore),
            self.i.ready.eq(self.o.ready | ignore),
            self.o.payload.intensity.eq(self.i.payload.intensity),
            self.o.payload.last.eq(last),
            self.o.payload.broken.eq(last & (position != self.pixels - 1)),
        ]

        with m.If(self.i.valid & self.i.ready):
            with m.If(last):
                m.d.sync += position.eq(0)
            with m.Elif(position != self.pixels):
                m.d.sync += position.eq(position + 1)
        return m


class Pooling(wiring.Component):
    """Replaces each 2x2 square by the sum of its pixels, integer-divided by 4.

    Takes one sample per cycle; latency 1 cycle after the square's last pixel. It keeps one row of
    pairs.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, encoder: Intensity):
        self.width = encoder.image_shape[1]
        super().__init__({"i": In(stream.Signature(SAMPLE)), "o": Out(stream.Signature(SAMPLE))})

    def elaborate(self, platform: object) -> Module:
        """Build: the left pixel, the pairs of the row above, the sum."""
        m = Module()

        pairs = self.width // 2
        m.submodules.above = above = memory.Memory(shape=9, depth=pairs, init=[])
        reader, writer = above.read_port(), above.write_port()
        sample, accept = self.i.payload, Signal()

        # Where in its square the pixel is, and what was before it.
        column, right, lower = Signal(range(pairs)), Signal(), Signal()
        left, pair = Signal(8), Signal(9)
        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            accept.eq(self.i.valid & self.i.ready),
            pair.eq(left + sample.intensity),
        ]

        # The pair above is read with the left pixel, so it is there with the right one.
        m.d.comb += [
            reader.addr.eq(column),
            reader.en.eq(accept & ~right),
            writer.addr.eq(column),
            writer.data.eq(pair),
            writer.en.eq(accept & right & ~lower),
        ]

        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(accept):
            m.d.sync += [
                self.o.valid.eq((right & lower) | sample.broken),
                self.o.payload.eq(sample),
                self.o.payload.intensity.eq((reader.data + pair) >> 2),
                left.eq(sample.intensity),
                right.eq(~right),
            ]

            with m.If(sample.last):
                m.d.sync += [column.eq(0), right.eq(0), lower.eq(0)]
            with m.Elif(right):
                m.d.sync += column.eq(column + 1)
                with m.If(column == pairs - 1):
                    m.d.sync += [column.eq(0), lower.eq(~lower)]
        return m
