"""The whole machine: pixels in, one result per image out."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.encoders import make_encoder
from hw.events import result
from hw.machine.host import HostPort
from hw.machine.pipeline import Pipeline
from hw.parameters import MachineParameters
from hw.storage import flash_port


class Machine(wiring.Component):
    """Encoder and pipeline.

    ``i``: what the encoder takes, pixels in raster order; ``o``: results; ``dropped``: images of
    the wrong length so far, modulo 65,536. ``host`` and ``flash``: see
    :class:`hw.machine.pipeline.Pipeline`.
    """

    i: stream.Interface
    o: stream.Interface
    dropped: Signal
    host: Any
    flash: Any

    def __init__(self, parameters: MachineParameters):
        self.parameters = parameters
        # The encoder says what a sample is made of: its input is the machine's.
        self.encoder = make_encoder(parameters.network)
        super().__init__(
            {
                "i": self.encoder.signature.members["i"],
                "o": Out(stream.Signature(result(parameters.network, parameters.learns))),
                "dropped": Out(16),
                "host": In(HostPort(parameters)),
                "flash": Out(flash_port(parameters)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the encoder before the pipeline."""
        m = Module()
        m.submodules.encoder = encoder = self.encoder
        m.submodules.pipeline = pipeline = Pipeline(self.parameters)

        connect(m, flipped(self.i), encoder.i)
        connect(m, encoder.o, pipeline.i)
        connect(m, pipeline.o, flipped(self.o))

        connect(m, flipped(self.host), pipeline.host)
        connect(m, pipeline.flash, flipped(self.flash))

        # A decided image is not encoded any further.
        m.d.comb += [encoder.discard.eq(pipeline.discard), self.dropped.eq(pipeline.dropped)]
        return m
