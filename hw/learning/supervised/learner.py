"""Learning in place in hardware, one labelled image at a time: twin of
:mod:`sim.learning.supervised`.
"""

from typing import Any, cast

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from hw.events import learnt, lesson
from hw.learning.port import learner_port
from hw.learning.supervised.input_weights import InputLesson
from hw.learning.supervised.output_weights import OutputLesson
from hw.learning.supervised.rivals import Judge
from hw.parameters import LayerParameters
from sim.learning import supervised as learn
from sim.network import Network


class Generator(wiring.Component):
    """The random numbers of the rule: ``drawn`` is the next one, used up with ``draw``.

    ``state``: after the last draw. ``set`` puts ``seed`` in its place.
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
        m.d.comb += [self.state.eq(state), self.drawn.eq(cast(Any, learn.step)(state))]
        with m.If(self.set):
            m.d.sync += state.eq(self.seed)
        with m.Elif(self.draw):
            m.d.sync += state.eq(self.drawn)
        return m


class Learner(wiring.Component):
    """Makes a pipeline of two layers learn: one labelled image, one lesson.

    ``lesson``: makes the next image one to learn; taken while no image is ``running``, at most one
    before each image, and a label out of range is none. ``finish``: the image's result is taken,
    and it is over.

    While the image is watched: ``delivered``, an event of input ``neuron`` goes in at ``tick``;
    ``learns``: the image has a lesson; ``ended``: it may stop now, right from the cycle after a
    tick began. Then ``teach`` high, with all layers at rest, gives the lesson, until ``taught``;
    ``learnt`` then says what it did. ``hidden`` and ``output``: the layers, see
    :func:`hw.learning.port.learner_port`. ``state``, ``seed`` and ``set``: of the :class:`Generator`.

    A lesson takes a cycle or two if the image teaches nothing; else about one per hidden neuron
    that fired or nearly fired, 5 per hidden fold, and ``folds`` per input row that is taken or one
    if it is not.
    """

    hidden: Any
    output: Any
    lesson: stream.Interface
    running: Signal
    finish: Signal
    delivered: Signal
    neuron: Signal
    tick: Signal
    learns: Signal
    ended: Signal
    teach: Signal
    taught: Signal
    learnt: data.View
    state: Signal
    seed: Signal
    set: Signal

    def __init__(
        self, network: Network, rule: learn.Rule, hidden: LayerParameters, output: LayerParameters
    ):
        assert hidden.silent is not None
        self.network, self.rule, self.layers = network, rule, (hidden, output)
        super().__init__(
            {
                "hidden": In(learner_port(hidden)),
                "output": In(learner_port(output)),
                "lesson": In(stream.Signature(lesson(network))),
                **{name: In(1) for name in ("running", "finish", "delivered", "teach", "set")},
                **{name: Out(1) for name in ("learns", "ended", "taught")},
                "neuron": In(bits_for(network.encoder.inputs - 1)),
                "tick": In(bits_for(network.last_tick)),
                "learnt": Out(learnt(network)),
                "state": Out(32),
                "seed": In(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the lesson that is held, the parts, their order."""
        m = Module()
        held = self._hold(m)
        m.submodules.judge = judge = Judge(self.network, self.rule)
        m.submodules.outputs = outputs = OutputLesson(*self.layers, self.rule)
        m.submodules.inputs = inputs = InputLesson(self.layers[0])
        self._connect(m, held, judge, outputs, inputs)
        with m.FSM():
            with m.State("WATCH"), m.If(self.teach):
                m.d.sync += outputs.end.eq(Mux(judge.ended, self.tick, self.network.last_tick + 1))
                m.next = "JUDGE"
            with m.State("JUDGE"):
                m.d.comb += [judge.judge.eq(1), outputs.begin.eq(judge.settled & judge.teaches)]
                with m.If(judge.settled):
                    m.d.sync += self.learnt.updated.eq(judge.teaches)
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
                m.d.comb += self.taught.eq(1)
                with m.If(self.finish):
                    m.next = "WATCH"
        rows = self.learnt.rows + outputs.write + (inputs.row.valid & inputs.row.ready)
        m.d.sync += [
            self.learnt.rows.eq(rows),
            self.learnt.changed.eq(self.learnt.changed + self.hidden.changed + self.output.changed),
        ]
        with m.If(self.finish):
            m.d.sync += self.learnt.eq(0)
        return m

    def _hold(self, m: Module) -> data.View:
        """Keep the lesson of the present image, or of the next."""
        held, has_one = Signal(lesson(self.network)), Signal()
        m.d.comb += [self.learns.eq(has_one), self.lesson.ready.eq(~has_one & ~self.running)]
        with m.If(self.lesson.valid & self.lesson.ready):
            known = self.lesson.payload.label < len(self.network.classes)
            m.d.sync += [held.eq(self.lesson.payload), has_one.eq(known)]
        with m.Elif(self.finish):
            m.d.sync += has_one.eq(0)
        return held

    def _connect(
        self, m: Module, held: data.View, judge: Judge, outputs: OutputLesson, inputs: InputLesson
    ) -> None:
        """Connect the parts to the layers and to one generator."""
        m.submodules.generator = generator = Generator()
        fired = [self.output.past[place].tick for place in range(len(self.network.classes))]
        m.d.comb += [
            *(
                part.fired[place].eq(tick)
                for part in (judge, outputs)
                for place, tick in enumerate(fired)
            ),
            judge.label.eq(held.label),
            judge.tick.eq(self.tick),
            judge.clear.eq(self.finish),
            self.ended.eq(judge.ended),
            outputs.up.eq(judge.up),
            outputs.down.eq(judge.down),
            outputs.past.eq(self.hidden.past),
            outputs.word.eq(self.output.word.payload),
            inputs.clear.eq(self.finish),
            inputs.delivered.eq(self.delivered),
            inputs.neuron.eq(self.neuron),
            inputs.tick.eq(self.tick),
            inputs.past.eq(self.hidden.past),
            inputs.deltas.eq(outputs.deltas),
            inputs.keep.eq(outputs.recall),
            inputs.word.eq(self.hidden.word.valid),
            inputs.idle.eq(self.hidden.idle),
            *(part.thin.eq(held.thin) for part in (outputs, inputs)),
            *(part.drawn.eq(generator.drawn) for part in (outputs, inputs)),
            generator.draw.eq(outputs.draw | inputs.draw),
            generator.seed.eq(self.seed),
            generator.set.eq(self.set),
            self.state.eq(generator.state),
        ]
        asked = self.output.row  # ready at once: all outputs have a lane
        m.d.comb += [asked.payload.eq(outputs.row.payload), asked.valid.eq(outputs.row.valid)]
        connect(m, inputs.row, flipped(self.hidden.row))
        for layer, part in ((self.hidden, inputs), (self.output, outputs)):
            m.d.comb += [
                layer.on.eq(self.teach),
                layer.write.eq(part.write),
                layer.move.eq(part.move),
            ]
        m.d.comb += self.hidden.recall.eq(inputs.recall | outputs.recall)
