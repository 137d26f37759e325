"""What a host reaches inside the machine, beside images and results."""

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from hw.learning.port import TeachPort
from hw.parameters import MachineParameters
from hw.rows import NOTHING, word_ports


class HostPort(wiring.Signature):
    """How a host reaches weights and learner; from the host's side.

    ``words``: a :class:`hw.rows.WordPort` for each layer whose weights it can read and write,
    ``layer_0``, ... ``teach``: a :class:`hw.learning.port.TeachPort`, empty if the machine does not
    learn.
    """

    def __init__(self, parameters: MachineParameters):
        teach = TeachPort(parameters.network) if parameters.learns else NOTHING
        super().__init__({"words": Out(word_ports(parameters.word_rows)), "teach": Out(teach)})
