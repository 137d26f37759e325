"""Logic of the whole pipeline, 784-600-10 and 8 bits, after synthesis for both families, compared
with tinyODIN's.

Once without a learner, and once with it, whose widths are those of any weights it may learn.

Weight memories are left out on both sides: tinyODIN's 256 x 256 synapses and ours are stored in
block RAM or off the chip.

With --leaky also for leaky neurons of the same weights without a synaptic current, whose spikes put
them to 0: one word of state, and one shift.

example: python benchmarks/logic.py --lanes 16 --json
"""

import argparse
import json
import re
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from cycles import random_machine
from rich.console import Console
from rich.table import Table

from hw.flow.selections import SEPARATE
from hw.machine.pipeline import Pipeline
from hw.parameters import MachineParameters
from hw.tools import find_tool
from hw.verilog import to_rtlil
from sim.console import run_command
from sim.errors import InputError
from sim.learning.schedule import default_rule
from sim.network import Network
from sim.neuron import Neuron

TINY_ODIN = {"ice40": 2202, "ecp5": 2809}
"""LUT4 of the smallest public core, synthesised by us with the same tools; carry cells and RAM
cells counted in.
"""

SCRIPT = (
    f"read_rtlil top.il; setparam -set COLLISION_X_MASK 1'1 {' '.join(SEPARATE)}; "
    "blackbox *.words; synth_{family} -top top; tee -q -o cells.json stat -json"
)


def logic(parameters: MachineParameters, family: str) -> dict[str, Any]:
    """Return the cells of the pipeline without weight memories; ``luts`` counts all that takes up a
    LUT4.
    """
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "top.il").write_text(to_rtlil(Pipeline(parameters)))
        command = [find_tool("yosys"), "-q", "-p", SCRIPT.format(family=family)]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"yosys: fails ({done.stderr[-300:]}); report this as a bug.")
        stat = json.loads((Path(scratch) / "cells.json").read_text())

    # LUT4 that a cell takes up: two in a carry cell of ECP5, six in its distributed RAM
    cells = stat["design"]["num_cells_by_type"]
    in_luts = {"LUT4": 1, "SB_LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6}
    flip_flops = sum(count for cell, count in cells.items() if re.match("SB_DFF|TRELLIS_FF", cell))
    luts = sum(weight * cells.get(cell, 0) for cell, weight in in_luts.items())

    return {
        "family": family,
        "learns": parameters.rule is not None,
        "luts": luts,
        "flip_flops": flip_flops,
        "tiny_odin_luts": TINY_ODIN[family],
        "cells": cells,
    }


def leaky(network: Network) -> Network:
    """Return the network with leaky neurons: b = 240, a = 0, reset ``zero``."""
    layers = tuple(
        replace(layer, neuron=Neuron(layer.threshold, 240, 0, "zero", ramp=False))
        for layer in network.layers
    )
    return replace(network, layers=layers)


def main() -> int:
    """Synthesise and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--lanes", type=int, default=16, metavar="N", help="of the widest layer (16)"
    )
    parser.add_argument("--leaky", action="store_true", help="leaky neurons too")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    network = random_machine()
    machines = [("ramp", network, None), ("ramp", network, default_rule(network))]
    if arguments.leaky:
        machines.append(("leaky", leaky(network), None))
    rows = [
        {"neuron": name} | logic(MachineParameters(each, arguments.lanes, rule), family)
        for family in TINY_ODIN
        for name, each, rule in machines
    ]

    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0

    names = ("family", "neuron", "learns", "luts", "flip_flops", "tiny_odin_luts")
    table = Table("family", "neuron", "learns", "LUT4", "flip-flops", "tinyODIN LUT4")
    for row in rows:
        table.add_row(*(str(row[name]) for name in names))
    Console().print(table)
    return 0


if __name__ == "__main__":
    run_command(main)
