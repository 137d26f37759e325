"""``python -m hw build``: from a network to a bitstream."""

import argparse
import sys
from math import inf

from hw.boards.table import find_board
from hw.commands.options import (
    add_baud,
    add_board,
    add_lanes,
    add_reuse,
    add_variant,
    machine,
    spinner,
    vectors,
)
from hw.flow.build import build, is_routed
from hw.flow.check import check
from hw.flow.measure import summary
from hw.flow.seeds import Search
from hw.flow.settings import FASTEST, BuildSettings
from hw.flow.toolchain import PLACERS, ROUTERS, SEED
from sim.commands import options
from sim.commands.command_line import Commands, Parser, add_command, one_of, whole
from sim.console import console
from sim.errors import InputError
from sim.file import network_path

EXAMPLE = "build/mnist --board ulx3s-85f"


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "build", "make a bitstream", EXAMPLE, run)
    options.add_network(parser)
    add_board(parser)
    add_lanes(parser)
    add_variant(parser)
    options.add_out(
        parser, "where bitstream, report and logs go (beside DIR, NAME)", required=False
    )
    parser.add_argument(
        "--clock-mhz",
        type=_clock_hz,
        metavar="F|auto",
        help="the machine's clock; auto: what is reached",
    )
    add_baud(parser)
    _add_routing(parser)
    add_reuse(parser, "exchange the weights of what is routed in --out already")
    options.add_json(parser, "the report")


def _add_routing(parser: Parser) -> None:
    """Add how the design is placed and routed, and where."""
    options.add_seed(parser, "placement", SEED)
    parser.add_argument(
        "--seeds", type=whole(1), default=1, metavar="N", help="try N seeds, keep the fastest (1)"
    )
    options.add_workers(parser, None, "seeds at once on this machine (one per core)")
    choices = (("placer", PLACERS, "by how full the device is"), ("router", ROUTERS, "its choice"))
    for name, words, default in choices:
        parser.add_argument(
            f"--{name}",
            type=one_of(*words),
            metavar="|".join(words),
            help=f"of nextpnr ({default})",
        )


def _clock_hz(text: str) -> float | str:
    if text == FASTEST:
        return text
    try:
        clock_hz = float(text) * 1e6
    except ValueError:
        clock_hz = 0.0
    if not 0 < clock_hz < inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0 or '{FASTEST}', not {text}")
    return clock_hz


def _check_room(settings: BuildSettings) -> None:
    """Say within seconds that a design does not fit, which the router would say after minutes.

    :raises InputError: it does not, with what to change.
    """
    findings = check(settings, [])
    if findings.refused:
        raise InputError(f"{settings.board.name}: {findings.advice[0]}")
    for sentence in findings.advice:
        print(f"{settings.board.name}: {sentence}", file=sys.stderr)


def run(arguments: argparse.Namespace) -> int:
    """Build, and show the report."""
    board = find_board(arguments.board)
    settings = BuildSettings(
        pipeline=machine(arguments),
        board=board,
        clock_hz=arguments.clock_mhz or board.clock_hz,
        baud=arguments.baud,
        seed=arguments.seed,
        placer=arguments.placer,
        router=arguments.router,
        reuse=arguments.reuse,
        search=Search(arguments.seeds, arguments.scheduler, arguments.workers),
    )
    known = vectors(arguments, settings.pipeline.network)
    images = None if known is None else known[0]
    out = arguments.out or network_path(arguments.network).parent / board.name

    with spinner() as bar:
        task = bar.add_task(f"{board.name}: does it fit?")
        if not is_routed(settings, out):
            _check_room(settings)

        def show_stage(stage: str) -> None:
            bar.update(task, description=stage)

        report = build(settings, out, show_stage, images).to_json()
    options.show(report, arguments.json, lambda: console().print(summary(report)))
    return 0
