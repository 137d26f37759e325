"""What a layer and its learner exchange."""

from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.parameters import LayerParameters
from hw.rows import moves


def learner_port(parameters: LayerParameters) -> wiring.Signature:
    """Return what a layer and its learner tell each other, as seen from the layer.

    ``on``: rows are for the learner, currents stay as they are. ``row``: the rows it asks for;
    ``word``: theirs, in order. ``idle``: no row is on its way. ``write``, ``move`` and ``changed``
    as in :class:`hw.storage.writable.WritableStore`, ``recall`` and ``past`` as in
    :class:`hw.machine.neurons.Neurons`.
    """
    return wiring.Signature(
        {
            "on": In(1),
            "row": In(stream.Signature(bits_for(parameters.layer.fan_in - 1))),
            "word": Out(stream.Signature(parameters.rows.word, always_ready=True)),
            "move": In(moves(parameters.lanes)),
            "write": In(1),
            "changed": Out(range(parameters.lanes + 1)),
            "recall": In(1),
            "past": Out(parameters.past),
            "idle": Out(1),
        }
    )
