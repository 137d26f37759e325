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
    the hidden fold that is next did, see :class:`hw.learning.port.HistoryPort`; with ``recall``
    that fold is over, and ``deltas`` is what its neurons are to do: -1, 0 or +1 each. ``end``: the
    tick at which the image ended, K + 1 if it ran out of ticks. ``fired``, ``up``, ``down``: of the
    outputs, see :class:`hw.learning.supervised.rivals.Judge`. ``skip``, ``drawn`` and ``draw``: of
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
    skip: Signal
    drawn: Signal
    draw: Signal
    row: stream.Interface
    word: data.View
    write: Signal
    move: data.View

    def __init__(self, hidden: LayerParameters, output: LayerParameters, rule: Rule):
        self.hidden, self.output, self.rule = hidden, output, rule
        self.tick_bits = bits_for(hidden.silent_tick)
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
                "skip": In(8),
                "drawn": In(32),
                "row": Out(stream.Signature(bits_for(output.layer.fan_in - 1), always_ready=True)),
                "word": In(output.rows.word),
                "move": Out(moves(classes)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: fold by fold, take the lowest neuron that remains; behind that, three stages."""
        m = Module()

        folds, lanes = self.hidden.folds, self.hidden.lanes
        remaining, first_neuron = Signal(lanes), Signal(bits_for((folds - 1) * lanes))
        last = first_neuron == (folds - 1) * lanes
        found, lane = lowest(m, list(remaining))
        busy = self._follow(m, found, lane)

        with m.FSM():
            with m.State("IDLE"), m.If(self.begin):
                m.next = "LOAD"

            with m.State("LOAD"):
                part = Cat(self._takes_part(lane, last) for lane in range(lanes))
                m.d.sync += remaining.eq(part)
                m.next = "TAKE"

            with m.State("TAKE"):
                m.d.comb += [
                    self.row.valid.eq(found),
                    self.row.payload.eq(first_neuron + lane),
                    self.draw.eq(found),
                ]
                m.d.sync += remaining.eq(remaining & ~(Const(1) << lane))

                # The fold is over when the last neuron's delta has left the third stage.
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

    def _takes_part(self, lane: int, last: Value) -> Value:
        """Return whether a neuron of the next fold fired before the end, or nearly fired."""
        in_last = self.hidden.layer.fan_out - (self.hidden.folds - 1) * self.hidden.lanes
        exists = Const(1) if lane < in_last else ~last
        past = self.past[lane]
        return exists & ((past.tick < self.end) | (past.current > -self.rule.reach))

    def _follow(self, m: Module, found: Value, lane: Value) -> Value:
        """Build what happens behind the taking of a neuron, which is stage 0; return whether any
        neuron is still on its way.
        """
        # Stage 1: its tick.
        ticks = Array(self.past[lane].tick for lane in range(self.hidden.lanes))
        valid_1, tick_1, drawn_1 = Signal(), Signal(self.tick_bits), Signal(32)
        lane_1 = Signal.like(lane)
        m.d.sync += [
            valid_1.eq(found),
            tick_1.eq(ticks[lane]),
            drawn_1.eq(self.drawn),
            lane_1.eq(lane),
        ]

        # Stage 2: its row, whose latency is two cycles; so the row is written back here, if it was
        # not skipped.
        classes = self.output.layer.fan_out
        valid_2, near_2, written_2 = Signal(), Signal(), Signal()
        contributed_2, noise_2 = Signal(classes), Signal(self.rule.noise_bits)
        lane_2 = Signal.like(lane)
        earlier = [tick_1 < self.fired[index] for index in range(classes)]
        m.d.sync += [
            valid_2.eq(valid_1),
            near_2.eq(tick_1 >= self.end),
            written_2.eq((tick_1 < self.end) & (drawn_1[24:] >= self.skip)),
            contributed_2.eq(Cat(earlier)),
            noise_2.eq(drawn_1[: self.rule.noise_bits]),
            lane_2.eq(lane_1),
        ]

        m.d.comb += self.write.eq(valid_2 & written_2)
        blame = self._move(m, near_2, contributed_2)

        # Stage 3: its error, rounded at random to a step of -1, 0 or +1.
        valid_3, error_3, noise_3 = Signal(), Signal(blame.shape()), Signal.like(noise_2)
        lane_3 = Signal.like(lane)
        m.d.sync += [
            valid_3.eq(valid_2),
            error_3.eq(blame),
            noise_3.eq(noise_2),
            lane_3.eq(lane_2),
        ]
        with m.If(valid_3):
            m.d.sync += self.deltas[lane_3].eq(self._round(m, error_3, noise_3))
        return valid_1 | valid_2 | valid_3

    def _round(self, m: Module, error: Signal, noise: Signal) -> Value:
        """Return the step of -1, 0 or +1 that an error is with this noise."""
        # An error of e out of 2^noise_bits becomes a step with that probability.
        size, delta = Signal(len(error)), Signal(signed(2))
        m.d.comb += [
            size.eq(Mux(error < 0, -error, error)),
            delta.eq(Mux(noise < size, Mux(error < 0, -1, 1), 0)),
        ]
        return delta

    def _move(self, m: Module, near: Value, contributed: Signal) -> Value:
        """Say what happens to the row of stage 2, and return its neuron's error."""
        terms: list[Value] = []
        for index in range(len(contributed)):
            # A neuron that nearly fired counts as if it had contributed to every output.
            weight, up, down = self.word[index], self.up[index], self.down[index]
            counts = near | contributed[index]

            terms.append(Mux(up & counts, weight, 0) - Mux(down & counts, weight, 0))
            m.d.comb += self.move[index].eq(Mux(contributed[index], Mux(down, -1, up), 0))
        return total(terms)
