"""Learning in place in hardware, one labelled image at a time: twin of
:mod:`sim.learning.supervised`.
"""

from typing import Any, cast

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.events import lesson
from hw.learning.port import ImagePort, LearnerPort, TeachPort
from hw.learning.supervised.input_weights import SUBMODULE as INPUTS
from hw.learning.supervised.input_weights import InputLesson
from hw.learning.supervised.output_weights import OutputLesson
from hw.learning.supervised.rivals import Judge
from hw.parameters import LayerParameters
from sim.learning import supervised
from sim.network import Network


class Generator(wiring.Component):
    """The random numbers of the rule: ``drawn`` is the next one, used up with ``draw``.

    ``state``: after the last draw. ``set`` replaces it by ``seed``.
    """

    draw: Signal
    drawn: Signal
    state: Signal
    seed: Signal
    set: Signal

    def __init__(self) -> None:
        super().__init__(
            {"draw": In(1), "drawn": Out(32), "state": Out(32), "seed": In(32), "set": In(1)}
        )

    def elaborate(self, platform: object) -> Module:
        """Build: 32 flip-flops; the exclusive ors are the specification's own."""
        m = Module()
        state = Signal(32, init=1)
        m.d.comb += [self.state.eq(state), self.drawn.eq(cast(Any, supervised.step)(state))]
        with m.If(self.set):
            m.d.sync += state.eq(self.seed)
        with m.Elif(self.draw):
            m.d.sync += state.eq(self.drawn)
        return m


