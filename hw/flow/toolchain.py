"""From a design to a bitstream: yosys, nextpnr and a packer, one stage after the other in one
folder.
"""

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hw.boards.table import Board
from hw.flow.selections import REPLICAS, SEPARATE, WEIGHT_MEMORIES, Expected
from hw.tools import Ended, find_tool, run_tool
from sim.errors import InputError
from sim.files import AnyPath

DESIGN = "top.il"
NETLIST = "top.json"
STATISTICS = "cells.json"
ROUTED_REPORT = "routed.json"
SEED = 1
PLACERS = ("sa", "heap", "static")
ROUTERS = ("router1", "router2")

_RENAMED = "Assertion failed: selection"
"""How yosys begins to say that a selection has less than was expected."""

_USED = re.compile(r"Info:\s+(\w+):\s*(\d+)/\s*(\d+)")
"""How nextpnr says what it packed: a cell, how many of them, and of how many."""


@dataclass(frozen=True)
class Stage:
    """One tool's run.

    :param name: for the progress bar.
    :param tool: without path, see :func:`hw.tools.find_tool`.
    :param arguments: file names are relative: the tools from pip see the folder they run in and
        nothing else.
    :param log: the file to which it writes all it says; if empty, its output goes to ``TOOL.log``.
    :param reads: the files that it reads and no stage before it writes.
    """

    name: str
    tool: str
    arguments: tuple[str, ...]
    log: str = ""
    reads: tuple[str, ...] = ()

    def run(self, folder: AnyPath, kept: bool = True) -> None:
        """Run the tool in ``folder``.

        :param kept: whether the folder stays, so that a message can name a log in it.
        :raises InputError: it is missing, or fails; with its last error.
        """
        folder = Path(folder)
        output = folder / f"{self.tool}.log"
        ended = run_tool([find_tool(self.tool), *self.arguments], folder, output)
        if ended.failure is None:
            return

        # a tool that is killed early has not begun its own log
        log = folder / self.log if self.log else output
        if log.is_file() and log != output:
            written = log.read_text(errors="replace")
            ended = replace(ended, said=written if written.strip() else ended.said)
        where = [f"command, in {folder}: {ended.line}"] if kept else [f"command: {ended.line}"]
        where += [f"all it said: {log}"] if kept and log.is_file() and ended.error else []
        raise InputError(
            f"{self.name}: {self.tool} {ended.failure}{self._remedy(ended)} ({'; '.join(where)})."
        )

    def _remedy(self, ended: Ended) -> str:
        """Return what to do about an error, as the end of a sentence."""
        if ended.error.startswith(_RENAMED):
            return "; a part of the gateware no longer has its name in hw/flow/selections.py"
        if self.tool.startswith("nextpnr"):
            # the cell that finds no place is any of those that there are too many of
            for cell, used, there in _USED.findall(ended.said):
                if int(used) > int(there):
                    return f"; {used} {cell} are needed and {there} there"
            return "; `python -m hw check` says whether it fits"
        return ""


def run_stages(
    chosen: Sequence[Stage], folder: AnyPath, progress: Callable[[Stage], object], more: bytes = b""
) -> dict[str, float]:
    """Run the stages in ``folder``; return the seconds of each.

    A stage whose tool finished before on the same inputs with the same arguments is not run again:
    0 seconds.

    :param progress: receives each stage before it begins.
    :param more: what the stages depend on beside the files that they read.
    :raises InputError: a tool is missing, or fails.
    """
    folder = Path(folder)
    inputs = hashlib.sha256(more)
    seconds: dict[str, float] = {}
    for stage in chosen:
        progress(stage)
        # a stage depends on all that those before it depend on, so that stays in the hash
        for file in stage.reads:
            inputs.update((folder / file).read_bytes())
        inputs.update(repr((stage.tool, stage.arguments)).encode())
        finished, began_s = folder / f"{stage.tool}.done", time.monotonic()

        if not finished.is_file() or finished.read_text() != inputs.hexdigest():
            finished.unlink(missing_ok=True)
            stage.run(folder)
            finished.write_text(inputs.hexdigest())
        seconds[stage.name] = round(time.monotonic() - began_s, 1)
    return seconds


