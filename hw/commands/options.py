"""Options that commands of ``python -m hw`` share, and the machine that they describe."""

import argparse
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hw.boards.table import find_board
from hw.flow.placement import AUTO, CHOICES, place
from hw.flow.reuse import placeholder
from hw.link.exchange import PATIENCE_S
from hw.link.responder import FETCH_BYTES, sample_bytes
from hw.link.uart import BAUD, BITS
from hw.parameters import FULL, MachineParameters
from hw.rows import BLOCK, FLASH, SPRAM, flash
from sim.commands.command_line import Parser, one_of, whole
from sim.console import console
from sim.errors import InputError
from sim.file import load, network_path
from sim.learning.schedule import default_rule
from sim.network import Network
from sim.trace import Trace
from sim.vectors import VECTORS_FILE, load_vectors

PLACEMENTS = {SPRAM.kind: SPRAM, FLASH: flash()}
"""Where the largest layer is stored where no board says more."""

IN_FLIGHT = 4
"""Images that may be on the line before a reply, at most."""

DIFFERENT = 1
"""Exit status when gateware and ``sim`` differ."""


def add_lanes(parser: Parser) -> None:
    """Add how much of the machine works at the same time."""
    parser.add_argument(
        "--lanes",
        type=_lanes,
        default=FULL,
        metavar="N|full",
        help="neurons of the widest layer per cycle (full)",
    )


def _lanes(text: str) -> int | str:
    """Return a number if it is one; :class:`MachineParameters` knows the range."""
    try:
        return int(text)
    except ValueError:
        return text


def add_board(parser: Parser, required: bool = True, text: str = "") -> None:
    """Add the board that something is for."""
    parser.add_argument(
        "--board",
        required=required,
        metavar="NAME",
        help=text or "as listed by `python -m hw boards`",
    )


def add_variant(parser: Parser) -> None:
    """Add what distinguishes machines of the same network: where weights are stored, and whether
    they can be learnt or exchanged.
    """
    parser.add_argument(
        "--weights",
        type=one_of(*CHOICES),
        default=AUTO,
        metavar="|".join(CHOICES),
        help="where they are stored (auto: in block RAM, or where the board has room)",
    )
    parser.add_argument("--learn", action="store_true", help="with the learner, for `hw learn`")


def add_reuse(parser: Parser, text: str) -> None:
    """Add that the weights shall be exchangeable in the bitstream."""
    parser.add_argument("--reuse", action="store_true", help=text)


def add_baud(parser: Parser) -> None:
    """Add the speed of the serial line."""
    parser.add_argument(
        "--baud",
        type=whole(1),
        default=BAUD,
        metavar="N",
        help=f"bits per second of the line ({BAUD})",
    )


def add_port(parser: Parser, offered: str) -> None:
    """Add where a board is connected.

    :param offered: the command that offers a virtual one.
    """
    parser.add_argument(
        "--port", required=True, metavar="P", help=f"serial port, or what `{offered}` offers"
    )
    add_baud(parser)


def patience_s(network: Network, baud: int) -> float:
    """Return after what time a request is sent again: what a board takes, and what the requests
    before it and itself take on the line.
    """
    return PATIENCE_S + IN_FLIGHT * sample_bytes(network) * BITS / baud


def add_check(parser: Parser, what: str) -> None:
    """Add that a board's answers are not believed."""
    parser.add_argument("--check", action="store_true", help=f"compare {what} with sim")


def machine(arguments: argparse.Namespace) -> MachineParameters:
    """Return the machine that ``--lanes``, ``--learn``, ``--board`` and ``--weights`` describe, as
    far as the command has them.

    :raises InputError: the network cannot be read, or cannot learn, or an option is out of range.
    """
    board = find_board(arguments.board) if getattr(arguments, "board", None) else None
    plain = _plain(arguments)
    wanted: str = getattr(arguments, "weights", AUTO)
    if plain.rule is not None and wanted not in (AUTO, BLOCK.kind):
        raise InputError(
            f"--weights: what learns has its weights in block RAM, not in {wanted}; "
            "leave out --learn or --weights."
        )

    if board is not None:
        return place(plain, board, wanted)
    if wanted in (AUTO, BLOCK.kind):
        return plain
    return plain.with_placement(plain.largest_layer, PLACEMENTS[wanted])


def _plain(arguments: argparse.Namespace) -> MachineParameters:
    """Return the machine with all weights in block RAM."""
    network = load(arguments.network)
    rule = default_rule(network) if getattr(arguments, "learn", False) else None
    try:
        found = MachineParameters(network, arguments.lanes, rule)
    except InputError as error:
        # the machine names its parameter, and the user gave an option
        raise InputError(f"--{error}" if str(error).startswith("lanes") else str(error)) from error

    longest = max((rows.word_bytes for rows in found.word_rows.values()), default=0)
    if longest > FETCH_BYTES:
        raise InputError(
            f"--lanes: what is learnt is read back in words of at most {FETCH_BYTES} bytes, "
            f"these have {longest}; take --lanes {FETCH_BYTES} or fewer."
        )
    return found


def exchangeable(machine: MachineParameters) -> MachineParameters:
    """Return the machine as ``hw build --reuse`` makes it: other weights may take the place of its
    own.

    :raises InputError: there is no such machine.
    """
    placeholder(machine)
    return replace(machine, exchangeable=True)


def vectors(
    arguments: argparse.Namespace, network: Network
) -> tuple[npt.NDArray[np.uint8], list[Trace]] | None:
    """Return the images beside the network and their traces; None if there are none."""
    path = network_path(arguments.network).with_name(VECTORS_FILE)
    return load_vectors(path, network) if path.is_file() else None


def spinner() -> Progress:
    """Return what says that work goes on whose length is not known."""
    errors = console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    # a log file needs no spinner, and no empty line where one was
    return Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal)
