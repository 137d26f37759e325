"""The integer machine in hardware: twin of :mod:`sim.pipeline`."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from hw.broadcast import GROUP
from hw.events import event, lesson, result
from hw.learning.supervised.learner import Learner
from hw.link.words import word_ports
from hw.machine.counters import Counters
from hw.machine.layer import Layer
from hw.machine.neurons import Parameters as LayerParameters
from hw.machine.sequencer import Sequencer
from hw.readouts.first_spike import Decider
from hw.storage.block import Rows, Storage
from hw.storage.flash import flash_members
from sim.errors import InputError
from sim.learning.supervised import Rule, check_learnable
from sim.network import Network

FULL = "full"
"""As many lanes as the widest layer has neurons: an event costs one cycle."""


@dataclass(frozen=True, eq=False)
class Parameters:
    """A ``network`` and how many of its neurons are updated in one cycle.

    :param lanes: of the widest layer, 1..its fan_out, or ``FULL``. Every other layer gets just as
        many lanes as it needs to have no more folds than the widest; so a few suffice for ten
        outputs. With ``rule`` the outputs get a lane each: a lesson looks up the rows of most
        hidden neurons.
    :param rule: it learns, by this rule; None: it does not.
    :param flash_wires: see :class:`hw.storage.flash.FlashStore`.
    :param spram: the layer whose weights lie in SPRAM, where a host loads them; None: all lie in
        block RAM.
    :param logic: the layer whose weights are constants in look-up tables,
    :param flash: in the board's flash; or None.
    :param exchangeable: any weights of the same format may take the place of these; so no width is
        chosen after them, and the network's digest lies in a memory too.
    :param group: see :class:`hw.machine.neurons.Parameters`.
    :raises InputError: lanes is out of range, or the network cannot learn.
    """

    network: Network
    lanes: int | str = FULL
    rule: Rule | None = None
    spram: int | None = None
    logic: int | None = None
    flash: int | None = None
    flash_wires: int = 4
    exchangeable: bool = False
    group: int = GROUP

    def __post_init__(self) -> None:
        if self.rule is not None:
            check_learnable(self.network, 1)
            if any(layer is not None for layer in (self.spram, self.logic, self.flash)):
                raise InputError(
                    "rule: weights that learn lie in block RAM, none of them in SPRAM, logic or flash."
                )
        widest = max(layer.fan_out for layer in self.network.layers)
        if self.lanes == FULL:
            object.__setattr__(self, "lanes", widest)
        if type(self.lanes) is not int or not 1 <= self.lanes <= widest:
            raise InputError(
                f"lanes: must be in 1..{widest} (the widest layer) or '{FULL}', not {self.lanes}."
            )

    @cached_property
    def layers(self) -> tuple[LayerParameters, ...]:
        """The parameters of each layer, with its exact widths; if it learns, those of any weights
        it may come to.
        """
        network, learns = self.network, self.rule is not None
        folds = -(-max(layer.fan_out for layer in network.layers) // int(self.lanes))
        placed = {self.spram: Storage.SPRAM, self.logic: Storage.LOGIC, self.flash: Storage.FLASH}
        found: list[LayerParameters] = []
        for index, layer in enumerate(network.layers):
            output = index == len(network.layers) - 1
            bounds = network.bounds(index, any_weights=learns or self.exchangeable)
            found.append(
                LayerParameters(
                    layer,
                    lanes=layer.fan_out if learns and output else -(-layer.fan_out // folds),
                    ticks_per_unit=network.ticks_per_unit,
                    current=bounds.current,
                    potential=bounds.potential,
                    output=output,
                    silent=network.last_tick + 1 if learns else None,
                    storage=placed.get(index, Storage.BLOCK),
                    flash_wires=self.flash_wires,
                    exchangeable=self.exchangeable,
                    group=self.group,
                )
            )
        return tuple(found)

    @property
    def word_rows(self) -> dict[int, Rows]:
        """The rows of the layers whose words a host can reach, by the layer's index."""
        return {index: layer.rows for index, layer in enumerate(self.layers) if layer.reachable}

    @property
    def observation(self) -> data.StructLayout:
        """Layout of what crosses the boundaries between layers in one cycle, for checks; a board
        leaves it open.

        ``any``: this cycle has something. ``ended``: an image has. ``tick``: the present one. Per
        layer ``delivered`` and ``neuron``: an event goes in. ``advanced`` and ``fold``: a fold of
        the output layer has advanced to this tick.
        """
        most = max(layer.layer.fan_in for layer in self.layers)
        return data.StructLayout(
            {
                "any": 1,
                "ended": 1,
                "tick": bits_for(self.network.last_tick),
                "delivered": len(self.layers),
                "neuron": data.ArrayLayout(bits_for(most - 1), len(self.layers)),
                "advanced": 1,
                "fold": self.layers[-1].fold,
            }
        )


def learning_members(parameters: Parameters) -> dict[str, wiring.Member]:
    """Return the ports that only what learns has."""
    if parameters.rule is None:
        return {}
    lessons = In(stream.Signature(lesson(parameters.network)))
    return {"lesson": lessons, "state": Out(32), "seed": In(32), "set": In(1)}


