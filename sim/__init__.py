"""The integer machine in NumPy: the specification that training and hardware are compared with.

Begin with :mod:`sim.pipeline`, one sample step by step, and :mod:`sim.network`, what a network is.
``sim.load`` reads a network, ``sim.run`` runs one sample, ``sim.run_batch`` many of them, and
``sim.Report`` says how good the answers are; each is imported when it is first used.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "Report": ("sim.report.report", "Report"),
    "load": ("sim.file", "load"),
    "run": ("sim.pipeline", "run"),
    "run_batch": ("sim.batch", "run"),
}

__all__ = ["Report", "load", "run", "run_batch"]

Report: Any
load: Any
run: Any
run_batch: Any


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, member = _HOME[name]
    return getattr(import_module(module), member)
