"""Where the weights of a network lie on a board: in block RAM as long as they fit, else the widest layer in SPRAM."""

from dataclasses import replace

from hw.boards import Device
from hw.pipeline import Parameters
from hw.spram import SPRAM_BITS, largest_layer, sprams
from hw.weights import Storage
from sim.command import InputError

AUTO = "auto"
CHOICES = (AUTO, *(storage.value for storage in Storage))
"""What a user may ask for."""

SPARE_BLOCKS = 3
"""Blocks that rounding up to whole blocks and the frame buffer may take."""


def fills_blocks(pipeline: Parameters, device: Device) -> bool:
    """Return whether the weights that lie in block RAM leave none of it free."""
    bits = sum(layer.rows.depth * layer.rows.word.size for layer in pipeline.layers if layer.storage is Storage.BLOCK)
    return bits > (device.blocks - SPARE_BLOCKS) * device.block_bits


def place_weights(pipeline: Parameters, device: Device, wanted: str = AUTO) -> Parameters:
    """Return the machine with its weights where ``wanted`` says; ``AUTO``: in SPRAM only if block RAM is too small.

    Weights that learn stay in block RAM.

    :raises InputError: the device has no SPRAM, or too little.
    """
    block = replace(pipeline, spram=None)
    enough = pipeline.rule is not None or not (device.spram_bits and fills_blocks(block, device))
    if wanted == Storage.BLOCK.value or (wanted == AUTO and enough):
        return block
    if not device.spram_bits:
        raise InputError(f"--weights: {device.size} has no SPRAM; give --weights {Storage.BLOCK.value}.")
    placed = replace(pipeline, spram=largest_layer(pipeline.network))
    assert placed.spram is not None
    rows, there = placed.layers[placed.spram].rows, device.spram_bits // SPRAM_BITS
    if sprams(rows) > there:
        raise InputError(
            f"--weights: {rows.depth} words of {rows.word.size} bits take {sprams(rows)} SPRAMs and {device.size} has "
            f"{there}; take fewer inputs or neurons, or lanes whose words fill multiples of 16 bits."
        )
    return placed
