"""From a network to a bitstream, and to the figures of what was built."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hw.bench.simulate import Simulation, simulate
from hw.boards.table import Board
from hw.boards.top import BoardTop
from hw.flow import toolchain
from hw.flow.clock import choose_dividers
from hw.flow.measure import Routed, read_cells, read_routed
from hw.flow.reuse import check_structure, contents, exchange, structure
from hw.flow.seeds import run_tools
from hw.flow.settings import FASTEST, BuildSettings
from hw.flow.toolchain import packing, run_stages
from hw.parameters import MachineParameters
from hw.rows import BLOCK
from hw.storage.flash import OFFSET, WEIGHTS_FILE, image
from hw.verilog import to_rtlil
from sim.errors import InputError
from sim.files import AnyPath, atomic_path

REPORT_FILE = "report.json"
WORK = "work"
"""Folder of the tools' files and logs, beside the report; it may be deleted."""

STRUCTURE = "structure.json"
"""Beside the routed design: what other weights must have in common with these."""

_ATTEMPTS, _STEP = 4, 0.03
"""How often, and by how much slower each time, a missed clock is tried again."""


@dataclass(frozen=True, eq=False)
class Built:
    """What was built.

    :param settings: with the seed that was kept.
    :param clock_hz: the machine's clock.
    :param routed: the router's report.
    :param cells: yosys' count of cells, by type.
    :param seconds: that each stage took.
    :param bitstream: None without a board.
    :param cycles: mean per image from its first event to the decision, if events come back to back;
        None: no images.
    """

    settings: BuildSettings
    clock_hz: float
    routed: Routed
    cells: dict[str, int]
    seconds: dict[str, float]
    bitstream: Path | None = None
    cycles: float | None = None

    @property
    def met(self) -> bool:
        """Whether the design reaches its clock."""
        return self.clock_hz <= self.routed.fmax_mhz * 1e6

    def to_json(self) -> dict[str, Any]:
        """Return the report."""
        machine, routed = self.settings.pipeline, self.routed
        network, cycles = machine.network, self.cycles

        return {
            "board": self.settings.board.name,
            "digest": f"{network.digest:08x}",
            "layers": [list(layer.weight.shape) for layer in network.layers],
            "weight_bits": [layer.weight_bits for layer in network.layers],
            "lanes": machine.lanes,
            "provenance": network.provenance,
            "seed": self.settings.seed,
            "clock_mhz": self.clock_hz / 1e6,
            "fmax_mhz": routed.fmax_mhz,
            "timing_met": self.met,
            "resources": {name: list(count) for name, count in routed.resources.items()},
            "cells": self.cells,
            "critical_path": None if routed.critical is None else vars(routed.critical),
            "seconds": self.seconds,
            "cycles_per_image": cycles,
            "us_per_image": None if cycles is None else cycles / self.clock_hz * 1e6,
            "images_per_s": None if cycles is None else self.clock_hz / cycles,
            "bitstream": None if self.bitstream is None else self.bitstream.name,
            "weights": None
            if machine.flash_layer is None
            else {"file": WEIGHTS_FILE, "offset": OFFSET},
        }


def build(
    settings: BuildSettings,
    out: AnyPath,
    progress: Callable[[str], object] = lambda _: None,
    images: npt.NDArray[np.uint8] | None = None,
) -> Built:
    """Build into ``out``.

    :param progress: receives the name of each stage before it begins.
    :param images: uint8 (n, height, width), run through the compiled pipeline and compared with
        sim, to count cycles.
    :raises InputError: a tool is missing or fails, the design does not fit, or it does not reach
        the clock asked for; then no bitstream is in ``out``, but the report is.
    """
    out = Path(out)
    for name in (settings.board.device.family.bitstream_file, WEIGHTS_FILE):
        (out / name).unlink(missing_ok=True)
    if settings.reuse:
        settings = _as_routed(settings, out / WORK)

    if settings.clock_hz == FASTEST:
        built = _build_fastest(settings, out, progress)
    else:
        built = _build_at(settings, float(settings.clock_hz), out, progress)

    if images is not None:
        progress("cycles")
        built = replace(built, cycles=_mean_cycles(settings.pipeline, images))
    if built.met and settings.board.pins:
        _write_weights(settings.pipeline, out)
        built = replace(built, bitstream=_keep_bitstream(settings.board, out))

    with atomic_path(out / REPORT_FILE) as beside:
        beside.write_text(json.dumps(built.to_json(), indent=2) + "\n", encoding="utf-8")
    if not built.met:
        raise InputError(
            f"timing: the clock reaches {built.routed.fmax_mhz:.1f} MHz, "
            f"not {built.clock_hz / 1e6:g}; build with --clock-mhz {FASTEST} or with fewer lanes "
            f"(report: {out / REPORT_FILE})."
        )
    return built


