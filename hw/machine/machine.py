"""The whole machine: pixels in, one result per image out."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.encoders.intensity import Encoder
from hw.events import pixel, result
from hw.machine.pipeline import Pipeline, learning_members
from hw.parameters import MachineParameters
from hw.rows import word_ports
from hw.storage.flash import flash_members


class Machine(wiring.Component):
    """Encoder and pipeline.

    ``i``: pixels in raster order; ``o``: results; ``dropped``: images of the wrong length so far,
    modulo 65,536. What learns also has ``lesson``, ``state``, ``seed`` and ``set``, see
    :class:`Pipeline`, as are ``words`` and ``flash``.
    """

    i: stream.Interface
    o: stream.Interface
    dropped: Signal
    lesson: stream.Interface
    state: Signal
    seed: Signal
    set: Signal
    words: Any
    flash: Any

    def __init__(self, parameters: MachineParameters):
        self.parameters = parameters
        super().__init__(
            {
                "i": In(stream.Signature(pixel())),
                "o": Out(stream.Signature(result(parameters.network, parameters.rule is not None))),
                "dropped": Out(16),
                "words": In(word_ports(parameters.word_rows)),
                **flash_members(parameters.flash),
                **learning_members(parameters),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the encoder before the pipeline."""
        m = Module()
        m.submodules.encoder = encoder = Encoder(self.parameters.network)
        m.submodules.pipeline = pipeline = Pipeline(self.parameters)
        connect(m, flipped(self.i), encoder.i)
        connect(m, encoder.o, pipeline.i)
        connect(m, pipeline.o, flipped(self.o))
        connect(m, flipped(self.words), pipeline.words)
        if self.parameters.flash is not None:
            connect(m, pipeline.flash, flipped(self.flash))
        m.d.comb += [encoder.skip.eq(pipeline.skip), self.dropped.eq(pipeline.dropped)]
        if self.parameters.rule is not None:
            connect(m, flipped(self.lesson), pipeline.lesson)
            m.d.comb += [
                self.state.eq(pipeline.state),
                pipeline.seed.eq(self.seed),
                pipeline.set.eq(self.set),
            ]
        return m
