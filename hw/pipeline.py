"""The integer machine in hardware: twin of :mod:`sim.pipeline`."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from hw.counters import Counters
from hw.decide import Decider
from hw.encode import Encoder
from hw.events import event, pixel, result
from hw.layer import Layer
from hw.neurons import Parameters as LayerParameters
from hw.sequence import Sequencer
from sim.command import InputError
from sim.fixed_point import current_bounds, potential_bounds
from sim.network import Network

FULL = "full"
"""As many lanes as the widest layer has neurons: an event costs one cycle."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """A network and how many of its neurons are updated in one cycle.

    :param network: what is computed.
    :param lanes: of the widest layer, 1..its fan_out, or ``FULL``. Every other layer gets just as many lanes as it
        needs to have no more folds than the widest; so a few suffice for ten outputs.
    :raises InputError: lanes is out of range.
    """

    network: Network
    lanes: int | str = FULL

    def __post_init__(self) -> None:
        widest = max(layer.fan_out for layer in self.network.layers)
        if self.lanes == FULL:
            object.__setattr__(self, "lanes", widest)
        if type(self.lanes) is not int or not 1 <= self.lanes <= widest:
            raise InputError(f"lanes: must be in 1..{widest} (the widest layer) or '{FULL}', not {self.lanes}.")

    @cached_property
    def layers(self) -> tuple[LayerParameters, ...]:
        """The parameters of each layer, with its exact widths."""
        network = self.network
        folds = -(-max(layer.fan_out for layer in network.layers) // int(self.lanes))
        return tuple(
            LayerParameters(
                layer,
                lanes=-(-layer.fan_out // folds),
                ticks_per_unit=network.ticks_per_unit,
                current=current_bounds(layer),
                potential=potential_bounds(network, index),
                output=index == len(network.layers) - 1,
            )
            for index, layer in enumerate(network.layers)
        )

    @property
    def observation(self) -> data.StructLayout:
        """Layout of what crosses the boundaries between layers in one cycle, for checks; a board leaves it open.

        ``any``: this cycle has something. ``ended``: an image has. ``tick``: the present one. Per layer ``delivered``
        and ``neuron``: an event goes in.
        ``advanced`` and ``fold``: a fold of the output layer has advanced to this tick.
        """
        most = max(layer.layer.fan_in for layer in self.layers)
        return data.StructLayout(
            {
                "any": 1,
                "ended": 1,
                "tick": bits_for(self.network.last_tick),
                "delivered": len(self.layers),
                "neuron": data.ArrayLayout(bits_for(most - 1), len(self.layers)),
                "advanced": 1,
                "fold": self.layers[-1].fold,
            }
        )


class Pipeline(wiring.Component):
    """Runs images up to their first output spike: input events in, one result per image out.

    Each tick is a barrier: all layers advance together, then the outputs decide, and only if none fires do hidden
    neurons fire and events of this tick go in. So on a decision nothing of its tick has been read; every layer stops in
    the same cycle, the rest of the image is skipped, and the next image may enter. Between the barriers the layers work
    at the same time.

    ``i``: events of images, each image closed by ``Kind.END``. ``o``: results. ``skip``: the image is decided, so its
    source may go on to its ``Kind.END`` at once; events that come nevertheless are passed over, one per cycle.
    ``dropped`` counts the images broken off by ``Kind.ABORT``, modulo 65,536. ``observed``: see ``Parameters``.

    With all lanes a tick costs 2 cycles, 2 more if it has events, and 1 per event of the layer that has most.
    """

    i: stream.Interface
    o: stream.Interface
    skip: Signal
    dropped: Signal
    observed: data.View

    def __init__(self, parameters: Parameters):
        self.parameters = parameters
        super().__init__(
            {
                "i": In(stream.Signature(event(parameters.network))),
                "o": Out(stream.Signature(result(parameters.network))),
                "skip": Out(1),
                "dropped": Out(16),
                "observed": Out(parameters.observation),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the layers and the decider, and the sequence of an image."""
        m = Module()
        layers = [Layer(parameters) for parameters in self.parameters.layers]
        for index, layer in enumerate(layers):
            m.submodules[f"layer_{index}"] = layer
        m.submodules.decider = decider = Decider(self.parameters.layers[-1])
        connect(m, layers[-1].o, decider.i)

        m.submodules.sequencer = sequencer = Sequencer(self.parameters.network)
        m.submodules.counters = counters = Counters(self.parameters.network)
        connect(m, flipped(self.i), sequencer.i)
        connect(m, sequencer.o, counters.i)
        connect(m, counters.o, flipped(self.o))
        connect(m, decider.o, sequencer.verdict)
        connect(m, sequencer.event, layers[0].i)
        for before, after in pairwise(layers):
            m.d.comb += [
                after.i.payload.eq(before.o.payload),
                after.i.valid.eq(before.o.valid & sequencer.deliver),
                before.o.ready.eq(after.i.ready & sequencer.deliver),
            ]
        for index, layer in enumerate(layers):
            m.d.comb += [
                layer.advance.eq(sequencer.advance),
                layer.clear.eq(sequencer.clear),
                self.observed.delivered[index].eq(layer.i.valid & layer.i.ready),
                self.observed.neuron[index].eq(layer.i.payload),
            ]
        m.d.comb += [
            sequencer.winner.eq(decider.winner),
            sequencer.busy.eq(Cat(layer.busy for layer in layers).any()),
            sequencer.pending.eq(Cat(layer.pending for layer in layers).any()),
            counters.running.eq(sequencer.running),
            counters.rejected.eq(sequencer.rejected),
            counters.delivered.eq(self.observed.delivered),
            self.skip.eq(sequencer.skip),
            self.dropped.eq(counters.dropped),
            self.observed.any.eq(self.observed.delivered.any() | layers[-1].o.valid | self.observed.ended),
            self.observed.tick.eq(sequencer.tick),
            self.observed.ended.eq(sequencer.o.valid & sequencer.o.ready),
            self.observed.advanced.eq(layers[-1].o.valid),
            self.observed.fold.eq(layers[-1].o.payload),
        ]
        return m


class Machine(wiring.Component):
    """The whole machine: pixels in, one result per image out.

    ``i``: pixels in raster order; ``o``: results; ``dropped``: images of the wrong length so far, modulo 65,536.
    """

    i: stream.Interface
    o: stream.Interface
    dropped: Signal

    def __init__(self, parameters: Parameters):
        self.parameters = parameters
        super().__init__(
            {
                "i": In(stream.Signature(pixel())),
                "o": Out(stream.Signature(result(parameters.network))),
                "dropped": Out(16),
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
        m.d.comb += [encoder.skip.eq(pipeline.skip), self.dropped.eq(pipeline.dropped)]
        return m
