"""Where the weights of a network lie on a board: in block RAM as long as they fit.

Else the largest layer goes into SPRAM where there is some, or the smallest one into look-up tables.
"""

from dataclasses import replace

from hw.boards import Device
from hw.pipeline import Parameters
from hw.spram import SPRAM_BITS, largest_layer, sprams
from hw.weights import Rows, Storage
from sim.command import InputError

AUTO = "auto"
CHOICES = (AUTO, Storage.BLOCK.value, Storage.SPRAM.value)
"""What a user may ask for."""

SPARE_BLOCKS = 3
"""Blocks that rounding up to whole blocks and the frame buffer may take."""


def block_bits(pipeline: Parameters) -> int:
    """Return the bits of the weights that lie in block RAM."""
    return sum(layer.rows.depth * layer.rows.word.size for layer in pipeline.layers if layer.storage is Storage.BLOCK)


def fills_blocks(pipeline: Parameters, device: Device) -> bool:
    """Return whether the weights that lie in block RAM leave none of it free."""
    return block_bits(pipeline) > (device.blocks - SPARE_BLOCKS) * device.block_bits


def place_weights(pipeline: Parameters, device: Device, wanted: str = AUTO) -> Parameters:
    """Return the machine with its weights where ``wanted`` says; ``AUTO``: in SPRAM only if block RAM is too small.

    Weights that learn stay in block RAM.

    :raises InputError: the device has no SPRAM, or too little.
    """
    block = replace(pipeline, spram=None, logic=None)
    enough = pipeline.rule is not None or not fills_blocks(block, device)
    if wanted == Storage.BLOCK.value or (wanted == AUTO and enough):
        return block
    if wanted == AUTO and not device.spram_bits:
        rest = replace(block, logic=min(range(len(block.layers)), key=lambda index: block.layers[index].rows.depth))
        return block if fills_blocks(rest, device) else rest
    if not device.spram_bits:
        raise InputError(f"--weights: {device.size} has no SPRAM; give --weights {Storage.BLOCK.value}.")
    placed = replace(pipeline, spram=largest_layer(pipeline.network))
    assert placed.spram is not None
    rows, there = placed.layers[placed.spram].rows, device.spram_bits // SPRAM_BITS
    if sprams(rows) > there:
        fitting = [lanes for lanes in range(1, rows.lanes) if sprams(Rows(rows.layer, lanes)) <= there]
        remedy = f"give --lanes {fitting[-1]}" if fitting else "take fewer inputs or neurons"
        raise InputError(
            f"--weights: {rows.depth} words of {rows.word.size} bits take {sprams(rows)} SPRAMs and {device.size} has "
            f"{there}; {remedy}."
        )
    return placed
