"""What a learner exchanges with the layers, with the steps of an image, and with a host."""

from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.events import learnt, lesson
from hw.parameters import LayerParameters
from hw.rows import moves
from sim.network import Network


class HistoryPort(wiring.Signature):
    """What neurons that learn exchange with a learner; from the neurons' side.

    ``now``: the tick that an ``advance`` reaches, remembered by the neurons that fire at it.
    ``past``: what the fold that is next did. ``recall``: go on to the fold after it; nothing else
    changes.
    """

    def __init__(self, layer: LayerParameters):
        super().__init__(
            {"now": In(bits_for(layer.silent_tick)), "recall": In(1), "past": Out(layer.past)}
        )


class LearnerPort(wiring.Signature):
    """What a layer and a learner exchange; from the layer's side.

    ``on``: rows are for the learner, currents stay as they are. ``row``: the rows it asks for;
    ``word``: theirs, in order. ``idle``: no row is on its way. ``write``, ``move`` and ``changed``
    as in :class:`hw.storage.writable.WritableStore`. ``history``: of the layer's neurons.
    """

    def __init__(self, layer: LayerParameters):
        super().__init__(
            {
                "on": In(1),
                "row": In(stream.Signature(bits_for(layer.layer.fan_in - 1))),
                "word": Out(stream.Signature(layer.rows.word, always_ready=True)),
                "idle": Out(1),
                "write": In(1),
                "move": In(moves(layer.lanes)),
                "changed": Out(range(layer.lanes + 1)),
                "history": Out(HistoryPort(layer)),
            }
        )


class ImagePort(wiring.Signature):
    """What a learner sees of the image that runs, and says about it; from the machine's side.

    ``running``: there is one. ``tick``: the current one; ``now``: the one that an advance in this
    cycle reaches. ``delivered``: an event of input ``neuron`` goes in. ``finish``: the result is
    taken, and the image is over.

    ``learns``: the image has a lesson, so it runs on past its decision. ``ended``: it may stop,
    valid from the cycle after a tick began. Then ``teach`` is high, with all layers at rest, until
    ``taught``; ``learnt`` then is what the lesson did.
    """

    def __init__(self, network: Network):
        tick = bits_for(network.last_tick)

        super().__init__(
            {
                "running": Out(1),
                "tick": Out(tick),
                "now": Out(tick),
                "delivered": Out(1),
                "neuron": Out(bits_for(network.encoder.inputs - 1)),
                "finish": Out(1),
                "learns": In(1),
                "ended": In(1),
                "teach": Out(1),
                "taught": In(1),
                "learnt": In(learnt(network)),
            }
        )


class TeachPort(wiring.Signature):
    """How a host teaches; from the host's side.

    ``lesson``: makes the next image one to learn; taken while no image runs, at most one before
    each image, and a label out of range is ignored. ``state``: of the random generator; ``set``
    replaces it by ``seed``.
    """

    def __init__(self, network: Network):
        super().__init__(
            {
                "lesson": Out(stream.Signature(lesson(network))),
                "state": In(32),
                "seed": Out(32),
                "set": Out(1),
            }
        )
