"""Where the weights of a network are stored on a board: in block RAM as long as they fit.

Else the largest layer goes into SPRAM where there is some, or the smallest one into look-up tables;
and if that does not help, the largest into the board's flash.
"""

from dataclasses import dataclass, replace
from math import prod

from amaranth.utils import bits_for

from hw.boards.table import Board
from hw.fpga.device import Device
from hw.link.responder import request_bytes
from hw.machine import neurons, window
from hw.machine.state import FEW_FOLDS, FEW_FOLDS_IN_WINDOW
from hw.parameters import LayerParameters, MachineParameters
from hw.rows import BLOCK, FLASH, LOGIC, SPRAM, Rows, flash, joined
from hw.storage.flash import HEADER_BYTES, OFFSET
from hw.storage.spram import SPRAM_BITS, sprams
from sim.encoders.intensity import Intensity
from sim.errors import InputError

AUTO = "auto"
CHOICES = (AUTO, BLOCK.kind, SPRAM.kind, FLASH)
"""What a user may ask for."""

SPARE_BLOCKS = 3
"""Blocks that rounding up to whole blocks and the frame buffer may take."""

SPARE_FOR_STATE = 1
"""A block that is left free: small memories are in blocks or in logic as yosys sees fit."""

CONSTANT_BITS = 1024
"""Yosys keeps words that never change in look-up tables if they have so many bits for a block."""


@dataclass(frozen=True)
class Memory:
    """A memory that may take block RAM.

    :param depth: words.
    :param width: bits of a word.
    :param few: the largest depth with which it would be kept in logic, in families where small
        memories are.
    :param constant: nothing writes it.
    """

    depth: int
    width: int
    few: int = 0
    constant: bool = False


def block_bits(machine: MachineParameters) -> int:
    """Return the bits of the weights that are stored in block RAM."""
    rows = [layer.rows for layer in machine.layers if layer.placement.in_block_ram]
    return sum(each.depth * each.word.size for each in rows)


def memories(machine: MachineParameters) -> list[Memory]:
    """Return the memories that take block RAM, as far as they depend on the network: weights,
    state, and the folds of spikes that wait.
    """
    found: list[Memory] = []
    for layer in machine.layers:
        if layer.placement.in_block_ram:
            constant = not (machine.learns or machine.exchangeable)
            found.append(Memory(layer.rows.depth, layer.rows.word.size, constant=constant))
        if layer.folds == 1:
            continue

        found += state_memories(layer).values()
        if not layer.output:
            found.append(Memory(layer.folds + 1, layer.fold.size))
        if layer.layer.neuron.window is not None:
            found.append(Memory(layer.folds, bits_for(layer.folds - 1) - 1, FEW_FOLDS))
    return found


def state_memories(layer: LayerParameters) -> dict[str, Memory]:
    """Return the memories of the state of a layer with several folds, by their names."""
    widths = window.state_widths(layer) if layer.lefts else neurons.state_widths(layer)
    few = FEW_FOLDS_IN_WINDOW if layer.lefts else FEW_FOLDS
    # The start is kept behind the folds, for each of a position, or one where all start alike.
    starts = 1 if layer.layer.start is None else layer.rows.folds_per_position
    return {
        name: Memory(
            layer.folds + starts,
            layer.lanes * width,
            0 if name in layer.state_in_block else few + starts,
        )
        for name, width in widths.items()
    }


def bits_in_logic(machine: MachineParameters, device: Device) -> int:
    """Return the bits of state that are kept in memories made of flip-flops."""
    if not device.family.small_memories_in_logic:
        return 0
    return sum(
        layer.folds * memory.width
        for layer in machine.layers
        if layer.folds > 1
        for memory in state_memories(layer).values()
        if blocks_of(memory, device) == 0
    )


def other_memories(machine: MachineParameters) -> list[Memory]:
    """Return the memories of the encoder and the link: the ticks of intensities and of pixels, the
    choice of pixels, sums of pixels, and requests.
    """
    encoder = machine.network.encoder
    request = 1 << (2 * request_bytes(machine)).bit_length()
    if not isinstance(encoder, Intensity):
        return [Memory(request, 8)]
    pixels, when = prod(encoder.map), 1 + bits_for(encoder.last_tick)
    if encoder.mask is not None:
        when = encoder.last_tick - encoder.first_tick + 1
    some = [Memory(pixels, 1)] if encoder.inputs < pixels else []
    if encoder.pool > 1:
        some.append(Memory(encoder.map[1], 9))  # the sums of a row of pairs
    return [Memory(256, when), Memory(encoder.inputs, when), *some, Memory(request, 8)]


