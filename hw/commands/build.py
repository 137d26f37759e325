"""``python -m hw boards``, ``check``, ``build``: what is put on a board."""

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from hw.boards.table import BOARDS, find_board
from hw.boards.top import BAUD
from hw.flow.build import build
from hw.flow.check import check, table
from hw.flow.measure import summary
from hw.flow.placement import AUTO, CHOICES, place_weights
from hw.flow.seeds import Search
from hw.flow.settings import FASTEST, BuildSettings
from hw.flow.toolchain import PLACERS, ROUTERS, SEED
from hw.link.responder import FETCH_BYTES
from hw.machine.pipeline import FULL, Parameters
from sim.errors import InputError
from sim.file import load, network_path
from sim.learning.schedule import default_rule
from sim.network import Network
from sim.trace import VECTORS_FILE, Trace, load_vectors

DOES_NOT_FIT = 1
"""Exit status of ``check``."""


def add_commands(commands: Any) -> None:
    """Add the commands to the parser of ``python -m hw``."""
    boards = command(commands, "boards", "list the boards", "python -m hw boards --json", _boards)
    boards.add_argument("--json", action="store_true", help="print JSON")
    fit = command(
        commands,
        "check",
        "does it fit?",
        "python -m hw check build/mnist --board icebreaker",
        _check,
    )
    make = command(
        commands,
        "build",
        "make a bitstream",
        "python -m hw build build/mnist --board ulx3s-85f",
        _build,
    )
    for parser in (fit, make):
        parser.add_argument(
            "network", type=Path, metavar="DIR", help="folder of network.safetensors, or the file"
        )
        parser.add_argument(
            "--board", required=True, metavar="NAME", help="as listed by `python -m hw boards`"
        )
        parser.add_argument(
            "--lanes", default=FULL, metavar="N|full", help="of the widest layer (full)"
        )
        parser.add_argument(
            "--weights", choices=CHOICES, default=AUTO, help="where they lie (auto: where they fit)"
        )
        parser.add_argument("--learn", action="store_true", help="with the learner, for `hw learn`")
    fit.add_argument("--reuse", action="store_true", help="as `hw build --reuse` needs it")
    fit.add_argument("--json", action="store_true", help="print JSON")
    make.add_argument(
        "--out", type=Path, metavar="DIR", help="where bitstream, report and logs go (DIR/NAME)"
    )
    make.add_argument(
        "--clock-mhz",
        default="",
        metavar="F|auto",
        help="the machine's clock; auto: what is reached",
    )
    make.add_argument(
        "--baud", type=int, default=BAUD, metavar="N", help=f"bits per second of the line ({BAUD})"
    )
    make.add_argument("--seed", type=int, default=SEED, metavar="N", help=f"of placement ({SEED})")
    make.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="try so many, keep the fastest (1)"
    )
    make.add_argument(
        "--workers", type=int, metavar="N", help="seeds at once on this machine (one per core)"
    )
    make.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a running Dask cluster, such as tcp://host:8786"
    )
    make.add_argument("--placer", choices=PLACERS, help="of nextpnr (by how full the device is)")
    make.add_argument("--router", choices=ROUTERS, help="of nextpnr (nextpnr's choice)")
    make.add_argument(
        "--reuse",
        action="store_true",
        help="exchange the weights of what is routed in --out already",
    )
    make.add_argument("--json", action="store_true", help="print the report as JSON")


def command(commands: Any, name: str, text: str, example: str, run: Any) -> argparse.ArgumentParser:
    """Add one command, done by ``run``."""
    parser = commands.add_parser(name, help=text, description=text, epilog=f"example: {example}")
    parser.set_defaults(run=run)
    return parser


def _boards(arguments: argparse.Namespace) -> int:
    rows = [
        {
            "name": board.name,
            "device": f"{board.device.family.name} {board.device.size}",
            "luts": board.device.luts,
            "block_ram_kbit": board.device.blocks * board.device.block_bits // 1024,
            "spram_kbit": board.device.spram_bits // 1024,
            "oscillator_mhz": board.oscillator_hz / 1e6,
            "bitstream": board.pins is not None,
        }
        for board in BOARDS.values()
    ]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return 0
    listed = Table(title="boards; those named none only measure")
    for key in rows[0]:
        listed.add_column(key.replace("_", " "), no_wrap=key in ("name", "device"))
    for row in rows:
        listed.add_row(*(str(value) for value in row.values()))
    Console().print(listed)
    return 0


def _check(arguments: argparse.Namespace) -> int:
    board = find_board(arguments.board)
    pipeline = place_weights(pipeline_parameters(arguments), board, arguments.weights)
    vectors = _vectors(arguments, pipeline.network)
    traces = [] if vectors is None else vectors[1]
    with _spinner() as bar:
        bar.add_task(f"{board.name}: memory mapping")
        settings = BuildSettings(pipeline, board, board.clock_hz, reuse=arguments.reuse)
        findings = check(settings, traces)
    if arguments.json:
        print(json.dumps(findings.to_json(), indent=2))
    else:
        Console().print(table(findings))
    return 0 if findings.fits else DOES_NOT_FIT


def _vectors(
    arguments: argparse.Namespace, network: Network
) -> tuple[npt.NDArray[np.uint8], list[Trace]] | None:
    path = network_path(arguments.network).with_name(VECTORS_FILE)
    return load_vectors(path, network) if path.is_file() else None


def _clock_hz(text: str, default_hz: float) -> float | str:
    if text in ("", FASTEST):
        return text or default_hz
    try:
        return float(text) * 1e6
    except ValueError:
        raise InputError(f"--clock-mhz: must be a number or '{FASTEST}', not {text}.") from None


def pipeline_parameters(arguments: argparse.Namespace) -> Parameters:
    """Return network and lanes as given on the command line, and the rule if it is to learn.

    :raises InputError: the network cannot be read, or cannot learn, or lanes is out of range.
    """
    lanes = int(arguments.lanes) if arguments.lanes.isdecimal() else arguments.lanes
    network = load(arguments.network)
    parameters = Parameters(network, lanes, default_rule(network) if arguments.learn else None)
    longest = max((rows.word_bytes for rows in parameters.word_rows.values()), default=0)
    if longest > FETCH_BYTES:
        raise InputError(
            f"--lanes: what is learnt is read back in words of at most {FETCH_BYTES} bytes, these have {longest}; "
            f"take --lanes {FETCH_BYTES} or fewer."
        )
    return parameters


def _build(arguments: argparse.Namespace) -> int:
    board = find_board(arguments.board)
    clock_hz = _clock_hz(arguments.clock_mhz, board.clock_hz)
    pipeline = place_weights(pipeline_parameters(arguments), board, arguments.weights)
    search = Search(arguments.seeds, arguments.scheduler, arguments.workers)
    routing = {"seed": arguments.seed, "placer": arguments.placer, "router": arguments.router}
    settings = BuildSettings(
        pipeline, board, clock_hz, arguments.baud, **routing, reuse=arguments.reuse, search=search
    )
    vectors = _vectors(arguments, settings.pipeline.network)
    out = arguments.out or network_path(arguments.network).parent / board.name
    with _spinner() as bar:
        task = bar.add_task(board.name)
        stage = partial(_show_stage, bar, task)
        report = build(settings, out, stage, None if vectors is None else vectors[0]).to_json()
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        Console().print(summary(report))
    return 0


def _show_stage(bar: Progress, task: TaskID, stage: str) -> None:
    bar.update(task, description=stage)


def _spinner() -> Progress:
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True)
