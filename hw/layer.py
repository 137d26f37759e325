"""One layer: the weight rows that events look up, its neurons, and the spikes they fire."""

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from hw.neurons import Neurons, Parameters
from hw.queue import Queue
from hw.weights import BlockStore


class Layer(wiring.Component):
    """Adds the weight row of each event to its neurons' currents, advances them, and names those that fire.

    ``i``: indices of input neurons, one weight row each. ``advance``: one cycle high while not ``busy`` begins the next
    tick. ``o`` of a hidden layer: the neurons that fire at this tick, lowest index first; of an output layer: the folds
    of potentials, each taken at once. ``busy``: a row is being looked up or a tick is being integrated.
    ``pending``: spikes of this tick are still to come. ``clear`` begins an image; it is needed once after reset too.

    An event takes ``folds`` cycles, and so does a tick; the last row of a tick is in the currents 3 cycles after its
    first word was asked for.
    """

    i: stream.Interface
    o: stream.Interface
    advance: Signal
    clear: Signal
    busy: Signal
    pending: Signal

    def __init__(self, parameters: Parameters):
        self.parameters = parameters
        spikes = stream.Signature(bits_for(parameters.layer.fan_out - 1))
        potentials = stream.Signature(parameters.fold, always_ready=True)
        super().__init__(
            {
                "i": In(stream.Signature(bits_for(parameters.layer.fan_in - 1))),
                "o": Out(potentials if parameters.output else spikes),
                "advance": In(1),
                "clear": In(1),
                "busy": Out(1),
                "pending": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: rows into neurons, neurons into the queue."""
        m = Module()
        store = BlockStore(self.parameters.rows)
        m.submodules.weights = ResetInserter(self.clear)(store)
        m.submodules.neurons = neurons = Neurons(self.parameters)
        connect(m, flipped(self.i), store.i)
        advancing = Signal()
        m.d.comb += [
            neurons.weight.eq(store.o.payload),
            neurons.deliver.eq(store.o.valid),
            neurons.advance.eq(self.advance | advancing),
            neurons.clear.eq(self.clear),
            self.busy.eq(advancing | ~store.idle),
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
