"""The table of boards and networks: accuracy, logic, memory, clock, time and weights read per
image.

`--build` trains and builds what is missing under build/boards (hours); without it, the reports
there are shown.

example: python benchmarks/boards.py --build --only icebreaker
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.console import run_command
from sim.errors import InputError

FOLDER = Path("build/boards")


@dataclass(frozen=True)
class Row:
    """A network on a board.

    :param name: of its folder under build/boards.
    :param board: a name of `hw boards`.
    :param train: options of `train export`.
    :param build: options of `hw build`.
    """

    name: str
    board: str
    train: tuple[str, ...]
    build: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where network and reports go."""
        return FOLDER / self.name

    def commands(self) -> list[list[str]]:
        """Return what makes the row, in order."""
        network, built = str(self.folder), str(self.folder / self.board)
        return [
            ["-m", "train", "export", "--out", network, *self.train],
            ["-m", "sim", "report", network, "--json", str(self.folder / "sim.json")],
            ["-m", "hw", "build", network, "--board", self.board, "--out", built, *self.build],
        ]


ROWS = (
    Row("folded", "ulx3s-85f", (), ("--lanes", "40", "--clock-mhz", "50", "--seed", "2")),
    Row(
        "row-per-cycle",
        "ulx3s-85f",
        ("--inputs", "512"),
        ("--clock-mhz", "60", "--router", "router2", "--seed", "2"),
    ),
    Row(
        "small",
        "ulx3s-25f",
        ("--inputs", "512", "--hidden", "224"),
        ("--lanes", "16", "--clock-mhz", "50"),
    ),
    Row(
        "up5k",
        "icebreaker",
        ("--preset", "frugal", "--hidden", "160"),
        ("--lanes", "8", "--clock-mhz", "auto"),
    ),
    Row(
        "hx8k",
        "hx8k-breakout",
        ("--pool", "2", "--hidden", "48", "--warp", "0.3", "--epochs", "60"),
        ("--clock-mhz", "auto"),
    ),
)


def figures(row: Row) -> dict[str, Any] | None:
    """Return what is known of a row; None if it is not built."""
    report_file, sim_file = row.folder / row.board / "report.json", row.folder / "sim.json"
    if not (report_file.is_file() and sim_file.is_file()):
        return None
    report, measured = json.loads(report_file.read_text()), json.loads(sim_file.read_text())

    # iCE40's reports count logic cells, each with one LUT
    resources = {name.replace("LC", "LUT"): count for name, count in report["resources"].items()}
    sizes = [*(shape[0] for shape in report["layers"]), report["layers"][-1][1]]

    return {
        "board": row.board,
        "network": "-".join(map(str, sizes)),
        "bits": report["weight_bits"][0],
        "lanes": report["lanes"],
        "accuracy": measured["accuracy"],
        "luts": resources["LUT"],
        "block_ram": resources["block RAM"],
        "spram": resources.get("SPRAM", [0, 0]),
        "fmax_mhz": report["fmax_mhz"],
        "us_per_image": report["us_per_image"],
        "reads_per_image": measured["weight_reads_per_image"],
    }


def markdown(found: list[dict[str, Any]]) -> str:
    """Return the table of the README."""
    columns = ("board", "network", "bits", "lanes", "accuracy", "LUT", "block RAM", "Fmax")
    columns += ("us/decision, input not counted", "reads/image")
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]

    for row in found:
        luts, blocks, spram = (
            " / ".join(map(str, row[key])) for key in ("luts", "block_ram", "spram")
        )
        blocks += f" + SPRAM {spram}" if row["spram"][0] else ""
        cells = (
            *(str(row[key]) for key in ("board", "network", "bits", "lanes")),
            *(f"{row['accuracy']:.2%}", luts, blocks, f"{row['fmax_mhz']:.0f} MHz"),
            *(f"{row['us_per_image']:.2f}", f"{row['reads_per_image']:.0f}"),
        )
        lines.append(f"| {' | '.join(cells)} |")

    return "\n".join(lines)


def main() -> int:
    """Build what is missing if asked to, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--build", action="store_true", help="train and build what is missing")
    parser.add_argument("--only", metavar="BOARD", help="only this board's rows")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    rows = [row for row in ROWS if arguments.only in (None, row.board)]
    for row in rows:
        if arguments.build and figures(row) is None:
            for command in row.commands():
                if subprocess.run([sys.executable, *command], check=False).returncode:
                    raise InputError(f"{row.name}: `python {' '.join(command)}` fails; see above.")

    found = [known for row in rows if (known := figures(row)) is not None]
    print(json.dumps(found, indent=2) if arguments.json else markdown(found))
    return 0


if __name__ == "__main__":
    run_command(main)
