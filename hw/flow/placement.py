"""Where the weights of a network are stored on a board: in block RAM as long as they fit.

Else the largest layer goes into SPRAM where there is some, or the smallest one into look-up tables;
and if that does not help, the largest into the board's flash.
"""

from dataclasses import replace

from amaranth.utils import bits_for

from hw.boards.table import Board
from hw.fpga.device import Device
from hw.machine.state import FEW_FOLDS, FEW_FOLDS_IN_WINDOW
from hw.parameters import MachineParameters
from hw.rows import BLOCK, FLASH, LOGIC, SPRAM, Rows, flash, joined
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


def memories(machine: MachineParameters) -> list[tuple[int, int, int]]:
    """Return the memories that take block RAM, as far as they depend on the network: weights,
    state, and the folds of spikes that wait. Of each depth, width, and the largest depth with which
    it would be kept in logic where small memories are.
    """
    found: list[tuple[int, int, int]] = []
    for layer in machine.layers:
        if layer.placement.in_block_ram:
            found.append((layer.rows.depth, layer.rows.word.size, 0))
        if layer.folds == 1:
            continue

        # The start is kept behind the folds, for each of a position.
        starts = layer.rows.folds_per_position
        depth, few = layer.folds + starts, FEW_FOLDS_IN_WINDOW if layer.lefts else FEW_FOLDS
        found.append((depth, layer.lanes * layer.potential.bits, few + starts))
        if not layer.lefts:
            found.append((depth, layer.lanes * layer.current.bits, few + starts))
        if not layer.output:
            found.append((layer.folds + 1, layer.fold.size, 0))
        if layer.layer.neuron.window is not None:
            found.append((layer.folds, bits_for(layer.folds - 1) - 1, FEW_FOLDS))
    return found


def blocks_of(depth: int, width: int, few: int, device: Device) -> int:
    """Return how many block RAMs a memory takes, in the shape of which it takes fewest.

    :param few: see :func:`memories`.
    """
    if device.family.small_memories_in_logic and depth <= few:
        return 0
    shapes = [indices.shape for indices in device.family.block_format.widths]
    return min(-(-depth // rows) * -(-width // columns) for rows, columns in shapes)


def fills_blocks(machine: MachineParameters, device: Device) -> bool:
    """Return whether the weights that are stored in block RAM leave none of it free; with a
    convolution, whose state takes much of it, weights and state.
    """
    if not machine.dense:
        blocks = sum(blocks_of(*memory, device) for memory in memories(machine))
        return blocks > device.blocks - SPARE_BLOCKS
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
    if board.flash is None or not block.dense:
        return block
    placed = _in_flash(block, board)
    return block if fills_blocks(placed, board.device) else placed


def _in_spram(block: MachineParameters, board: Board, wanted: str) -> MachineParameters:
    """Return the machine with its largest layer in SPRAM, or in flash if that may be and helps; if
    the largest is not enough, and one is a convolution, with all layers in SPRAM.

    :raises InputError: there is none, or too little.
    """
    device, index = board.device, block.largest_layer
    if not device.spram_bits:
        raise InputError(f"--weights: {device.size} has no SPRAM; give --weights {BLOCK.kind}.")

    placed = block.with_placement(index, SPRAM)
    rows, there = placed.layers[index].rows, device.spram_bits // SPRAM_BITS
    if not block.dense and fills_blocks(placed, device):
        every = replace(block, placement=(SPRAM,) * len(block.layers))
        if sprams(joined(every.shared_rows)) <= there:
            return every
    if sprams(rows) <= there:
        return placed

    fitting = [lanes for lanes in range(1, rows.lanes) if sprams(Rows(rows.layer, lanes)) <= there]
    if wanted == AUTO and not fitting and board.flash is not None and block.dense:
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
