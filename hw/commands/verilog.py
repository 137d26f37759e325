"""``python -m hw verilog``: the machine for other tools."""

import argparse
import sys
from pathlib import Path

from hw.commands.options import add_lanes, machine
from hw.machine.machine import Machine
from hw.machine.pipeline import Pipeline
from hw.verilog import describe_ports, to_rtlil, write_verilog
from sim.commands import options
from sim.commands.command_line import Commands, add_command, one_of
from sim.console import progress_bar
from sim.errors import InputError

EXAMPLE = "build/mnist --lanes 16 --out ttfs.v"

INPUTS = {"pixels": Machine, "events": Pipeline}
"""What the input carries, and the component that takes it."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "verilog", "write Verilog", EXAMPLE, run)
    options.add_network(parser)
    add_lanes(parser)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="FILE.v; memories go to FILE-1.mem, ... beside it, and a simulator must run in that "
        "folder to find them",
    )
    parser.add_argument(
        "--input",
        type=one_of(*INPUTS),
        default="pixels",
        metavar="|".join(INPUTS),
        help="what the input carries (pixels)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the Verilog and its memories; print their names."""
    if arguments.out.suffix not in (".v", ".sv"):
        raise InputError(f"--out: must be a file .v or .sv, not {arguments.out}.")
    component = INPUTS[arguments.input](machine(arguments))
    with progress_bar() as bar:
        bar.add_task(f"writing {arguments.out}", total=None)
        written = write_verilog(to_rtlil(component), arguments.out, describe_ports(component))
    for file in written:
        print(file)
    if len(written) > 1:
        folder = written[0].absolute().parent
        print(f"run simulators in {folder}, where they find the memories", file=sys.stderr)
    return 0
