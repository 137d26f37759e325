"""The simulators that run components, by name."""

from pathlib import Path
from typing import Any

from hw.bench.engine import AmaranthEngine, Engine
from hw.bench.verilated import VerilatedEngine
from sim.errors import InputError
from sim.files import AnyPath

ENGINES = ("amaranth", "verilator")
"""Amaranth's own: no compiler, some thousand cycles per second. Verilator: compiled, and fast."""


def make_engine(name: str, component: Any, vcd: AnyPath | None = None) -> Engine:
    """Return what runs a component.

    :param name: of :data:`ENGINES`.
    :param vcd: where the component's signals are kept; only with ``amaranth``.
    :raises InputError: the engine's tools are missing, or it keeps no signals.
    """
    vcd = None if vcd is None else Path(vcd)
    if name == "amaranth":
        return AmaranthEngine(component, vcd)
    if vcd is not None:
        raise InputError("--vcd: only the Amaranth engine writes one; add --engine amaranth.")
    return VerilatedEngine(component)
