"""Which hidden neurons are to blame, and the output weights: steps 3 and 4 of
:mod:`sim.learning.supervised`.
"""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.arithmetic import lowest, total
from hw.parameters import LayerParameters
from hw.rows import moves
from sim.learning.supervised import Rule


class OutputLesson(wiring.Component):
    """Takes the hidden neurons that fired or nearly fired one after the other, one per cycle.

    ``begin`` starts it, one cycle long; ``done`` says in one cycle that it is over. ``past``: what
    the hidden fold that is next did, see :class:`hw.machine.neurons.Neurons`; with ``recall`` that
    fold is over, and ``deltas`` is what its neurons are to do: -1, 0 or +1 each. ``end``: the tick
    at which the image ended, K + 1 if it ran out of ticks. ``fired``, ``up``, ``down``: of the
    outputs, see :class:`hw.learning.supervised.rivals.Judge`. ``thin``, ``drawn`` and ``draw``: of
    the lesson and the generator; with ``draw`` the number on ``drawn`` is used up.

    ``row``: output rows that are wanted, always taken at once; ``word``: they come, whole, 2 cycles
    later; then ``write`` and ``move`` say what happens to them.
    """

    begin: Signal
    done: Signal
    past: data.View
    recall: Signal
    deltas: data.View
    end: Signal
    fired: data.View
    up: Signal
    down: Signal
    thin: Signal
    drawn: Signal
    draw: Signal
    row: stream.Interface
    word: data.View
    write: Signal
    move: data.View

    def __init__(self, hidden: LayerParameters, output: LayerParameters, rule: Rule):
        assert hidden.silent is not None
        self.hidden, self.output, self.rule = hidden, output, rule
        self.tick_bits = bits_for(hidden.silent)
        classes = output.layer.fan_out
        super().__init__(
            {
                "begin": In(1),
                **{name: Out(1) for name in ("done", "recall", "draw", "write")},
                "past": In(hidden.past),
                "deltas": Out(moves(hidden.lanes)),
                "end": In(self.tick_bits),
                "fired": In(data.ArrayLayout(self.tick_bits, classes)),
                "up": In(classes),
                "down": In(classes),
                "thin": In(8),
                "drawn": In(32),
                "row": Out(stream.Signature(bits_for(output.layer.fan_in - 1), always_ready=True)),
                "word": In(output.rows.word),
                "move": Out(moves(classes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: fold by fold, take the lowest neuron that is left; behind that, three stages."""
        m = Module()
        folds, lanes = self.hidden.folds, self.hidden.lanes
        left, first_neuron = Signal(lanes), Signal(bits_for((folds - 1) * lanes))
        last = first_neuron == (folds - 1) * lanes
        found, lane = lowest(m, list(left))
        busy = self._follow(m, found, lane)
        with m.FSM():
            with m.State("IDLE"), m.If(self.begin):
                m.next = "LOAD"
            with m.State("LOAD"):
                m.d.sync += left.eq(Cat(self._takes_part(m, lane, last) for lane in range(lanes)))
                m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += [
                    self.row.valid.eq(found),
                    self.row.payload.eq(first_neuron + lane),
                    self.draw.eq(found),
                ]
                m.d.sync += left.eq(left & ~(Const(1) << lane))
                with m.If(~found & ~busy):
                    m.d.comb += self.recall.eq(1)
                    m.d.sync += [
                        self.deltas.eq(0),
                        first_neuron.eq(Mux(last, 0, first_neuron + lanes)),
                    ]
                    m.next = "LOAD"
                    with m.If(last):
                        m.d.comb += self.done.eq(1)
                        m.next = "IDLE"
        return m

    def _takes_part(self, m: Module, lane: int, last: Value) -> Value:
        """Return whether a neuron of the fold that is next fired before the end, or nearly fired."""
        in_last = self.hidden.layer.fan_out - (self.hidden.folds - 1) * self.hidden.lanes
        exists = Const(1) if lane < in_last else ~last
        past = self.past[lane]
        return exists & ((past.tick < self.end) | (past.current > -self.rule.reach))

    def _follow(self, m: Module, found: Value, lane: Value) -> Value:
        """Build what happens behind the taking of a neuron; return whether any neuron is still on
        its way.
        """
        # One cycle later its tick is here, two its row, three its error.
        tick, ticks = (
            Signal(self.tick_bits),
            Array(self.past[lane].tick for lane in range(self.hidden.lanes)),
        )
        drawn, lane_1, lane_2, lane_3 = (
            Signal(32),
            Signal.like(lane),
            Signal.like(lane),
            Signal.like(lane),
        )
        near, contributed, noise = (
            Signal(),
            Signal(self.output.layer.fan_out),
            Signal(self.rule.noise_bits),
        )
        taken, here, written, judged = Signal(), Signal(), Signal(), Signal()
        m.d.sync += [taken.eq(found), tick.eq(ticks[lane]), drawn.eq(self.drawn), lane_1.eq(lane)]
        m.d.sync += [
            here.eq(taken),
            near.eq(tick >= self.end),
            written.eq((tick < self.end) & (drawn[24:] >= self.thin)),
            contributed.eq(Cat(tick < self.fired[place] for place in range(len(contributed)))),
            noise.eq(drawn[: self.rule.noise_bits]),
            lane_2.eq(lane_1),
        ]
        blame = self._move(m, near, contributed)
        error, limit = Signal(blame.shape()), Signal.like(noise)
        m.d.comb += self.write.eq(here & written)
        m.d.sync += [judged.eq(here), error.eq(blame), limit.eq(noise), lane_3.eq(lane_2)]
        size, delta = Signal(len(error)), Signal(signed(2))
        m.d.comb += [
            size.eq(Mux(error < 0, -error, error)),
            delta.eq(Mux(limit < size, Mux(error < 0, -1, 1), 0)),
        ]
        with m.If(judged):
            m.d.sync += self.deltas[lane_3].eq(delta)
        return taken | here | judged

    def _move(self, m: Module, near: Value, contributed: Signal) -> Value:
        """Say what happens to the row that is here, and return its neuron's error."""
        terms: list[Value] = []
        for place in range(len(contributed)):
            weight, up, down = self.word[place], self.up[place], self.down[place]
            counts = near | contributed[place]
            terms.append(Mux(up & counts, weight, 0) - Mux(down & counts, weight, 0))
            m.d.comb += self.move[place].eq(Mux(contributed[place], Mux(down, -1, up), 0))
        return total(terms)
