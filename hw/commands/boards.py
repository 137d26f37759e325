"""``python -m hw boards``: what there is to build for."""

import argparse
from typing import Any

from rich.table import Table

from hw.boards.table import BOARDS
from sim.commands import options
from sim.commands.command_line import Commands, add_command
from sim.console import console

EXAMPLE = "--json"


def add(commands: Commands) -> None:
    """Declare the command."""
    options.add_json(add_command(commands, "boards", "list the boards", EXAMPLE, run), "the list")


def run(arguments: argparse.Namespace) -> int:
    """List all boards and bare devices."""
    rows: list[dict[str, Any]] = [
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
    options.show(rows, arguments.json, lambda: console().print(_table(rows)))
    return 0


def _table(rows: list[dict[str, Any]]) -> Table:
    listed = Table(title="boards; those named none only measure")
    for key in rows[0]:
        listed.add_column(key.replace("_", " "), no_wrap=key in ("name", "device"))
    for row in rows:
        listed.add_row(*(str(value) for value in row.values()))
    return listed
