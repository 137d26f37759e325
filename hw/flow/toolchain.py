"""From a design to a bitstream: yosys, nextpnr and a packer, one stage after the other in one
folder.
"""

import hashlib
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw.boards.table import Board
from hw.verilog import find_tool
from sim.errors import InputError

DESIGN = "top.il"
NETLIST = "top.json"
STATISTICS = "cells.json"
ROUTED_REPORT = "routed.json"
SEED = 1
PLACERS = ("sa", "heap", "static")
ROUTERS = ("router1", "router2")


@dataclass(frozen=True)
class Stage:
    """One tool's run.

    :param name: for the progress bar.
    :param tool: without path, see :func:`hw.verilog.find_tool`.
    :param arguments: file names are relative: the tools from pip see the folder they run in and
        nothing else.
    :param log: the file to which it writes all it says; if empty, its output goes to ``TOOL.log``.
    """

    name: str
    tool: str
    arguments: tuple[str, ...]
    log: str = ""

    def run(self, folder: Path) -> None:
        """Run the tool in ``folder``.

        :raises InputError: it is missing, or fails; with its last error.
        """
        output = folder / f"{self.tool}.log"
        log = folder / self.log if self.log else output
        command = [find_tool(self.tool), *self.arguments]
        with output.open("w") as file:
            done = subprocess.run(
                command, cwd=folder, stdout=file, stderr=subprocess.STDOUT, check=False
            )
        if done.returncode:
            remedy = (
                "; `python -m hw check` says whether it fits"
                if self.tool.startswith("nextpnr")
                else ""
            )
            raise InputError(
                f"{self.name}: {self.tool} fails, {_last_error(log)}{remedy} (all it said: {log})."
            )


def run_stages(
    chosen: Sequence[Stage], folder: Path, progress: Callable[[Stage], object], more: bytes = b""
) -> dict[str, float]:
    """Run the stages on ``folder``'s design and pins; return the seconds of each.

    A stage whose tool finished before on the same inputs with the same arguments is not run again:
    0 seconds.

    :param more: what the stages depend on beside these files.

    :raises InputError: a tool is missing, or fails.
    """
    inputs = hashlib.sha256(more)
    for file in sorted(folder.glob("*.il")) + sorted(folder.glob("*.[lp][pc]f")):
        inputs.update(file.read_bytes())
    seconds: dict[str, float] = {}
    for stage in chosen:
        progress(stage)
        inputs.update(repr((stage.tool, stage.arguments)).encode())
        finished, began_s = folder / f"{stage.tool}.done", time.monotonic()
        if not finished.is_file() or finished.read_text() != inputs.hexdigest():
            finished.unlink(missing_ok=True)
            stage.run(folder)
            finished.write_text(inputs.hexdigest())
        seconds[stage.name] = round(time.monotonic() - began_s, 1)
    return seconds


def _last_error(log: Path) -> str:
    if not log.exists():
        return "silently"
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["silently"])[-1].removeprefix("ERROR: ").rstrip(".")


@dataclass(frozen=True)
class Job:
    """How a design is placed and routed.

    :param seed: of placement.
    :param placer: of nextpnr,
    :param router: too; None: its own choice.
    :param exchangeable: its weights are to be found again, so they stay in block RAM, whatever
        their size.
    """

    seed: int = SEED
    placer: str | None = None
    router: str | None = None
    exchangeable: bool = False


def stages(board: Board, clock_hz: float, job: Job) -> Sequence[Stage]:
    """Return the stages from ``top.il`` to the routed design."""
    ecp5 = board.device.family == "ecp5"
    synthesis = _SYNTHESIS["ecp5" if ecp5 else board.device.size]
    script = (
        f"{_read(job)}; {synthesis} -top top -json {NETLIST}; tee -q -o {STATISTICS} stat -json"
    )
    routing = (
        "--json",
        NETLIST,
        "--report",
        ROUTED_REPORT,
        "--seed",
        str(job.seed),
        "--timing-allow-fail",
    )
    routing += (
        "--freq",
        f"{clock_hz / 1e6:.3f}",
        f"--{board.device.size}",
        "--package",
        board.package,
    )
    if job.placer is not None:
        routing += ("--placer", job.placer)
    if job.router is not None:
        routing += ("--router", job.router)
    kind = "lpf" if ecp5 else "pcf"
    routing += (f"--{kind}", board.pins) if board.pins else (f"--{kind}-allow-unconstrained",)
    routing += ("--speed", "6", "--textcfg") if ecp5 else ("--asc",)
    return [
        _yosys("synthesis", script),
        Stage(
            "place and route",
            "nextpnr-ecp5" if ecp5 else "nextpnr-ice40",
            (*routing, routed(board)),
        ),
    ]


def packing(board: Board, design: str) -> Stage:
    """Return the stage from a routed ``design`` to the bitstream."""
    if board.device.family == "ecp5":
        return Stage("bitstream", "ecppack", ("--compress", design, bitstream(board)))
    return Stage("bitstream", "icepack", (design, bitstream(board)))


def routed(board: Board) -> str:
    """Return the name of the file that nextpnr writes."""
    return "top.config" if board.device.family == "ecp5" else "top.asc"


def memory_mapping(board: Board, job: Job) -> Stage:
    """Return the first part of synthesis, up to where memories have become block RAM; counts cells
    with widths.
    """
    synthesis = _SYNTHESIS["ecp5" if board.device.family == "ecp5" else board.device.size]
    script = f"{_read(job)}; {synthesis} -top top -run begin:map_ffram; tee -q -o {STATISTICS} stat -json -width"
    return _yosys("memory mapping", script)


def _yosys(name: str, script: str) -> Stage:
    """Return a run of yosys; it writes its log itself, for the one from pip is mute once it has run
    ABC.
    """
    log = f"{name.replace(' ', '_')}.log"
    return Stage(name, "yosys", ("-q", "-l", log, "-p", script), log)


SEPARATE = "*.neurons/t:$memrd_v2 *.weights.store.words/t:$memrd_v2 *.learner.inputs/t:$memrd_v2"
"""Memories in which nothing is read in the cycle in which it is written, or nobody looks at it:
state (:mod:`hw.machine.neurons`), weights that learn (:mod:`hw.storage.writable`), what a lesson
keeps (:mod:`hw.learning.supervised.input_weights`).
"""


def _read(job: Job) -> str:
    """Return the script that reads the design, and keeps yosys from three mistakes.

    Without being told that they are separate, it adds bypasses to memories. It makes registers that
    hold the same one, also where they are several because a wire from one would be too slow. Its
    ABC9 pass mixes up wires that are named like bits of others, as the elements of Amaranth's
    arrays are (``word[3]``), and may fail.
    """
    keep = '; setattr -set ram_style "block" *.weights*/m:*' if job.exchangeable else ""
    keep += "; setattr -set keep 1 */a:replica %ci:+[Q] */t:$*dff* %i"
    return f"read_rtlil {DESIGN}; rename -hide */w:*]; setparam -set COLLISION_X_MASK 1'1 {SEPARATE}{keep}"


_SYNTHESIS = {
    "ecp5": "synth_ecp5",
    "up5k": "synth_ice40 -device u",
    "hx8k": "synth_ice40 -device hx",
}


def bitstream(board: Board) -> str:
    """Return the name of the bitstream's file."""
    return "top.bit" if board.device.family == "ecp5" else "top.bin"
