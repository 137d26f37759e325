"""What the tools said about a design: their reports, read into numbers."""

import json
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from sim.errors import InputError

RESOURCES = {
    "ecp5": {"LUT": "TRELLIS_COMB", "FF": "TRELLIS_FF", "block RAM": "DP16KD", "DSP": "MULT18X18D"},
    "ice40": {
        "LC": "ICESTORM_LC",
        "block RAM": "ICESTORM_RAM",
        "SPRAM": "ICESTORM_SPRAM",
        "DSP": "ICESTORM_DSP",
    },
}
"""Our names of what nextpnr counts; a logic cell (LC) of iCE40 is a LUT, a flip-flop, or both."""


@dataclass(frozen=True)
class Clock:
    """A clock after routing: what it reaches, and what was asked for."""

    achieved_mhz: float
    asked_mhz: float


@dataclass(frozen=True)
class Path:
    """The slowest way between two flip-flops of one clock: its cells' names, delay, and share of
    wires in it.
    """

    start: str
    end: str
    delay_ns: float
    routing_ns: float
    cells: int


@dataclass(frozen=True)
class Routed:
    """What nextpnr reports.

    :param resources: name to used and available.
    :param clocks: by net.
    """

    resources: dict[str, tuple[int, int]]
    clocks: dict[str, Clock]
    critical: Path | None

    @property
    def fmax_mhz(self) -> float:
        """Of the machine's clock: the slowest of all."""
        return min(clock.achieved_mhz for clock in self.clocks.values())


def read_routed(text: str, family: str) -> Routed:
    """Read nextpnr's ``--report``.

    :raises InputError: it is not one, or lacks a part.
    """
    try:
        report = json.loads(text)
        used = report["utilization"]
        resources = {
            name: (used[cell]["used"], used[cell]["available"])
            for name, cell in RESOURCES[family].items()
            if cell in used
        }
        clocks = {
            net: Clock(entry["achieved"], entry["constraint"])
            for net, entry in report["fmax"].items()
        }
        paths = [_path(path) for path in report["critical_paths"] if path["from"] == path["to"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"place and route: its report cannot be read ({error!r}); update nextpnr."
        ) from error
    if not clocks:
        raise InputError("place and route: reports no clock; the design has no flip-flop.")
    return Routed(resources, clocks, max(paths, key=lambda path: path.delay_ns, default=None))


def _path(path: dict[str, Any]) -> Path:
    steps = path["path"]
    return Path(
        start=steps[0]["from"]["cell"],
        end=steps[-1]["to"]["cell"],
        delay_ns=round(sum(step["delay"] for step in steps), 3),
        routing_ns=round(sum(step["delay"] for step in steps if step["type"] == "routing"), 3),
        cells=sum(step["type"] == "logic" for step in steps),
    )


def read_cells(text: str) -> dict[str, int]:
    """Read the cell counts of yosys' ``stat -json``.

    :raises InputError: it is not one.
    """
    try:
        return {
            name: int(count)
            for name, count in json.loads(text)["design"]["num_cells_by_type"].items()
        }
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"synthesis: its statistics cannot be read ({error!r}); update yosys."
        ) from error


def summary(report: dict[str, Any]) -> Table:
    """Return a build's report as a table."""
    table = Table(title=f"{report['board']}, network {report['digest']}, {report['lanes']} lanes")
    for column in ("", "used", "available", ""):
        table.add_column(column, justify="right" if column else "left")
    for name, (used, available) in report["resources"].items():
        table.add_row(
            name, str(used), str(available), f"{used / available:.0%}" if available else ""
        )
    table.add_row("clock, MHz", f"{report['clock_mhz']:.1f}", f"{report['fmax_mhz']:.1f}", "")
    path = report["critical_path"]
    if path is not None:
        share = f"{path['routing_ns'] / path['delay_ns']:.0%} wires" if path["delay_ns"] else ""
        table.add_row(
            "slowest path, ns", f"{path['delay_ns']:.1f}", "", f"{path['cells']} cells, {share}"
        )
        table.add_row("", "", "", f"{path['start']} -> {path['end']}")
    if report["cycles_per_image"] is not None:
        table.add_row(
            "cycles per image", f"{report['cycles_per_image']:.1f}", "", "first event to decision"
        )
        table.add_row(
            "us per image",
            f"{report['us_per_image']:.2f}",
            "",
            f"{report['images_per_s']:.0f} images/s",
        )
    table.add_row("bitstream", report["bitstream"] or "none", "", "")
    return table