class Learner(wiring.Component):
    """Makes a pipeline of two layers learn: one labelled image, one lesson.

    ``hidden`` and ``output``: the layers, see :class:`hw.learning.port.LearnerPort`; ``image``: the
    one that runs, see :class:`hw.learning.port.ImagePort`; ``teach``: the host, see
    :class:`hw.learning.port.TeachPort`.

    A lesson takes a cycle or two if the image teaches nothing; else about one per hidden neuron
    that fired or nearly fired, 5 per hidden fold, and ``folds`` per input row that is taken or one
    if it is skipped.
    """

    hidden: Any
    output: Any
    image: Any
    teach: Any

    def __init__(
        self,
        network: Network,
        rule: supervised.Rule,
        hidden: LayerParameters,
        output: LayerParameters,
    ):
        self.network, self.rule, self.layers = network, rule, (hidden, output)
        super().__init__(
            {
                "hidden": In(LearnerPort(hidden)),
                "output": In(LearnerPort(output)),
                "image": In(ImagePort(network)),
                "teach": In(TeachPort(network)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the lesson that is held, the parts, their order."""
        m = Module()

        image, learnt = self.image, self.image.learnt
        held = self._hold_lesson(m)
        m.submodules.judge = judge = Judge(self.network, self.rule)
        m.submodules.outputs = outputs = OutputLesson(*self.layers, self.rule)
        m.submodules[INPUTS] = inputs = InputLesson(self.layers[0])

        self._connect_lesson(m, held, judge, outputs, inputs)
        self._connect_layers(m, outputs, inputs)
        self._connect_generator(m, outputs, inputs)

        # Judge, output weights, input weights: each needs what the one before has found.
        with m.FSM():
            with m.State("WATCH"), m.If(image.teach):
                end = Mux(judge.ended, image.tick, self.network.last_tick + 1)
                m.d.sync += outputs.end.eq(end)
                m.next = "JUDGE"

            with m.State("JUDGE"):
                m.d.comb += [judge.judge.eq(1), outputs.begin.eq(judge.settled & judge.teaches)]
                with m.If(judge.settled):
                    m.d.sync += learnt.updated.eq(judge.teaches)
                    m.next = "TAUGHT"
                    with m.If(judge.teaches):
                        m.next = "OUTPUTS"

            with m.State("OUTPUTS"):
                m.d.comb += inputs.begin.eq(outputs.done)
                with m.If(outputs.done):
                    m.next = "INPUTS"

            with m.State("INPUTS"), m.If(inputs.done):
                m.next = "TAUGHT"

            with m.State("TAUGHT"):
                m.d.comb += image.taught.eq(1)
                with m.If(image.finish):
                    m.next = "WATCH"

        self._count(m, outputs.write + (inputs.row.valid & inputs.row.ready))
        return m

    def _hold_lesson(self, m: Module) -> data.View:
        """Keep the lesson of the current image, or of the next."""
        image, given = self.image, self.teach.lesson
        held, has_one = Signal(lesson(self.network)), Signal()
        m.d.comb += [image.learns.eq(has_one), given.ready.eq(~has_one & ~image.running)]

        # It stays until its image is over; the image may be broken off before it is learnt.
        with m.If(given.valid & given.ready):
            known = given.payload.label < len(self.network.classes)
            m.d.sync += [held.eq(given.payload), has_one.eq(known)]
        with m.Elif(image.finish):
            m.d.sync += has_one.eq(0)
        return held

    def _connect_lesson(
        self, m: Module, held: data.View, judge: Judge, outputs: OutputLesson, inputs: InputLesson
    ) -> None:
        """Connect the parts to the lesson, to the image, and to each other."""
        image = self.image
        for part in (judge, outputs):
            for index in range(len(self.network.classes)):
                m.d.comb += part.fired[index].eq(self.output.history.past[index].tick)

        m.d.comb += [
            judge.label.eq(held.label),
            judge.tick.eq(image.tick),
            judge.clear.eq(image.finish),
            image.ended.eq(judge.ended),
            outputs.up.eq(judge.up),
            outputs.down.eq(judge.down),
            outputs.skip.eq(held.skip),
            inputs.clear.eq(image.finish),
            inputs.delivered.eq(image.delivered),
            inputs.neuron.eq(image.neuron),
            inputs.tick.eq(image.tick),
            inputs.skip.eq(held.skip),
            inputs.deltas.eq(outputs.deltas),
            inputs.keep.eq(outputs.recall),
        ]

    def _connect_layers(self, m: Module, outputs: OutputLesson, inputs: InputLesson) -> None:
        """Connect the parts to the layers whose rows they move."""
        hidden, output = self.hidden, self.output
        for layer, part in ((hidden, inputs), (output, outputs)):
            m.d.comb += [
                layer.on.eq(self.image.teach),
                layer.write.eq(part.write),
                layer.move.eq(part.move),
                layer.history.now.eq(self.image.now),
            ]

        m.d.comb += [
            outputs.past.eq(hidden.history.past),
            outputs.word.eq(output.word.payload),
            inputs.past.eq(hidden.history.past),
            inputs.word.eq(hidden.word.valid),
            inputs.idle.eq(hidden.idle),
            hidden.history.recall.eq(inputs.recall | outputs.recall),
        ]
        connect(m, inputs.row, flipped(hidden.row))

        # Output rows are taken at once: all outputs have a lane, so a row is one word.
        m.d.comb += [
            output.row.payload.eq(outputs.row.payload),
            output.row.valid.eq(outputs.row.valid),
        ]

    def _connect_generator(self, m: Module, outputs: OutputLesson, inputs: InputLesson) -> None:
        """Connect both parts, which never draw at the same time, to one generator."""
        m.submodules.generator = generator = Generator()
        m.d.comb += [
            outputs.drawn.eq(generator.drawn),
            inputs.drawn.eq(generator.drawn),
            generator.draw.eq(outputs.draw | inputs.draw),
            generator.seed.eq(self.teach.seed),
            generator.set.eq(self.teach.set),
            self.teach.state.eq(generator.state),
        ]

    def _count(self, m: Module, rows: Any) -> None:
        """Count what the lesson of an image does."""
        learnt = self.image.learnt
        # Layers count a cycle after the write: long before ``finish``, as all are at rest then.
        changed = learnt.changed + self.hidden.changed + self.output.changed

        m.d.sync += [learnt.rows.eq(learnt.rows + rows), learnt.changed.eq(changed)]
        with m.If(self.image.finish):
            m.d.sync += learnt.eq(0)
