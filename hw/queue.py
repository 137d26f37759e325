"""The neurons that fire at a tick, handed out one by one, lowest index first."""

from amaranth.hdl import Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.arithmetic import lowest, several
from hw.neurons import Parameters


class Queue(wiring.Component):
    """Turns folds with a bit per lane into the indices of the bits that are set.

    ``i``: the folds of one tick, lowest neurons first, each taken at once; those of the next tick come when ``pending``
    is low.
    ``o``: the neurons that fire, lowest index first, one per cycle. ``pending``: some are still to come.
    ``clear`` forgets them all; it is the only thing that withdraws a spike already offered.

    Latency: 1 cycle with one fold, 3 with several (they wait in a memory).
    """

    i: stream.Interface
    o: stream.Interface
    clear: Signal
    pending: Signal

    def __init__(self, parameters: Parameters):
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
        """Build: the folds that wait, the fold being handed out, the spike being offered."""
        m = Module()
        fires = Signal(self.parameters.lanes)
        more = Signal()  # fires is not 0: kept in a flip-flop, what waits for a tick's last spike is the slowest path
        first_neuron = Signal.like(self.i.payload.first_neuron)
        take = Signal()
        new_fires, new_first, waiting = self._next_fold(m, take & ~more)

        m.d.comb += take.eq(~self.o.valid | self.o.ready)
        now, first = Signal.like(fires), Signal.like(first_neuron)
        m.d.comb += [
            now.eq(Mux(more, fires, new_fires)),
            first.eq(Mux(more, first_neuron, new_first)),
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

    def _next_fold(self, m: Module, take: Value) -> tuple[Value, Value, Value]:
        """Return the fold that is next (no lane set: none), its first neuron, and whether any fold waits."""
        fold = self.i.payload
        if self.parameters.folds == 1:
            return Mux(self.i.valid, fold.fires, 0), fold.first_neuron, self.i.valid
        lanes = self.parameters.lanes
        # One word of a buffered FIFO is its output register, which a word reaches only after a cycle in the memory.
        m.submodules.waiting = waiting = ResetInserter(self.clear)(
            fifo.SyncFIFOBuffered(width=lanes + len(fold.first_neuron), depth=self.parameters.folds + 1)
        )
        m.d.comb += [
            waiting.w_data.eq(Value.cast(fold.fires) | (fold.first_neuron << lanes)),
            waiting.w_en.eq(self.i.valid & fold.fires.any()),
            waiting.r_en.eq(take),
        ]
        head = Mux(waiting.r_rdy, waiting.r_data[:lanes], 0)
        return head, waiting.r_data[lanes:], waiting.level != 0
