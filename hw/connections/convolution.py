"""Which words and folds the events of a convolution look up: twin of
:mod:`sim.connections.convolution`.
"""

from typing import Any, NamedTuple

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.utils import bits_for

from hw.arithmetic import quotient, times
from hw.rows import Rows, visit_ports


class Seen(NamedTuple):
    """From which outputs an input coordinate is seen, of one axis.

    :param first: the lowest output coordinate.
    :param element: the element of the kernel that covers the input there.
    :param number: of outputs; each further one covers it a stride of elements earlier. It may be 0.
    """

    first: int
    element: int
    number: int


def seen_from(rows: Rows, axis: int) -> list[Seen]:
    """Return what each input coordinate of an axis (0: y, 1: x) is seen from."""
    connection: Any = rows.layer.connection

    found: list[Seen] = []
    for coordinate in range(connection.input[axis]):
        seen = connection.covering(coordinate, axis)
        element = coordinate + connection.padding - seen.start * connection.stride
        found.append(Seen(seen.start, element, len(seen)) if seen else Seen(0, 0, 0))
    return found


class Start(NamedTuple):
    """Where an event begins: its first word and fold, and from how many rows and columns of outputs
    it is seen; ``any``: from one or more.
    """

    word: Signal
    fold: Signal
    rows: Signal
    columns: Signal
    any: Signal


