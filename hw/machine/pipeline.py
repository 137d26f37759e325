"""The integer machine in hardware: twin of :mod:`sim.pipeline`."""

from itertools import pairwise
from typing import Any

from amaranth.hdl import Cat, Module, ResetInserter, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.events import event, result
from hw.learning import LEARNERS
from hw.learning import SUBMODULE as LEARNER
from hw.machine.counters import Counters
from hw.machine.host import HostPort
from hw.machine.layer import Layer
from hw.machine.sequencer import Sequencer
from hw.parameters import MachineParameters
from hw.readouts import READOUTS
from hw.storage import SUBMODULE as WEIGHTS
from hw.storage import flash_port
from hw.storage.shared import SharedStore
from sim.errors import choose


class Pipeline(wiring.Component):
    """Runs images up to their first output spike: input events in, one result per image out.

    Each tick is a barrier: all layers advance together, then the readout decides, and only if the
    image goes on do hidden neurons fire and events of this tick go in. So on a decision nothing of
    its tick has been read; every layer stops in the same cycle, the rest of the image is discarded,
    and the next image may enter. Between the barriers the layers work at the same time.

    ``i``: events of images, each image closed by ``Kind.END``. ``o``: results. ``discard``: the
    image is decided, so its source may go on to its ``Kind.END`` at once; events that come
    nevertheless are ignored, one per cycle. ``dropped`` counts the images broken off by
    ``Kind.ABORT``, modulo 65,536. ``observed``: see :class:`hw.parameters.MachineParameters`.
    ``host``: see :class:`hw.machine.host.HostPort`. ``flash``: a
    :class:`hw.storage.flash.FlashPort`, if the rows of a layer are there.

    With all lanes a tick costs 2 cycles, 2 more if it has events, and 1 per event of the layer that
    has most; with more lanes than a ``group``, 1 more if it has none, and up to 3 more if it has
    events. A decision costs 1 more than the tick it ends. An image with a lesson runs on past its
    decision, so more of its events are delivered and counted; its decision and tick are those
    before it.
    """

    i: stream.Interface
    o: stream.Interface
    discard: Signal
    dropped: Signal
    observed: data.View
    host: Any
    flash: Any

    def __init__(self, parameters: MachineParameters):
        self.parameters = parameters
        super().__init__(
            {
                "i": In(stream.Signature(event(parameters.network))),
                "o": Out(stream.Signature(result(parameters.network, parameters.learns))),
                "discard": Out(1),
                "dropped": Out(16),
                "observed": Out(parameters.observation),
                "host": In(HostPort(parameters)),
                "flash": Out(flash_port(parameters)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the layers and the readout, and the sequence of an image."""
        m = Module()

        network, learns = self.parameters.network, self.parameters.learns
        layers = self._layers(m)
        overlaps = any(layer.parameters.lefts for layer in layers)
        m.submodules.sequencer = sequencer = Sequencer(network, learns, overlaps)
        if self.parameters.shared_layers:
            self._share_store(m, layers, sequencer.clear)
        m.submodules.counters = counters = Counters(network, learns)

        # The readout forgets with the layers when an image begins.
        readout_of = choose(READOUTS, network.readout_name, "readout")
        readout = readout_of(self.parameters.layers[-1])
        m.submodules.readout = ResetInserter(sequencer.clear)(readout)

        # The way of an image: events, layers, readout, outcome, result.
        connect(m, flipped(self.i), sequencer.i)
        connect(m, sequencer.event, layers[0].i)
        connect(m, layers[-1].o, readout.i)
        connect(m, readout.o, sequencer.verdict)
        connect(m, sequencer.o, counters.i)
        connect(m, counters.o, flipped(self.o))

        # Hidden spikes stay in their queues until the sequencer lets them go.
        for before, after in pairwise(layers):
            m.d.comb += [
                after.i.payload.eq(before.o.payload),
                after.i.valid.eq(before.o.valid & sequencer.deliver),
                before.o.ready.eq(after.i.ready & sequencer.deliver),
            ]

        # All layers advance in the same cycle, and the next tick begins when none is at work.
        for layer in layers:
            m.d.comb += [layer.advance.eq(sequencer.advance), layer.clear.eq(sequencer.clear)]
            if layer.parameters.has_own_rows:
                m.d.comb += layer.deliver.eq(sequencer.deliver)
        m.d.comb += [
            sequencer.busy.eq(Cat(layer.busy for layer in layers).any()),
            sequencer.pending.eq(Cat(layer.pending for layer in layers).any()),
        ]

        # Layers that keep no current have no passes at ticks of events, so others pass meanwhile.
        if overlaps:
            settling = [layer.busy for layer in layers if not layer.parameters.lefts]
            m.d.comb += sequencer.settling.eq(Cat(settling).any())
        m.d.comb += [
            counters.running.eq(sequencer.running),
            counters.rejected.eq(sequencer.rejected),
            counters.delivered.eq(self.observed.delivered),
            self.discard.eq(sequencer.discard),
            self.dropped.eq(counters.dropped),
        ]

        self._observe(m, layers, sequencer)
        if learns:
            self._add_learner(m, layers, sequencer, counters)
        return m

    def _layers(self, m: Module) -> list[Layer]:
        """Build the layers, and connect their stores to the host and to the pins."""
        layers = [Layer(parameters) for parameters in self.parameters.layers]
        for index, layer in enumerate(layers):
            m.submodules[f"layer_{index}"] = layer

            if layer.parameters.reachable:
                connect(m, flipped(getattr(self.host.words, f"layer_{index}")), layer.words)
            if index == self.parameters.flash_layer:
                connect(m, layer.flash, flipped(self.flash))
        return layers

    def _share_store(self, m: Module, layers: list[Layer], clear: Signal) -> None:
        """Build the memory that several layers look up, and connect them and the host to it."""
        shared = self.parameters.shared_rows
        store = SharedStore(shared)
        # A word that is on its way when an image ends must not reach the next one.
        m.submodules[WEIGHTS] = ResetInserter(clear)(store)

        for index in shared:
            connect(m, layers[index].shared, getattr(store.layers, f"layer_{index}"))
        first = self.parameters.loaded_layer
        connect(m, flipped(getattr(self.host.words, f"layer_{first}")), store.words)

    def _observe(self, m: Module, layers: list[Layer], sequencer: Sequencer) -> None:
        """Show what crosses the boundaries between layers."""
        # Simulators keep the cycles in which the lowest bit, ``any``, is set.
        seen, output = self.observed, layers[-1].o
        for index, layer in enumerate(layers):
            m.d.comb += [
                seen.delivered[index].eq(layer.i.valid & layer.i.ready),
                seen.neuron[index].eq(layer.i.payload),
            ]

        # A row of a layer's own can be looked up while no input is.
        looked_up = seen.delivered.any()
        for index, layer in enumerate(layers):
            if layer.parameters.has_own_rows:
                m.d.comb += seen.own[index].eq(layer.looked_up)
                looked_up = looked_up | Value.cast(layer.looked_up).any()

        m.d.comb += [
            seen.any.eq(looked_up | output.valid | seen.ended),
            seen.tick.eq(sequencer.tick),
            seen.ended.eq(sequencer.o.valid & sequencer.o.ready),
            seen.advanced.eq(output.valid),
            seen.fold.eq(output.payload),
        ]

    def _add_learner(
        self, m: Module, layers: list[Layer], sequencer: Sequencer, counters: Counters
    ) -> None:
        """Build the learner between the layers."""
        rule = self.parameters.rule
        learner = LEARNERS[type(rule)](self.parameters.network, rule, *self.parameters.layers)
        m.submodules[LEARNER] = learner

        connect(m, flipped(self.host.teach), learner.teach)
        connect(m, sequencer.learner, learner.image)
        connect(m, layers[0].learner, learner.hidden)
        connect(m, layers[1].learner, learner.output)
        m.d.comb += counters.learnt.eq(learner.image.learnt)
