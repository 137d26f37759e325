"""One layer: the weight rows that events look up, its neurons, and the spikes they fire."""

from typing import Any

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from hw.learning.port import learner_port
from hw.machine.neurons import Neurons
from hw.machine.spike_queue import Queue
from hw.parameters import LayerParameters, Storage
from hw.rows import WordPort
from hw.storage.block import BlockStore, BlockWords
from hw.storage.flash import FlashStore, flash_members
from hw.storage.spram import SpramStore
from hw.storage.wide import WideWords
from hw.storage.writable import WritableStore


class Layer(wiring.Component):
    """Adds the weight row of each event to its neurons' currents, advances them, and names those
    that fire.

    ``i``: indices of input neurons, one weight row each. ``advance``: one cycle high while not
    ``busy`` begins the next tick. ``o`` of a hidden layer: the neurons that fire at this tick,
    lowest index first; of an output layer: the folds of potentials, each taken at once. ``busy``: a
    row is being looked up or a tick is being integrated. ``pending``: spikes of this tick are still
    to come. ``clear`` begins an image; it is needed once after reset too.

    A layer whose neurons remember (see :class:`hw.parameters.LayerParameters`) can learn: it also
    has ``now``, the tick that the next ``advance`` reaches, and ``lesson``, see the function of
    that name. A layer whose weights a host can reach has ``words``, a
    :class:`hw.storage.block.WordPort`; one whose weights lie in flash has ``flash``, a
    :class:`hw.storage.flash.FlashPort`.

    An event takes ``folds`` cycles (from flash: :func:`hw.storage.flash.row_cycles`), and so does a
    tick; the last row of a tick is in the currents 3 cycles after its first word was asked for.
    """

    i: stream.Interface
    o: stream.Interface
    advance: Signal
    clear: Signal
    busy: Signal
    pending: Signal
    now: Signal
    lesson: Any
    words: Any
    flash: Any

    def __init__(self, parameters: LayerParameters):
        self.parameters = parameters
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
        if parameters.silent is not None:
            members |= {
                "now": In(bits_for(parameters.silent)),
                "lesson": Out(learner_port(parameters)),
            }
        if parameters.reachable:
            members["words"] = In(WordPort(parameters.rows))
        if parameters.storage is Storage.FLASH:
            members |= flash_members(0)
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Build: rows into neurons, neurons into the queue."""
        m = Module()
        store = self._store()
        m.submodules.weights = ResetInserter(self.clear)(store)
        m.submodules.neurons = neurons = Neurons(self.parameters)
        if isinstance(store, WritableStore):
            self._share(m, store, neurons)
        else:
            connect(m, flipped(self.i), store.i)
            m.d.comb += neurons.deliver.eq(store.o.valid)
        if isinstance(store, FlashStore):
            connect(m, store.flash, flipped(self.flash))
        elif not isinstance(store, BlockStore):
            connect(m, flipped(self.words), store.words)
        advancing = Signal()
        m.d.comb += [
            neurons.weight.eq(store.o.payload),
            neurons.advance.eq(self.advance | advancing),
            neurons.clear.eq(self.clear),
            self.busy.eq(advancing | neurons.late | ~store.idle),
        ]
        m.d.sync += advancing.eq(neurons.advance & ~neurons.last & ~self.clear)
        if self.parameters.output:
            connect(m, neurons.o, flipped(self.o))
        else:
            m.submodules.queue = queue = Queue(self.parameters)
            connect(m, neurons.o, queue.i)
            connect(m, queue.o, flipped(self.o))
            m.d.comb += [queue.clear.eq(self.clear), self.pending.eq(queue.pending)]
        return m

    def _store(self) -> Any:
        """Return where the weights lie."""
        rows = self.parameters.rows
        if self.parameters.storage is Storage.SPRAM:
            return SpramStore(rows)
        if self.parameters.storage is Storage.FLASH:
            return FlashStore(rows, self.parameters.flash_wires)
        if self.parameters.storage is Storage.LOGIC:
            return BlockStore(rows, BlockWords(rows, "logic"))
        if self.parameters.wide and not rows.exchangeable:
            return BlockStore(rows, WideWords(rows, self.parameters.group), late=True)
        return BlockStore(rows) if self.parameters.silent is None else WritableStore(rows)

    def _share(self, m: Module, store: WritableStore, neurons: Neurons) -> None:
        """Give the rows to the learner while its lesson is on, else to the neurons."""
        lesson = self.lesson
        m.d.comb += [
            store.i.payload.eq(Mux(lesson.on, lesson.row.payload, self.i.payload)),
            store.i.valid.eq(Mux(lesson.on, lesson.row.valid, self.i.valid)),
            self.i.ready.eq(store.i.ready & ~lesson.on),
            lesson.row.ready.eq(store.i.ready & lesson.on),
            lesson.word.payload.eq(store.o.payload),
            lesson.word.valid.eq(store.o.valid & lesson.on),
            neurons.deliver.eq(store.o.valid & ~lesson.on),
            store.move.eq(lesson.move),
            store.write.eq(lesson.write),
            lesson.changed.eq(store.changed),
            lesson.idle.eq(store.idle),
            neurons.now.eq(self.now),
            neurons.recall.eq(lesson.recall),
            lesson.past.eq(neurons.past),
        ]
