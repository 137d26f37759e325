"""Does a network fit a board? What takes memory and logic, said before anything is placed."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Group, RenderableType
from rich.table import Table

from hw.boards.top import BoardTop
from hw.flow.estimate import logic
from hw.flow.fitting import find_fitting
from hw.flow.measure import read_cells
from hw.flow.placement import bits_in_logic
from hw.flow.settings import FASTEST, BuildSettings
from hw.flow.toolchain import DESIGN, STATISTICS, memory_mapping
from hw.parameters import LayerParameters
from hw.storage.flash import row_cycles
from hw.storage.spram import SPRAM_BITS
from hw.verilog import to_rtlil
from sim.connections.convolution import Convolution
from sim.trace import Trace

TIGHT = 0.85
"""From this share of a device's logic on, placing and routing it takes long, or may fail."""

MARGIN = 0.1
"""By how much the estimate of logic may be wrong (``docs/boards.md``)."""


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found.

    :param settings: of the build that was checked.
    :param blocks: block RAMs used, as yosys packs them.
    :param sprams: single-port RAMs used.
    :param luts: look-up tables used, an estimate.
    :param silent: layers that receive no event from any of the vectors; None: there are no vectors.
    :param instead: options with which it fits; None: it fits, or none were found.
    """

    settings: BuildSettings
    blocks: int
    sprams: int
    luts: int
    silent: list[int] | None
    instead: str | None = None

    @property
    def fits(self) -> bool:
        """Whether there is room for it."""
        device = self.settings.board.device
        return self.blocks <= device.blocks and self.luts <= device.luts

    @property
    def tight(self) -> bool:
        """Whether there is room for it, but little."""
        return self.fits and self.luts > TIGHT * self.settings.board.device.luts

    @property
    def verdict(self) -> str:
        """What was found, in a word or three."""
        return "tight" if self.tight else "fits" if self.fits else "does not fit"

    @property
    def refused(self) -> bool:
        """Whether there is no room for it, even if the estimate of logic is as wrong as it gets."""
        device = self.settings.board.device
        return self.blocks > device.blocks or self.luts > (1 + MARGIN) * device.luts

    @property
    def advice(self) -> list[str]:
        """Return what to change, one sentence each; none if all is well."""
        device = self.settings.board.device
        sentences: list[str] = []

        instead = "" if self.instead is None else f"{self.instead}, or "
        if self.blocks > device.blocks:
            needed = f"{self.blocks} block RAMs are needed and {device.blocks} there: take "
            sentences.append(f"{needed}{instead}{self._memory_advice()}")
        if self.luts > device.luts:
            needed = f"about {self.luts} look-up tables are needed and {device.luts} there: take "
            sentences.append(f"{needed}{instead}fewer neurons or weights of fewer bits.")
        if self.tight:
            sentences.append(
                f"tight: about {self.luts / device.luts:.0%} of the logic is used, so placing and "
                "routing may take long or miss the clock."
            )

        sentences.extend(
            f"layer {layer} receives no event from any vector: lower the threshold before it."
            for layer in self.silent or []
        )
        return sentences

    def _memory_advice(self) -> str:
        device, pipeline = self.settings.board.device, self.settings.pipeline
        if pipeline.loaded_layer is not None or pipeline.flash_layer is not None:
            where = "SPRAM" if pipeline.flash_layer is None else "flash"
            if not pipeline.dense:
                return f"fewer channels or weights of fewer bits; {where} is in use already."
            return (
                "fewer lanes, whose state is narrower, or fewer neurons; "
                f"the weights are in {where} already."
            )

        # weights take nearly all block RAM, and shrink with either size of the widest layer
        share = device.blocks / self.blocks
        widest = pipeline.layers[pipeline.largest_layer].layer
        choices = [
            f"about {int(widest.fan_in * share)} inputs instead of {widest.fan_in}",
            f"{int(widest.fan_out * share)} neurons instead of {widest.fan_out}",
            "weights of fewer bits",
        ]
        if not pipeline.dense:
            # state takes block RAM as well, and shrinks with the channels and the bits
            connections = [layer.layer.connection for layer in pipeline.layers]
            channels = max(
                each.channels_out for each in connections if isinstance(each, Convolution)
            )
            choices[:2] = [f"about {int(channels * share)} channels instead of {channels}"]
        elif pipeline.layers[0].folds > 1:
            choices.append("more lanes, whose state is then stored in flip-flops")
        if self.settings.board.flash and pipeline.dense:
            choices.insert(0, "--weights flash, slower")
        if device.spram_bits:
            choices.insert(0, "--weights spram")
        return f"{', or '.join(choices)}."

    def to_json(self) -> dict[str, Any]:
        """Return the findings."""
        device = self.settings.board.device

        return {
            "board": self.settings.board.name,
            "fits": self.fits,
            "verdict": self.verdict,
            "block_ram": [self.blocks, device.blocks],
            "spram": [self.sprams, device.spram_bits // SPRAM_BITS],
            "luts_about": [self.luts, device.luts],
            "layers": [
                {
                    "weights": list(layer.layer.weight.shape),
                    "sizes": _sizes(layer),
                    "weight_kbit": stored * layer.layer.weight_bits / 1024,
                    "weights_in": layer.placement.kind,
                    "lanes": layer.lanes,
                    "reads_per_event": round(float(reads.mean()), 1),
                    "cycles_per_event": _event_cycles(layer, reads),
                    "current_bits": layer.current.bits,
                    "potential_bits": layer.potential.bits,
                }
                for layer, reads, stored in zip(
                    self.settings.pipeline.layers,
                    self.settings.pipeline.network.reads_by_source,
                    [each.stored for each in self.settings.pipeline.network.layers],
                    strict=True,
                )
            ],
            "silent_layers": self.silent,
            "advice": self.advice,
        }


def map_memories(settings: BuildSettings) -> dict[str, int]:
    """Return the cells of a design whose memories are mapped, with their widths.

    :raises InputError: yosys is missing or fails, or the board's clock cannot make the bit rate.
    """
    board = settings.board
    clock_hz = board.clock_hz if settings.clock_hz == FASTEST else float(settings.clock_hz)
    top = BoardTop(settings.top(clock_hz), None, settings.flash)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / DESIGN).write_text(to_rtlil(top, board.device))
        memory_mapping(board, settings.job).run(folder, kept=False)
        return read_cells((folder / STATISTICS).read_text())


def check(settings: BuildSettings, traces: Sequence[Trace]) -> Findings:
    """Map the design's memories for the board and estimate the rest.

    :param traces: of some images, to find layers that stay silent; may be empty.
    :raises InputError: yosys is missing or fails, or the board's clock cannot make the bit rate.
    """
    found = _count(settings)
    if not found.fits:
        instead = find_fitting(settings, found.luts, lambda other: _count(other).fits)
        found = replace(found, instead=instead)

    layers = range(len(settings.pipeline.layers))
    silent = [layer for layer in layers if not any(trace.events[layer] for trace in traces)]
    return replace(found, silent=silent if traces else None)


def _count(settings: BuildSettings) -> Findings:
    """Return the findings about room."""
    cells, device = map_memories(settings), settings.board.device
    family, kept = device.family, bits_in_logic(settings.placed, device)
    return Findings(
        settings,
        blocks=cells.get(family.block_cell, 0),
        sprams=cells.get(family.spram_cell, 0),
        luts=logic(cells, family, kept),
        silent=None,
    )


def _sizes(layer: LayerParameters) -> str:
    """Return inputs and neurons of a dense layer, the map of neurons of a convolution."""
    connection = layer.layer.connection
    if isinstance(connection, Convolution):
        return "x".join(str(size) for size in connection.output)
    return connection.sizes


def _event_cycles(layer: LayerParameters, reads: npt.NDArray[np.int64]) -> float:
    """Return the cycles from one event to the next, of a convolution the mean over its inputs.

    :param reads: weights that an event of each input looks up.
    """
    if layer.placement.in_flash:
        return row_cycles(layer.rows, layer.placement.wires)
    if not layer.scattered:
        return layer.folds
    return round(float(np.maximum(reads / layer.lanes, 1).mean()), 1)


def table(findings: Findings) -> RenderableType:
    """Return the findings for a terminal."""
    found = findings.to_json()
    layers = Table(title=f"{found['board']}: {found['verdict']}")
    for column in ("layer", *[key for key in found["layers"][0] if key != "weights"]):
        layers.add_column(column.replace("_", " "), justify="right")

    for index, layer in enumerate(found["layers"]):
        cells = [
            value if isinstance(value, str) else f"{value:g}"
            for key, value in layer.items()
            if key != "weights"
        ]
        layers.add_row(str(index), *cells)

    grid = Table.grid(padding=(0, 2))
    for key in ("block_ram", "spram", "luts_about"):
        used, there = found[key]
        grid.add_row(key.replace("_", " "), f"{used} of {there}")
    silent = found["silent_layers"]
    grid.add_row(
        "silent layers", "unknown: no vectors" if silent is None else str(silent or "none")
    )
    return Group(layers, grid, *found["advice"])