@dataclass(frozen=True)
class Job:
    """How a design is placed and routed.

    :param seed: of placement.
    :param placer: of nextpnr; None: its own choice.
    :param router: of nextpnr; None: its own choice.
    :param exchangeable: its weights are to be found again, so they stay in block RAM, whatever
        their size.
    :param expected: what the scripts must find in the design, see :mod:`hw.flow.selections`.
    """

    seed: int = SEED
    placer: str | None = None
    router: str | None = None
    exchangeable: bool = False
    expected: Expected = ()


def stages(board: Board, clock_hz: float, job: Job) -> Sequence[Stage]:
    """Return the stages from ``top.il`` to the routed design."""
    device, family = board.device, board.device.family
    script = (
        f"{_read(job)}; {device.synthesis} -top top -json {NETLIST}; "
        f"tee -q -o {STATISTICS} stat -json"
    )

    routing = ["--json", NETLIST, "--report", ROUTED_REPORT]
    # a clock that is missed is no failure of the router's: `build` says what is reached
    routing += ["--seed", str(job.seed), "--timing-allow-fail", "--freq", f"{clock_hz / 1e6:.3f}"]
    routing += [f"--{device.size}", "--package", board.package]
    if job.placer is not None:
        routing += ["--placer", job.placer]
    if job.router is not None:
        routing += ["--router", job.router]

    kind = family.pin_file_kind
    routing += [f"--{kind}", board.pins] if board.pins else [f"--{kind}-allow-unconstrained"]
    routing += [*family.routing, family.routed_file]
    return [
        _yosys("synthesis", script),
        Stage(
            "place and route",
            family.router,
            tuple(routing),
            reads=(board.pins,) if board.pins else (),
        ),
    ]


def packing(board: Board, design: str) -> Stage:
    """Return the stage from a routed ``design`` to the bitstream."""
    family = board.device.family
    arguments = (*family.packing, design, family.bitstream_file)
    return Stage("bitstream", family.packer, arguments)


def memory_mapping(board: Board, job: Job) -> Stage:
    """Return the first part of synthesis, up to where memories have become block RAM or flip-flops,
    and nothing else is mapped; counts cells with widths.
    """
    script = (
        f"{_read(job)}; {board.device.synthesis} -top top -run begin:map_gates; "
        f"tee -q -o {STATISTICS} stat -json -width"
    )
    return _yosys("memory mapping", script)


def _yosys(name: str, script: str) -> Stage:
    """Return a run of yosys; it writes its log itself, for the one from pip is mute once it has run
    ABC.
    """
    log = f"{name.replace(' ', '_')}.log"
    return Stage(name, "yosys", ("-q", "-l", log, "-p", script), log, reads=(DESIGN,))


def _read(job: Job) -> str:
    """Return the script that reads the design, and keeps yosys from three mistakes.

    It adds bypasses to memories that do not need them, unless their ports are marked as separate.
    It makes one register of several that hold the same, also where they are several because a net
    from one would be too slow. Its ABC9 pass mixes up wires that are named like bits of others, as
    the elements of Amaranth's arrays are (``word[3]``), and may fail.
    """
    commands = [f"read_rtlil {DESIGN}", "rename -hide */w:*]"]
    # commands on an empty selection succeed, so what must be there is asserted before them
    commands += [f"select -assert-min {least} {selected}" for selected, least in job.expected]
    commands.append(f"setparam -set COLLISION_X_MASK 1'1 {' '.join(SEPARATE)}")
    if job.exchangeable:
        commands.append(f'setattr -set ram_style "block" {WEIGHT_MEMORIES}')
    commands.append(f"setattr -set keep 1 {REPLICAS}")
    return "; ".join(commands)
