"""One layer: the weight rows that events look up, its neurons, and the spikes they fire."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from hw.connections import SUBMODULE as CONNECTION
from hw.connections import make_visits
from hw.learning.port import LearnerPort
from hw.machine.neurons import SUBMODULE as NEURONS
from hw.machine.neurons import Neurons
from hw.machine.own_rows import OwnRows
from hw.machine.spike_queue import Queue
from hw.machine.window import WindowNeurons
from hw.parameters import LayerParameters
from hw.storage import SUBMODULE as WEIGHTS
from hw.storage import make_store
from hw.storage.block import LATENCY_CYCLES
from hw.storage.shared import SharedPort


class Layer(wiring.Component):
    """Adds the weight row of each event to its neurons' currents, advances them, and names those
    that fire.

    ``i``: indices of input neurons, one weight row each. ``advance``: one cycle high while not
    ``busy`` begins the next tick. ``o`` of a hidden layer: the neurons that fire at this tick,
    lowest index first; of an output layer: the folds of potentials, each taken at once. ``busy``: a
    row is being looked up or a tick is being integrated. ``pending``: spikes of this tick are still
    to come. ``clear`` begins an image; it is needed once after reset too. ``deliver``, of a layer
    with recurrent rows or a bias: these may be looked up now; ``looked_up``: which of them are.

    ``words`` and ``flash``: of the store, see :func:`hw.rows.store_members`. A layer that shares
    its store with others has none of its own, but ``shared``, a
    :class:`hw.storage.shared.SharedPort`. A layer that learns also has ``learner``, a
    :class:`hw.learning.port.LearnerPort`.

    An event takes ``folds`` cycles (from flash: :func:`hw.storage.flash.row_cycles`; of a
    convolution, one per word: see :mod:`hw.connections.convolution`), and so does a tick; the last
    row of a tick is in the currents 3 cycles after its first word was asked for.
    """

    i: stream.Interface
    o: stream.Interface
    advance: Signal
    clear: Signal
    busy: Signal
    pending: Signal
    deliver: Signal
    looked_up: Any
    words: Any
    flash: Any
    shared: Any
    learner: Any

    def __init__(self, parameters: LayerParameters):
        self.parameters = parameters
        self.store: Any = None if parameters.shared else make_store(parameters)

        # The last layer's neurons are read by the readout, the others' by the next layer.
        spikes = stream.Signature(bits_for(parameters.layer.fan_out - 1))
        potentials = stream.Signature(parameters.fold, always_ready=True)
        members = {
            "i": In(stream.Signature(bits_for(parameters.layer.fan_in - 1))),
            "o": Out(potentials if parameters.output else spikes),
            "advance": In(1),
            "clear": In(1),
            "busy": Out(1),
            "pending": Out(1),
        }
        if parameters.has_own_rows:
            members |= {"deliver": In(1), "looked_up": Out(parameters.own_rows)}
        if self.store is None:
            members["shared"] = Out(SharedPort(parameters.rows))
        else:
            members |= {name: self.store.signature.members[name] for name in ("words", "flash")}
        if parameters.learns:
            members["learner"] = Out(LearnerPort(parameters))
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Build: rows into neurons, neurons into the queue."""
        m = Module()

        store = self.store
        # A row that is on its way when an image ends must not reach the next one.
        if store is not None:
            m.submodules[WEIGHTS] = ResetInserter(self.clear)(store)
        neurons_of = WindowNeurons if self.parameters.lefts else Neurons
        neurons: Any = neurons_of(self.parameters)
        m.submodules[NEURONS] = neurons

        if store is None:
            store = self.shared
        else:
            connect(m, flipped(self.words), store.words)
            connect(m, store.flash, flipped(self.flash))

        events, spikes, pending = self._add_own_rows(m)
        looking_up = ~store.idle
        if self.parameters.learns:
            self._share_rows(m, neurons)
        elif self.parameters.by_words:
            looking_up = looking_up | self._visit(m, events, store, neurons)
        else:
            connect(m, events, store.i)
            m.d.comb += neurons.deliver.eq(store.o.valid)

        # ``advance`` is the first cycle of a pass; ``advancing`` are the others.
        advancing = Signal()
        m.d.comb += [
            neurons.weight.eq(store.o.payload),
            neurons.advance.eq(self.advance | advancing),
            neurons.clear.eq(self.clear),
            self.busy.eq(advancing | neurons.late | looking_up),
        ]
        m.d.sync += advancing.eq(neurons.advance & ~neurons.last & ~self.clear)

        if self.parameters.output:
            connect(m, neurons.o, flipped(self.o))
        else:
            m.submodules.queue = queue = Queue(self.parameters)
            connect(m, neurons.o, queue.i)
            connect(m, queue.o, spikes)
            pending.insert(0, queue.pending)
            m.d.comb += queue.clear.eq(self.clear)
        if pending:
            m.d.comb += self.pending.eq(pending[0] if len(pending) == 1 else Cat(pending).any())
        return m

    def _add_own_rows(self, m: Module) -> tuple[Any, Any, list[Value]]:
        """Return the stream of rows that are looked up, the one that takes the layer's spikes, and,
        if there are any, whether rows of its own are still to come.
        """
        if not self.parameters.has_own_rows:
            return flipped(self.i), flipped(self.o), []

        m.submodules.own_rows = own = OwnRows(self.parameters)
        connect(m, flipped(self.i), own.i)
        m.d.comb += [
            own.begin.eq(self.clear | self.advance),
            own.clear.eq(self.clear),
            own.deliver.eq(self.deliver),
            self.looked_up.eq(own.looked_up),
        ]
        if self.parameters.layer.recurrent is None:
            return own.o, flipped(self.o), [own.pending]
        connect(m, own.passed, flipped(self.o))
        return own.o, own.fired, [own.pending]

    def _visit(self, m: Module, events: Any, store: Any, neurons: Neurons | WindowNeurons) -> Value:
        """Let events look up single words; return whether more are to come, or none may begin."""
        visits = make_visits(self.parameters.rows)
        m.submodules[CONNECTION] = ResetInserter(self.clear)(visits)
        visit = visits.o.payload
        m.d.comb += [
            visits.i.payload.eq(events.payload),
            visits.i.valid.eq(events.valid),
            events.ready.eq(visits.i.ready),
            store.i.payload.eq(visit.word),
            store.i.valid.eq(visits.o.valid),
            visits.o.ready.eq(store.i.ready),
            neurons.deliver.eq(store.o.valid),
        ]
        if not self.parameters.scattered:
            return ~visits.idle

        # A word comes LATENCY_CYCLES after it was asked for; its fold follows it.
        fold = visit.fold
        for stage in range(1, LATENCY_CYCLES + 1):
            later = Signal.like(fold, name=f"fold_{stage}")
            m.d.sync += later.eq(fold)
            fold = later
        m.d.comb += neurons.fold.eq(fold)

        # An event that comes while the state is put back to its start waits.
        with m.If(neurons.sweeping):
            m.d.comb += [visits.i.valid.eq(0), events.ready.eq(0)]
        return ~visits.idle | neurons.sweeping

    def _share_rows(self, m: Module, neurons: Neurons) -> None:
        """Give the rows to the learner while its lesson is on, else to the neurons."""
        store, learner = self.store, self.learner
        m.d.comb += [
            store.i.payload.eq(Mux(learner.on, learner.row.payload, self.i.payload)),
            store.i.valid.eq(Mux(learner.on, learner.row.valid, self.i.valid)),
            self.i.ready.eq(store.i.ready & ~learner.on),
            learner.row.ready.eq(store.i.ready & learner.on),
            learner.word.payload.eq(store.o.payload),
            learner.word.valid.eq(store.o.valid & learner.on),
            neurons.deliver.eq(store.o.valid & ~learner.on),
        ]

        # What goes back to the memory, and what the neurons did.
        m.d.comb += [
            store.move.eq(learner.move),
            store.write.eq(learner.write),
            learner.changed.eq(store.changed),
            learner.idle.eq(store.idle),
        ]
        connect(m, neurons.history, flipped(learner.history))