def _write_weights(machine: MachineParameters, out: Path) -> None:
    """Write what belongs into the board's flash, if weights are stored there."""
    if machine.flash_layer is not None:
        rows = machine.layers[machine.flash_layer].rows
        with atomic_path(out / WEIGHTS_FILE) as beside:
            beside.write_bytes(image(rows, machine.network.digest))


def _mean_cycles(machine: MachineParameters, images: npt.NDArray[np.uint8]) -> float:
    # Block RAM has the pace of SPRAM of its own, and nobody has to load it.
    filled, loaded = machine, machine.loaded_layer
    if loaded is not None and not machine.shared_layers:
        filled = machine.with_placement(loaded, BLOCK)
    return sum(trace.cycles for trace in simulate(Simulation(filled), images)) / len(images)


def _build_fastest(settings: BuildSettings, out: Path, progress: Callable[[str], object]) -> Built:
    """Route to learn what is reached, then at that clock; routing varies, so again a little slower
    if it is missed.
    """
    built = _build_at(settings, settings.board.clock_hz, out, progress)
    reached_hz = built.routed.fmax_mhz * 1e6
    if settings.board.pins is None:
        return replace(built, clock_hz=reached_hz)

    # the clock that was reached is asked for now, which changes what is routed, and what is reached
    for attempt in range(_ATTEMPTS):
        built = _build_at(settings, reached_hz * (1 - _STEP * attempt), out, progress)
        if built.met:
            break
    return built


def _build_at(
    settings: BuildSettings, at_most_hz: float, out: Path, progress: Callable[[str], object]
) -> Built:
    """Build for the highest clock that the board makes up to ``at_most_hz``."""
    board, work = settings.board, out / WORK
    dividers = choose_dividers(board, at_most_hz)
    clock_hz = at_most_hz if board.pins is None else board.oscillator_hz
    if dividers is not None:
        clock_hz = dividers.output_hz

    progress("gateware")
    began_s = time.monotonic()
    top = BoardTop(settings.top(clock_hz), dividers, settings.flash)
    work.mkdir(parents=True, exist_ok=True)
    (work / toolchain.DESIGN).write_text(to_rtlil(top, board.device))
    if board.pin_file is not None:
        shutil.copyfile(board.pin_file, work / board.pin_file.name)

    seconds = {"gateware": round(time.monotonic() - began_s, 1)}
    job, tool_seconds = run_tools(board, clock_hz, settings.job, settings.search, work, progress)
    seconds |= tool_seconds
    if board.pins is not None:
        seconds |= _pack(settings, work, progress)
    if settings.reuse:
        with atomic_path(work / STRUCTURE) as beside:
            beside.write_text(json.dumps(_structure(settings) | {"clock": clock_hz}))

    return Built(
        replace(settings, seed=job.seed),
        clock_hz,
        read_routed((work / toolchain.ROUTED_REPORT).read_text(), board.device.family),
        read_cells((work / toolchain.STATISTICS).read_text()),
        seconds,
    )


def _pack(
    settings: BuildSettings, work: Path, progress: Callable[[str], object]
) -> dict[str, float]:
    """Make the bitstream; before that, if it was placed with other weights, put these ones in."""
    board, family = settings.board, settings.board.device.family
    design = family.routed_file

    if settings.reuse:
        progress("weights")
        placed = contents(settings.placed)
        wanted = contents(replace(settings.pipeline, exchangeable=True))
        text = (work / design).read_text()
        design = f"exchanged{Path(design).suffix}"
        (work / design).write_text(exchange(text, family.block_format, placed, wanted))

    packed = (work / design).read_bytes()
    return run_stages([packing(board, design)], work, lambda stage: progress(stage.name), packed)


def _structure(settings: BuildSettings) -> dict[str, Any]:
    """Return what must be equal for a routed design to be used again."""
    return structure(settings.pipeline, settings.board.name, settings.baud)


def is_routed(settings: BuildSettings, out: AnyPath) -> bool:
    """Whether ``out`` has a routed design whose weights are exchanged."""
    return settings.reuse and (Path(out) / WORK / STRUCTURE).is_file()


def _as_routed(settings: BuildSettings, work: Path) -> BuildSettings:
    """Return the settings with the clock of what was routed before, if anything was.

    :raises InputError: its structure is another one.
    """
    if not (work / STRUCTURE).is_file():
        return settings

    before = json.loads((work / STRUCTURE).read_text())
    clock_hz = before.pop("clock")
    check_structure(before, _structure(settings), work)
    return replace(settings, clock_hz=clock_hz) if settings.clock_hz == FASTEST else settings


def _keep_bitstream(board: Board, out: Path) -> Path:
    name = board.device.family.bitstream_file
    with atomic_path(out / name) as beside:
        shutil.copyfile(out / WORK / name, beside)
    return out / name
