"""The neurons that fire at a tick, handed out one by one, lowest index first."""

from amaranth.hdl import Array, Cat, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out, connect
from amaranth.utils import bits_for

from hw.arithmetic import lowest, several, times
from hw.parameters import LayerParameters


def spikes(lanes: int, neuron_bits: int) -> data.StructLayout:
    """Return the layout of neighbouring lanes: whether each ``fires``, and the index of the first
    of them.
    """
    return data.StructLayout({"fires": lanes, "first_neuron": neuron_bits})


def waiting_fold(parameters: LayerParameters) -> data.StructLayout:
    """Return the layout of a whole fold of a layer."""
    return spikes(parameters.lanes, bits_for((parameters.folds - 1) * parameters.lanes))


class Chunks(wiring.Component):
    """Cuts a fold into chunks of a ``group`` of lanes; those without a spike are left out.

    ``i``: folds. ``o``: their chunks, lowest first, one per cycle. ``clear`` forgets them all.
    ``pending``: some are still to come.

    Latency: 2 cycles.
    """

    i: stream.Interface
    o: stream.Interface
    clear: Signal
    pending: Signal

    def __init__(self, parameters: LayerParameters):
        self.lanes = parameters.group
        chunk = spikes(self.lanes, bits_for(parameters.layer.fan_out - 1))
        super().__init__(
            {
                "i": In(stream.Signature(waiting_fold(parameters))),
                "o": Out(stream.Signature(chunk)),
                "clear": In(1),
                "pending": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the fold that is being cut, the chunks of it that have a spike, the chunk being
        offered.
        """
        m = Module()

        # Stage 1: the fold, and a bit for each of its chunks that is still to go.
        fold_1 = Signal.like(self.i.payload, reset_less=True)
        chunks_1 = self._cut(fold_1)
        remaining_1 = Signal(len(chunks_1))
        some_1, chunk_1 = lowest(m, list(remaining_1))
        m.d.comb += [self.i.ready.eq(~some_1), self.pending.eq(some_1 | self.o.valid)]

        # Stage 2: the lowest of them.
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [
                self.o.valid.eq(some_1),
                self.o.payload.fires.eq(Array(chunks_1)[chunk_1]),
                self.o.payload.first_neuron.eq(fold_1.first_neuron + times(chunk_1, self.lanes)),
                remaining_1.eq(remaining_1 & ~(1 << chunk_1)),
            ]

        with m.If(~some_1):
            m.d.sync += fold_1.eq(self.i.payload)
            with m.If(self.i.valid):
                m.d.sync += remaining_1.eq(Cat(part.any() for part in self._cut(self.i.payload)))
        with m.If(self.clear):
            m.d.sync += [remaining_1.eq(0), self.o.valid.eq(0)]
        return m

    def _cut(self, fold: data.View) -> list[Value]:
        """Return the bits of each chunk of a fold."""
        firsts = range(0, len(fold.fires), self.lanes)
        return [fold.fires[first : first + self.lanes] for first in firsts]


class Queue(wiring.Component):
    """Turns folds with a bit per lane into the indices of the bits that are set.

    ``i``: the folds of one tick, lowest neurons first, each taken at once; those of the next tick
    come when ``pending`` is low. ``o``: the neurons that fire, lowest index first, one per cycle.
    ``pending``: some are still to come. ``clear`` forgets them all; it is the only thing that
    withdraws a spike already offered.

    Latency: 1 cycle; 2 more with several folds (they wait in a memory), and 2 more with more lanes
    than a ``group``.
    """

    i: stream.Interface
    o: stream.Interface
    clear: Signal
    pending: Signal

    def __init__(self, parameters: LayerParameters):
        self.parameters = parameters
        super().__init__(
            {
                "i": In(stream.Signature(parameters.fold, always_ready=True)),
                "o": Out(stream.Signature(bits_for(parameters.layer.fan_out - 1))),
                "clear": In(1),
                "pending": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: what waits, the lanes being handed out, the spike being offered."""
        m = Module()

        source, waiting = self._folds(m)
        if self.parameters.lanes > self.parameters.group:
            m.submodules.chunks = chunks = Chunks(self.parameters)
            connect(m, source, chunks.i)
            m.d.comb += chunks.clear.eq(self.clear)
            source, waiting = chunks.o, waiting | chunks.pending

        # ``more``: fires is not 0. It is kept in a flip-flop, as what waits for a tick's last spike
        # is the slowest path.
        fires = Signal.like(source.payload.fires)
        first_neuron = Signal.like(source.payload.first_neuron)
        more, take = Signal(), Signal()

        # New lanes are searched in the cycle in which they come, so a spike costs one cycle.
        now, first = Signal.like(fires), Signal.like(first_neuron)
        m.d.comb += [
            take.eq(~self.o.valid | self.o.ready),
            source.ready.eq(take & ~more),
            now.eq(Mux(more, fires, Mux(source.valid, source.payload.fires, 0))),
            first.eq(Mux(more, first_neuron, source.payload.first_neuron)),
            self.pending.eq(self.o.valid | more | waiting),
        ]

        found, lane = lowest(m, list(now))
        with m.If(self.clear):
            m.d.sync += [self.o.valid.eq(0), more.eq(0)]
        with m.Elif(take):
            m.d.sync += [
                self.o.valid.eq(found),
                self.o.payload.eq(first + lane),
                fires.eq(now & ~(1 << lane)),
                more.eq(several(list(now))),
                first_neuron.eq(first),
            ]
        return m

    def _folds(self, m: Module) -> tuple[stream.Interface, Value]:
        """Return the folds of a tick, and whether any waits; several do in a memory, those without
        a spike left out.
        """
        layout, fold = waiting_fold(self.parameters), self.i.payload
        source = stream.Signature(layout).create()
        if self.parameters.folds == 1:
            m.d.comb += [source.valid.eq(self.i.valid), source.payload.fires.eq(fold.fires)]
            return source, source.valid

        # One word of a buffered FIFO is its output register, which a word reaches only after a
        # cycle in the memory: with one word more there is room for every fold at any time.
        m.submodules.folds = folds = ResetInserter(self.clear)(
            fifo.SyncFIFOBuffered(width=layout.size, depth=self.parameters.folds + 1)
        )
        m.d.comb += [
            folds.w_data.eq(Cat(fold.fires, fold.first_neuron)),
            folds.w_en.eq(self.i.valid & fold.fires.any()),
            folds.r_en.eq(source.ready),
            source.payload.eq(folds.r_data),
            source.valid.eq(folds.r_rdy),
        ]
        return source, folds.level != 0