def blocks_of(memory: Memory, device: Device) -> int:
    """Return how many block RAMs a memory takes, in the shape of which it takes fewest."""
    if device.family.small_memories_in_logic and memory.depth <= memory.few:
        return 0
    shapes = [indices.shape for indices in device.family.block_format.widths]
    return min(-(-memory.depth // rows) * -(-memory.width // columns) for rows, columns in shapes)


def _taken_blocks(memory: Memory, device: Device) -> int:
    """Return how many block RAMs yosys takes for a memory of a network's."""
    blocks = blocks_of(memory, device)
    few = memory.constant and memory.depth * memory.width <= CONSTANT_BITS * blocks
    return 0 if few else blocks


def logic_cells(memory: Memory) -> int:
    """Return how many logic cells a memory takes that is made of flip-flops: one for each bit, and
    two for every three inputs that a multiplexer leaves out.
    """
    return memory.width * (memory.depth + 2 * (memory.depth - 1) // 3)


def place_state(machine: MachineParameters, device: Device) -> MachineParameters:
    """Return the machine with memories of state in block RAM that are made of flip-flops otherwise:
    those for which blocks are free and that save most logic together, where that is cheaper, a
    smaller share of the device's blocks than of its logic, or all of them take more than a quarter
    of its logic. It changes no cycle.
    """
    machine = replace(machine, state_in_block=frozenset())
    if not device.family.small_memories_in_logic or machine.learns:
        return machine

    in_logic = {
        (index, name): memory
        for index, layer in enumerate(machine.layers)
        if layer.folds > 1
        for name, memory in state_memories(layer).items()
        if blocks_of(memory, device) == 0
    }
    cells = {key: logic_cells(memory) for key, memory in in_logic.items()}
    crowded = 4 * sum(cells.values()) > device.luts

    # ``best``: for each number of blocks, the most cells that they save, and what is in them.
    needed = [*memories(machine), *other_memories(machine)]
    taken = sum(_taken_blocks(memory, device) for memory in needed)
    free = device.blocks - SPARE_FOR_STATE - taken
    best: list[tuple[int, frozenset[tuple[int, str]]]] = [(0, frozenset())] * (max(free, 0) + 1)
    for key, memory in in_logic.items():
        blocks = blocks_of(replace(memory, few=0), device)
        if crowded or cells[key] * device.blocks > blocks * device.luts:
            for there in range(len(best) - 1, blocks - 1, -1):
                saved, chosen = best[there - blocks]
                best[there] = max(
                    best[there], (saved + cells[key], chosen | {key}), key=lambda each: each[0]
                )
    return replace(machine, state_in_block=best[-1][1])


def fills_blocks(machine: MachineParameters, device: Device) -> bool:
    """Return whether the weights that are stored in block RAM leave none of it free; with a
    convolution, whose state takes much of it, weights and state.
    """
    if not machine.dense:
        blocks = sum(blocks_of(memory, device) for memory in memories(machine))
        return blocks > device.blocks - SPARE_BLOCKS
    return block_bits(machine) > (device.blocks - SPARE_BLOCKS) * device.block_bits


def place(machine: MachineParameters, board: Board, wanted: str = AUTO) -> MachineParameters:
    """Return the machine with its weights and its state placed.

    Weights that learn stay in block RAM.

    :param machine: whose placement is replaced.
    :param board: that it is for.
    :param wanted: one of ``CHOICES``; ``AUTO``: the first memory that is large enough for the
        weights.
    :raises InputError: the board has no SPRAM or flash, or too little.
    """
    return place_state(place_weights(machine, board, wanted), board.device)


def place_weights(
    machine: MachineParameters, board: Board, wanted: str = AUTO
) -> MachineParameters:
    """Return the machine with its weights placed, see :func:`place`."""
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
    depths = {
        index: layer.rows.depth
        for index, layer in enumerate(block.layers)
        if layer.placement.in_block_ram  # a pool never is
    }
    rest = block.with_placement(min(depths, key=lambda index: depths[index]), LOGIC)
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
