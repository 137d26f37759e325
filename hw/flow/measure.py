"""What the tools report about a design, read into numbers."""

import json
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from hw.fpga.family import Family
from sim.errors import InputError


@dataclass(frozen=True)
class RoutedClock:
    """A clock after routing.

    :param achieved_mhz: what it reaches.
    :param asked_mhz: what it was to reach.
    """

    achieved_mhz: float
    asked_mhz: float


@dataclass(frozen=True)
class CriticalPath:
    """The slowest path between two flip-flops of one clock.

    :param start: name of its first cell.
    :param end: of its last one.
    :param delay_ns: of the whole path.
    :param routing_ns: of that, in nets.
    :param cells: logic cells on it.
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
    :param critical: the slowest path; None: there is no path between two flip-flops.
    """

    resources: dict[str, tuple[int, int]]
    clocks: dict[str, RoutedClock]
    critical: CriticalPath | None

    @property
    def fmax_mhz(self) -> float:
        """Of the machine's clock: the slowest of all."""
        return min(clock.achieved_mhz for clock in self.clocks.values())


def read_routed(text: str, family: Family) -> Routed:
    """Read nextpnr's ``--report``.

    :raises InputError: it is not one, or lacks a part.
    """
    try:
        report = json.loads(text)
        used = report["utilization"]
        resources = {
            name: (used[cell]["used"], used[cell]["available"])
            for name, cell in family.resources.items()
            if cell in used
        }
        clocks = {
            net: RoutedClock(entry["achieved"], entry["constraint"])
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


def _path(path: dict[str, Any]) -> CriticalPath:
    steps = path["path"]
    return CriticalPath(
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
        share = f"{used / available:.0%}" if available else ""
        table.add_row(name, str(used), str(available), share)

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
