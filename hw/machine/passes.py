"""When neurons that nobody asks before a certain tick are asked, and in which folds."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from hw.machine.state import memory_attributes
from hw.parameters import LayerParameters


class Passes(wiring.Component):
    """The passes of a layer through its folds: one for each tick of its window, or, of outputs that
    only sum, one at the last tick.

    ``advance``: the next tick begins. ``left``: the ticks that remain up to the first pass.
    ``ask``: the ``fold`` is to be read in this cycle and asked in the next one; ``opening``: in the
    first pass. ``reached`` comes a cycle after ``ask``: some neuron of the fold may fire at one of
    the ticks. All folds are in the first pass, lowest first; in later ones only those of which that
    was said. ``busy``: the pass is not over. ``clear`` begins an image.

    With one fold ``ask`` comes in the cycle of ``advance``, with several three cycles later, one
    per cycle.
    """

    advance: Signal
    clear: Signal
    reached: Signal
    left: Signal
    ask: Signal
    opening: Signal
    fold: Signal
    busy: Signal

    def __init__(self, parameters: LayerParameters):
        self.parameters = parameters
        window = parameters.layer.neuron.window
        self.end, self.count = window or (parameters.last_tick, 1)
        super().__init__(
            {
                "advance": In(1),
                "clear": In(1),
                "reached": In(1),
                "left": Out(range(self.end + 2)),
                "ask": Out(1),
                "opening": Out(1),
                "fold": Out(range(parameters.folds)),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the ticks, and the folds of a pass."""
        m = Module()

        # ``again``: the passes that remain after the first one.
        again = Signal(range(self.count))
        opens, repeats = Signal(), Signal()
        m.d.comb += [
            opens.eq(self.advance & (self.left == 1)),
            repeats.eq(self.advance & (self.left == 0) & (again != 0)),
        ]
        with m.If(self.clear):
            m.d.sync += [
                self.left.eq(self.end + self.parameters.eager),
                again.eq(self.count - 1),
            ]
        with m.Elif(self.advance):
            m.d.sync += [self.left.eq(self.left - (self.left != 0)), again.eq(again - repeats)]

        if self.parameters.folds == 1:
            m.d.comb += [self.ask.eq(opens | repeats), self.opening.eq(opens)]
        else:
            self._visit(m, platform, opens, repeats)
        return m

    def _visit(self, m: Module, platform: object, opens: Value, repeats: Value) -> None:
        """Build the counter of a pass, and the list of the folds in which a neuron may fire."""
        folds = self.parameters.folds
        position, reading, length = Signal(range(folds)), Signal(), Signal(range(folds + 1))

        # Stage -1: a position in the list, which in the first pass is the fold itself.
        with m.If(self.advance):
            m.d.sync += [self.opening.eq(opens), position.eq(0)]
        with m.Elif(reading):
            m.d.sync += position.eq(position + 1)
        with m.If(self.clear):
            m.d.sync += reading.eq(0)
        with m.Elif(self.advance):
            m.d.sync += reading.eq(opens | (repeats & (length != 0)))
        with m.Elif(position == Mux(self.opening, folds, length) - 1):
            m.d.sync += reading.eq(0)

        # Stage 0: the fold.
        position_0, fold_1, ask_1 = Signal.like(position), Signal.like(self.fold), Signal()
        m.d.sync += [
            self.ask.eq(reading & ~self.clear),
            position_0.eq(position),
            fold_1.eq(self.fold),
            ask_1.eq(self.ask & self.opening & ~self.clear),
        ]
        m.d.comb += [self.fold.eq(position_0), self.busy.eq(reading | self.ask)]
        if self.count == 1:
            return

        self._visit_again(m, platform, position, length, (ask_1 & self.reached, fold_1))

    def _visit_again(
        self,
        m: Module,
        platform: object,
        position: Value,
        length: Signal,
        reached_1: tuple[Value, Value],
    ) -> None:
        """Build the list of the folds in which a neuron may fire.

        :param position: in the list, of the fold that is visited in the following cycle.
        :param length: of the list.
        :param reached_1: whether a fold is added to it in this cycle, and which.
        """
        (write, fold), folds, bits = reached_1, self.parameters.folds, len(self.fold)

        # The list ascends, so of the folds' top bit it is enough to know how many of them lack it:
        # 288 folds then fit into words of 8 bits.
        lower, upper_0 = Signal.like(length), Signal()
        m.submodules.list = visited = memory.Memory(
            shape=max(bits - 1, 1),
            depth=folds,
            init=[],
            attrs=memory_attributes(platform, folds),
        )
        reader, writer = visited.read_port(), visited.write_port()
        m.d.comb += [
            reader.addr.eq(position),
            writer.addr.eq(length),
            writer.data.eq(fold),
            writer.en.eq(write),
        ]
        m.d.sync += upper_0.eq(position >= lower)

        with m.If(self.clear):
            m.d.sync += [length.eq(0), lower.eq(0)]
        with m.Elif(write):
            m.d.sync += length.eq(length + 1)
            with m.If(~fold[-1]):
                m.d.sync += lower.eq(length + 1)
        with m.If(~self.opening):
            m.d.comb += self.fold.eq(Cat(reader.data[: bits - 1], upper_0))
