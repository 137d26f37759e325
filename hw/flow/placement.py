"""Where the weights of a network are stored on a board: in block RAM as long as they fit.

Else the largest layer goes into SPRAM where there is some, or the smallest one into look-up tables;
and if that does not help, the largest into the board's flash.
"""

from dataclasses import replace

from hw.boards.table import Board
from hw.fpga.device import Device
from hw.parameters import MachineParameters
from hw.rows import BLOCK, FLASH, LOGIC, SPRAM, Rows, flash
from hw.storage.flash import HEADER_BYTES, OFFSET
from hw.storage.spram import SPRAM_BITS, sprams
from sim.errors import InputError

AUTO = "auto"
CHOICES = (AUTO, BLOCK.kind, SPRAM.kind, FLASH)
"""What a user may ask for."""

SPARE_BLOCKS = 3
"""Blocks that rounding up to whole blocks and the frame buffer may take."""


def block_bits(machine: MachineParameters) -> int:
    """Return the bits of the weights that are stored in block RAM."""
    rows = [layer.rows for layer in machine.layers if layer.placement.in_block_ram]
    return sum(each.depth * each.word.size for each in rows)


def fills_blocks(machine: MachineParameters, device: Device) -> bool:
    """Return whether the weights that are stored in block RAM leave none of it free."""
    return block_bits(machine) > (device.blocks - SPARE_BLOCKS) * device.block_bits


def place_weights(
    machine: MachineParameters, board: Board, wanted: str = AUTO
) -> MachineParameters:
    """Return the machine with its weights placed.

    Weights that learn stay in block RAM.

    :param machine: whose placement is replaced.
    :param board: that it is for.
    :param wanted: one of ``CHOICES``; ``AUTO``: the first memory that is large enough.
    :raises InputError: the board has no SPRAM or flash, or too little.
    """
    device = board.device
    block = replace(machine, placement=())
    enough = machine.learns or not fills_blocks(block, device)
    if wanted == BLOCK.kind or (wanted == AUTO and enough):
        return block
    if wanted == FLASH:
        return _in_flash(block, board)
    if wanted == AUTO and not device.spram_bits:
        return _in_logic_or_flash(block, board)
    return _in_spram(block, board, wanted)


def _in_logic_or_flash(block: MachineParameters, board: Board) -> MachineParameters:
    """Return the machine with its smallest layer in look-up tables if that is enough, else with its
    largest in flash if that is.
    """
    depths = [layer.rows.depth for layer in block.layers]
    rest = block.with_placement(depths.index(min(depths)), LOGIC)
    if not fills_blocks(rest, board.device):
        return rest
    if board.flash is None:
        return block
    placed = _in_flash(block, board)
    return block if fills_blocks(placed, board.device) else placed


def _in_spram(block: MachineParameters, board: Board, wanted: str) -> MachineParameters:
    """Return the machine with its largest layer in SPRAM, or in flash if that may be and helps.

    :raises InputError: there is none, or too little.
    """
    device, index = board.device, block.largest_layer
    if not device.spram_bits:
        raise InputError(f"--weights: {device.size} has no SPRAM; give --weights {BLOCK.kind}.")

    placed = block.with_placement(index, SPRAM)
    rows, there = placed.layers[index].rows, device.spram_bits // SPRAM_BITS
    if sprams(rows) <= there:
        return placed

    fitting = [lanes for lanes in range(1, rows.lanes) if sprams(Rows(rows.layer, lanes)) <= there]
    if wanted == AUTO and not fitting and board.flash is not None:
        return _in_flash(block, board)
    remedy = f"give --lanes {fitting[-1]}" if fitting else "take fewer inputs or neurons"
    raise InputError(
        f"--weights: {rows.depth} words of {rows.word.size} bits take {sprams(rows)} SPRAMs and "
        f"{device.size} has {there}; {remedy}."
    )


def _in_flash(block: MachineParameters, board: Board) -> MachineParameters:
    """Return the machine with its largest layer in flash.

    :raises InputError: there is none, or it is too small, or the machine learns.
    """
    if board.flash is None:
        raise InputError(
            f"--weights: {board.name} has no flash that we know; give --weights {BLOCK.kind}."
        )

    index = block.largest_layer
    placed = block.with_placement(index, flash(board.flash.wires))
    rows = placed.layers[index].rows
    needed, there = HEADER_BYTES + rows.depth * rows.word_bytes, board.flash.bytes - OFFSET
    if needed > there:
        raise InputError(
            f"--weights: {needed} bytes do not fit into {there} of flash; take fewer inputs or "
            "neurons."
        )
    return placed