class Pipeline(wiring.Component):
    """Runs images up to their first output spike: input events in, one result per image out.

    Each tick is a barrier: all layers advance together, then the outputs decide, and only if none
    fires do hidden neurons fire and events of this tick go in. So on a decision nothing of its tick
    has been read; every layer stops in the same cycle, the rest of the image is skipped, and the
    next image may enter. Between the barriers the layers work at the same time.

    ``i``: events of images, each image closed by ``Kind.END``. ``o``: results. ``skip``: the image
    is decided, so its source may go on to its ``Kind.END`` at once; events that come nevertheless
    are passed over, one per cycle. ``dropped`` counts the images broken off by ``Kind.ABORT``,
    modulo 65,536. ``observed``: see ``Parameters``.

    With all lanes a tick costs 2 cycles, 2 more if it has events, and 1 per event of the layer that
    has most; with more lanes than a ``group``, 1 more if it has none, and up to 3 more if it has
    events. A pipeline with a rule learns: ``lesson``, ``state``, ``seed`` and ``set`` as in
    :class:`hw.learning.supervised.learner.Learner`, and ``words`` as in
    :func:`hw.link.words.word_ports`. An image with a lesson runs on past its decision, so more of
    its events are delivered and counted; its decision and tick are those before it. ``flash``: see
    :class:`hw.storage.flash.FlashPort`.
    """

    i: stream.Interface
    o: stream.Interface
    skip: Signal
    dropped: Signal
    observed: data.View
    lesson: stream.Interface
    state: Signal
    seed: Signal
    set: Signal
    words: Any
    flash: Any

    def __init__(self, parameters: Parameters):
        self.parameters = parameters
        super().__init__(
            {
                "i": In(stream.Signature(event(parameters.network))),
                "o": Out(stream.Signature(result(parameters.network, parameters.rule is not None))),
                "skip": Out(1),
                "dropped": Out(16),
                "observed": Out(parameters.observation),
                "words": In(word_ports(parameters.word_rows)),
                **flash_members(parameters.flash),
                **learning_members(parameters),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the layers and the decider, and the sequence of an image."""
        m = Module()
        layers = [Layer(parameters) for parameters in self.parameters.layers]
        for index, layer in enumerate(layers):
            m.submodules[f"layer_{index}"] = layer
            if layer.parameters.reachable:
                connect(m, flipped(getattr(self.words, f"layer_{index}")), layer.words)
            if index == self.parameters.flash:
                connect(m, layer.flash, flipped(self.flash))
        m.submodules.decider = decider = Decider(self.parameters.layers[-1])
        connect(m, layers[-1].o, decider.i)
        network, learns = self.parameters.network, self.parameters.rule is not None
        m.submodules.sequencer = sequencer = Sequencer(network, learns)
        m.submodules.counters = counters = Counters(network, learns)
        connect(m, flipped(self.i), sequencer.i)
        connect(m, sequencer.o, counters.i)
        connect(m, counters.o, flipped(self.o))
        connect(m, decider.o, sequencer.verdict)
        connect(m, sequencer.event, layers[0].i)
        for before, after in pairwise(layers):
            m.d.comb += [
                after.i.payload.eq(before.o.payload),
                after.i.valid.eq(before.o.valid & sequencer.deliver),
                before.o.ready.eq(after.i.ready & sequencer.deliver),
            ]
        for index, layer in enumerate(layers):
            m.d.comb += [
                layer.advance.eq(sequencer.advance),
                layer.clear.eq(sequencer.clear),
                self.observed.delivered[index].eq(layer.i.valid & layer.i.ready),
                self.observed.neuron[index].eq(layer.i.payload),
            ]
        m.d.comb += [
            sequencer.winner.eq(decider.winner),
            sequencer.busy.eq(Cat(layer.busy for layer in layers).any()),
            sequencer.pending.eq(Cat(layer.pending for layer in layers).any()),
            counters.running.eq(sequencer.running),
            counters.rejected.eq(sequencer.rejected),
            counters.delivered.eq(self.observed.delivered),
            self.skip.eq(sequencer.skip),
            self.dropped.eq(counters.dropped),
            self.observed.any.eq(
                self.observed.delivered.any() | layers[-1].o.valid | self.observed.ended
            ),
            self.observed.tick.eq(sequencer.tick),
            self.observed.ended.eq(sequencer.o.valid & sequencer.o.ready),
            self.observed.advanced.eq(layers[-1].o.valid),
            self.observed.fold.eq(layers[-1].o.payload),
        ]
        if self.parameters.rule is not None:
            self._teach(m, self.parameters.rule, layers, sequencer, counters)
        return m

    def _teach(
        self, m: Module, rule: Rule, layers: list[Layer], sequencer: Sequencer, counters: Counters
    ) -> None:
        """Build the learner between the layers."""
        m.submodules.learner = learner = Learner(
            self.parameters.network, rule, *self.parameters.layers
        )
        connect(m, flipped(self.lesson), learner.lesson)
        connect(m, learner.hidden, layers[0].lesson)
        connect(m, learner.output, layers[1].lesson)
        m.d.comb += [
            *(layer.now.eq(sequencer.tick + sequencer.advance) for layer in layers),
            learner.running.eq(sequencer.running),
            learner.finish.eq(self.observed.ended),
            learner.delivered.eq(self.observed.delivered[0]),
            learner.neuron.eq(layers[0].i.payload),
            learner.tick.eq(sequencer.tick),
            sequencer.learns.eq(learner.learns),
            sequencer.ended.eq(learner.ended),
            learner.teach.eq(sequencer.teach),
            sequencer.taught.eq(learner.taught),
            counters.learnt.eq(learner.learnt),
            self.state.eq(learner.state),
            learner.seed.eq(self.seed),
            learner.set.eq(self.set),
        ]
