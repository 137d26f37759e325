"""Where weight rows are stored: one file for each kind of memory, and the table that chooses.

A store is a component with the members of :func:`hw.rows.store_members`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from amaranth.lib import wiring

from hw.parameters import LayerParameters, MachineParameters
from hw.rows import BLOCK, FLASH, LOGIC, NOTHING, SPRAM
from hw.storage.block import BlockStore, BlockWords
from hw.storage.flash import FlashPort, FlashStore
from hw.storage.spram import SpramStore
from hw.storage.wide import WideWords
from hw.storage.writable import WritableStore

SUBMODULE = "weights"
"""Name of a layer's store in the netlist; synthesis selects memories by it."""


def _in_block_ram(layer: LayerParameters) -> Any:
    rows = layer.asked_rows
    if layer.learns:
        return WritableStore(rows)
    # Words that are exchanged are found again by their content: no part of them may be elsewhere.
    if layer.wide and not layer.exchangeable:
        return BlockStore(rows, WideWords(rows, layer.group), late=True)
    return BlockStore(rows)


def _in_spram(layer: LayerParameters) -> Any:
    return SpramStore(layer.asked_rows)


def _in_logic(layer: LayerParameters) -> Any:
    return BlockStore(layer.asked_rows, BlockWords(layer.asked_rows, style="logic"))


def _in_flash(layer: LayerParameters) -> Any:
    return FlashStore(layer.asked_rows, layer.placement.wires)


STORES: Mapping[str, Callable[[LayerParameters], Any]] = {
    BLOCK.kind: _in_block_ram,
    SPRAM.kind: _in_spram,
    LOGIC.kind: _in_logic,
    FLASH: _in_flash,
}
"""The store of a layer, by the kind of its placement."""


def make_store(layer: LayerParameters) -> Any:
    """Return the store of a layer's weight rows."""
    return STORES[layer.placement.kind](layer)


def flash_port(machine: MachineParameters) -> wiring.Signature:
    """Return what a machine exchanges with the pins of the board's flash; nothing if no layer is
    stored there.
    """
    return NOTHING if machine.flash_layer is None else FlashPort()
