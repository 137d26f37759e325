"""Learning in place, named as in :mod:`sim.learning`, and the table of its circuits."""

from collections.abc import Mapping
from typing import Any

from hw.learning.supervised.learner import Learner
from sim.learning import supervised

SUBMODULE = "learner"
"""Name of the learner in the netlist; synthesis selects memories by it."""

LEARNERS: Mapping[type, Any] = {supervised.Rule: Learner}
"""The circuit of a rule, by the rule's class; made from the network, the rule, and the layers."""
