"""The commands of ``python -m hw`` on a network: Verilog, simulation; and all commands together."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hw.bench.simulate import ENGINES, DifferenceError, Simulation, simulate
from hw.bench.trace import HardwareTrace
from hw.commands import build as board_commands
from hw.commands import classify as talk_commands
from hw.commands import learn as learn_command
from hw.machine.machine import Machine
from hw.machine.pipeline import Pipeline
from hw.parameters import FULL, MachineParameters
from hw.verilog import describe_ports, to_rtlil, write_verilog
from sim.console import progress_bar
from sim.data import dataset
from sim.errors import InputError
from sim.file import load, network_path
from sim.files import atomic_path
from sim.network import Network
from sim.vectors import VECTORS_FILE, load_vectors

DIFFERENT = 1
"""Exit status when gateware and ``sim`` differ."""


def main() -> int:
    """Parse the command line and run the chosen command."""
    arguments = _parser().parse_args()
    return arguments.run(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hw",
        description="Turn a network into gateware, hold it against the integer machine, and put it on a board.",
        epilog="example: python -m hw simulate build/mnist --limit 100",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    emit = _command(
        commands,
        "verilog",
        "write Verilog",
        "python -m hw verilog build/mnist --lanes 16 --out ttfs.v",
    )
    emit.set_defaults(run=_verilog)
    emit.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="FILE.v; memories go to FILE-1.mem, ...",
    )
    emit.add_argument(
        "--input",
        choices=("pixels", "events"),
        default="pixels",
        help="what the input carries (pixels)",
    )
    check = _command(
        commands,
        "simulate",
        "hold against sim",
        "python -m hw simulate build/mnist --engine amaranth",
    )
    check.set_defaults(run=_simulate)
    check.add_argument(
        "--engine", choices=ENGINES, default="verilator", help="simulator (verilator)"
    )
    check.add_argument(
        "--dataset", metavar="NAME", help=f"test images of {', '.join(dataset.CLASSES)}"
    )
    check.add_argument("--limit", type=int, metavar="N", help="only the first N images")
    check.add_argument(
        "--vcd", type=Path, metavar="FILE", help="keep the pipeline's signals for GTKWave or Surfer"
    )
    check.add_argument("--json", type=Path, metavar="FILE", help="write the JSON lines to FILE")
    board_commands.add_commands(commands)
    talk_commands.add_commands(commands)
    learn_command.add_commands(commands)
    return parser


def _command(commands: Any, name: str, text: str, example: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text, epilog=f"example: {example}")
    parser.add_argument(
        "network", type=Path, metavar="DIR", help="folder of network.safetensors, or the file"
    )
    parser.add_argument(
        "--lanes",
        default=FULL,
        metavar="N|full",
        help="neurons of the widest layer per cycle (full)",
    )
    return parser


def _parameters(arguments: argparse.Namespace) -> MachineParameters:
    lanes = int(arguments.lanes) if arguments.lanes.isdecimal() else arguments.lanes
    try:
        return MachineParameters(load(arguments.network), lanes)
    except InputError as error:
        raise InputError(f"--{error}" if str(error).startswith("lanes") else str(error)) from error


def _verilog(arguments: argparse.Namespace) -> int:
    parameters = _parameters(arguments)
    component = Machine(parameters) if arguments.input == "pixels" else Pipeline(parameters)
    if arguments.out.suffix not in (".v", ".sv"):
        raise InputError(f"--out: must be a file .v or .sv, not {arguments.out}.")
    with progress_bar() as bar:
        bar.add_task(f"writing {arguments.out}", total=None)
        written = write_verilog(to_rtlil(component), arguments.out, describe_ports(component))
    for file in written:
        print(file)
    return 0


def _simulate(arguments: argparse.Namespace) -> int:
    if arguments.limit is not None and arguments.limit < 1:
        raise InputError(f"--limit: must be at least 1, not {arguments.limit}.")
    parameters = _parameters(arguments)
    images = _images(arguments, parameters.network)[: arguments.limit]
    lines: list[str] = []
    try:
        with progress_bar() as bar:
            task = bar.add_task("building the model", total=len(images))
            simulation = Simulation(parameters, arguments.engine, arguments.vcd)
            bar.update(task, description="gateware")
            for line in _lines(
                simulate(simulation, images, lambda count: bar.advance(task, count))
            ):
                lines.append(line)
                if arguments.json is None:
                    print(line)
    except DifferenceError as error:
        print(f"difference: {error}", file=sys.stderr)
        return DIFFERENT
    if arguments.json is not None:
        with atomic_path(arguments.json) as beside:
            beside.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(f"{len(lines)} images, 0 differences", file=sys.stderr)
    return 0


def _images(arguments: argparse.Namespace, network: Network) -> npt.NDArray[np.uint8]:
    if arguments.dataset is not None:
        return dataset.load(arguments.dataset).test_images
    return load_vectors(network_path(arguments.network).with_name(VECTORS_FILE), network)[0]


def _lines(found: Iterator[HardwareTrace]) -> Iterator[str]:
    for trace in found:
        yield json.dumps(trace.to_json())
