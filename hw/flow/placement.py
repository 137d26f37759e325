"""Where the weights of a network lie on a board: in block RAM as long as they fit.

Else the largest layer goes into SPRAM where there is some, or the smallest one into look-up tables;
and if that does not help, the largest into the board's flash.
"""

from dataclasses import replace

from hw.boards.table import Board
from hw.fpga.device import Device
from hw.machine.pipeline import Parameters
from hw.storage.block import Rows, Storage
from hw.storage.flash import HEADER_BYTES, OFFSET
from hw.storage.spram import SPRAM_BITS, largest_layer, sprams
from sim.errors import InputError

AUTO = "auto"
CHOICES = (AUTO, Storage.BLOCK.value, Storage.SPRAM.value, Storage.FLASH.value)
"""What a user may ask for."""

SPARE_BLOCKS = 3
"""Blocks that rounding up to whole blocks and the frame buffer may take."""


def block_bits(pipeline: Parameters) -> int:
    """Return the bits of the weights that lie in block RAM."""
    return sum(
        layer.rows.depth * layer.rows.word.size
        for layer in pipeline.layers
        if layer.storage is Storage.BLOCK
    )


def fills_blocks(pipeline: Parameters, device: Device) -> bool:
    """Return whether the weights that lie in block RAM leave none of it free."""
    return block_bits(pipeline) > (device.blocks - SPARE_BLOCKS) * device.block_bits


def place_weights(pipeline: Parameters, board: Board, wanted: str = AUTO) -> Parameters:
    """Return the machine with its weights where ``wanted`` says; ``AUTO``: in the first place that
    is large enough.

    Weights that learn stay in block RAM.

    :raises InputError: the board has no SPRAM or flash, or too little.
    """
    device = board.device
    block = replace(pipeline, spram=None, logic=None, flash=None)
    enough = pipeline.rule is not None or not fills_blocks(block, device)
    if wanted == Storage.BLOCK.value or (wanted == AUTO and enough):
        return block
    if wanted == Storage.FLASH.value:
        return _in_flash(block, board)
    if wanted == AUTO and not device.spram_bits:
        rest = replace(
            block,
            logic=min(range(len(block.layers)), key=lambda index: block.layers[index].rows.depth),
        )
        return rest if not fills_blocks(rest, device) else _in_flash_if_it_helps(block, board)
    if not device.spram_bits:
        raise InputError(
            f"--weights: {device.size} has no SPRAM; give --weights {Storage.BLOCK.value}."
        )
    placed = replace(block, spram=largest_layer(pipeline.network))
    assert placed.spram is not None
    rows, there = placed.layers[placed.spram].rows, device.spram_bits // SPRAM_BITS
    if sprams(rows) <= there:
        return placed
    fitting = [lanes for lanes in range(1, rows.lanes) if sprams(Rows(rows.layer, lanes)) <= there]
    if wanted == AUTO and not fitting and board.flash is not None:
        return _in_flash(block, board)
    remedy = f"give --lanes {fitting[-1]}" if fitting else "take fewer inputs or neurons"
    raise InputError(
        f"--weights: {rows.depth} words of {rows.word.size} bits take {sprams(rows)} SPRAMs and {device.size} has "
        f"{there}; {remedy}."
    )


def _in_flash(block: Parameters, board: Board) -> Parameters:
    """Return the machine with its largest layer in flash.

    :raises InputError: there is none, or it is too small, or the machine learns.
    """
    if board.flash is None:
        raise InputError(
            f"--weights: {board.name} has no flash that we know; give --weights {Storage.BLOCK.value}."
        )
    placed = replace(block, flash=largest_layer(block.network), flash_wires=board.flash.wires)
    assert placed.flash is not None
    rows = placed.layers[placed.flash].rows
    needed, there = HEADER_BYTES + rows.depth * rows.word_bytes, board.flash.bytes - OFFSET
    if needed > there:
        raise InputError(
            f"--weights: {needed} bytes do not fit into {there} of flash; take fewer inputs or neurons."
        )
    return placed


def _in_flash_if_it_helps(block: Parameters, board: Board) -> Parameters:
    if board.flash is None:
        return block
    placed = _in_flash(block, board)
    return block if fills_blocks(placed, board.device) else placed