class ConvolutionVisits(wiring.Component):
    """Gives, for each event, the words that it looks up and the folds that they are for.

    ``i``: indices of input neurons; an event may be seen from no output. ``o``: visits, see
    :func:`hw.rows.visit`, by ascending folds. ``idle``: no event is on its way.

    Throughput: one visit per cycle, also from event to event; one cycle more where an event begins
    with the fold that the one before it ended with, so that no fold comes twice in two following
    cycles. Events seen from no output take a cycle each. Latency: 4 cycles.

    Where an event begins follows from two small tables, of y and of x; from there on the output
    moves by one, and the element of the kernel back by a stride.

    :param rows: the rows of the layer.
    """

    i: stream.Interface
    o: stream.Interface
    idle: Signal

    def __init__(self, rows: Rows):
        self.rows = rows
        super().__init__(visit_ports(rows))

    def elaborate(self, platform: object) -> Module:
        """Build: three stages from an index to where it begins, and the steps from there."""
        m = Module()

        # Each stage takes an event when it is empty, or hands its own on in this cycle.
        valid = [Signal(name=f"valid_{stage}") for stage in range(1, 4)]
        free = [Signal(name=f"free_{stage}") for stage in range(1, 5)]
        m.d.comb += [
            here.eq(~full | after) for here, full, after in zip(free, valid, free[1:], strict=False)
        ]
        m.d.comb += self.i.ready.eq(free[0])
        for full, before, here in zip(valid, [self.i.valid, *valid], free, strict=False):
            with m.If(here):
                m.d.sync += full.eq(before)

        pixel_1, channel_1 = self._split(
            m, "1", free[0], self.i.payload, self._connection.input[2], self.rows.layer.fan_in
        )
        height, width, _ = self._connection.input
        y_2, x_2 = self._split(m, "2", free[1], pixel_1, width, height * width)
        channel_2 = Signal.like(channel_1, name="channel_2")
        with m.If(free[1]):
            m.d.sync += channel_2.eq(channel_1)
        start_3 = self._start(m, free[2], y_2, x_2, channel_2)

        m.d.comb += self.idle.eq(~Cat(valid).any() & ~self.o.valid)
        self._step(m, valid[2], start_3, free[3])
        return m

    @property
    def _connection(self) -> Any:
        return self.rows.layer.connection

    def _split(
        self, m: Module, stage: str, free: Value, value: Value, divisor: int, limit: int
    ) -> tuple[Value, Value]:
        """Return quotient and remainder of a value below ``limit``, in registers of a stage."""
        high = Signal(bits_for((limit - 1) // divisor), name=f"quotient_{stage}")
        low = Signal(bits_for(divisor - 1), name=f"remainder_{stage}")

        whole = quotient(value, divisor, limit)
        with m.If(free):
            m.d.sync += [high.eq(whole), low.eq(value - times(whole, divisor))]
        return high, low

    def _start(self, m: Module, free: Value, y: Value, x: Value, channel: Value) -> Start:
        """Return where the event of a pixel and channel begins, in registers."""
        rows, connection = self.rows, self._connection
        height, width = connection.kernel
        folds = rows.folds_per_position
        _, output_width, _ = connection.output

        # Of an element of the kernel, and of an output: words and folds to the next one below it.
        by_y = self._look_up(seen_from(rows, 0), y, width * folds, output_width * folds)
        by_x = self._look_up(seen_from(rows, 1), x, folds, folds)

        start = Start(
            Signal(range(rows.depth), name="word_3"),
            Signal(range(rows.folds), name="fold_3"),
            Signal.like(by_y.number, name="rows_3"),
            Signal.like(by_x.number, name="columns_3"),
            Signal(name="any_3"),
        )
        with m.If(free):
            m.d.sync += [
                start.word.eq(times(channel, height * width * folds) + by_y.element + by_x.element),
                start.fold.eq(by_y.first + by_x.first),
                start.rows.eq(by_y.number),
                start.columns.eq(by_x.number),
                start.any.eq(by_y.number.any() & by_x.number.any()),
            ]
        return start

    def _look_up(self, table: list[Seen], index: Value, words: int, folds: int) -> Any:
        """Return the entry of a table, ``first`` in folds and ``element`` in words."""
        scaled = [Seen(each.first * folds, each.element * words, each.number) for each in table]
        columns = [Array(_constants(list(column)))[index] for column in zip(*scaled, strict=True)]
        return _Entry(*columns)

    def _step(self, m: Module, valid: Value, start: Start, free: Value) -> None:
        """Give the visits of one event after the other.

        :param valid: an event is there, and begins at ``start``.
        :param free: it is taken in this cycle.
        """
        folds, beat = self.rows.folds_per_position, self.o.payload

        # What remains: words of this position, outputs of this row, rows of outputs.
        words = Signal(range(folds))
        columns, lines = Signal.like(start.columns), Signal.like(start.rows)

        moves, ends, clash, load = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            moves.eq(self.o.valid & self.o.ready),
            ends.eq(moves & (words == 0) & (columns == 0) & (lines == 0)),
            # Nobody can read a fold's state in the cycle in which it is written.
            clash.eq(self.o.valid & (beat.fold == start.fold)),
            load.eq(valid & start.any & (~self.o.valid | ends) & ~clash),
            free.eq(load | ~valid | ~start.any),
        ]

        # Where the row of outputs began, and how many of them there are after its first one.
        line, others = Signal.like(beat), Signal.like(start.columns)
        with m.If(load):
            m.d.sync += [
                beat.word.eq(start.word),
                beat.fold.eq(start.fold),
                line.word.eq(start.word),
                line.fold.eq(start.fold),
                words.eq(folds - 1),
                columns.eq(start.columns - 1),
                others.eq(start.columns - 1),
                lines.eq(start.rows - 1),
                self.o.valid.eq(1),
            ]
        with m.Elif(moves):
            m.d.sync += words.eq(Mux(words == 0, folds - 1, words - 1))
            self._move(m, words == 0, (words == 0) & (columns == 0), line)
            with m.If(words == 0):
                m.d.sync += columns.eq(Mux(columns == 0, others, columns - 1))
                with m.If(columns == 0):
                    m.d.sync += [lines.eq(lines - 1), self.o.valid.eq(lines != 0)]

    def _move(self, m: Module, next_output: Value, next_line: Value, line: data.View) -> None:
        """Move on by one word.

        :param next_output: it is that of another output.
        :param next_line: which is the first one of the next row.
        :param line: the visit that this row of outputs began with.
        """
        connection, folds, beat = self._connection, self.rows.folds_per_position, self.o.payload
        _, kernel_width = connection.kernel
        _, output_width, _ = connection.output

        # The folds of a row of outputs follow each other. Their elements do not: from the last word
        # of one, back to the first word of the one that is a stride before it.
        back = 1 - (connection.stride + 1) * folds
        m.d.sync += [
            beat.word.eq(beat.word + Mux(next_output, back, 1)),
            beat.fold.eq(beat.fold + 1),
        ]

        below = Signal.like(beat)
        m.d.comb += [
            below.word.eq(line.word - connection.stride * kernel_width * folds),
            below.fold.eq(line.fold + output_width * folds),
        ]
        with m.If(next_line):
            m.d.sync += [beat.eq(below), line.eq(below)]


class _Entry(NamedTuple):
    """A :class:`Seen` in hardware, scaled."""

    first: Value
    element: Value
    number: Value


def _constants(values: list[int]) -> list[Value]:
    """Return constants of equal width."""
    bits = bits_for(max(values))
    return [Const(value, bits) for value in values]
