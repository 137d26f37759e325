"""Draws the block diagrams of ``docs/architecture.md``: ``packages.svg`` and ``gateware.svg``.

    python docs/diagrams.py

A diagram is a list of boxes and arrows on a grid of one unit per line of text.
"""

from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

DOCS = Path(__file__).parent

INK, GREY, LINE = "#1f2933", "#616e7c", "#9aa5b1"
TRAIN, SIM, HW, FILE, LEARN = "#fdf0e6", "#e8f1fb", "#eaf6ec", "#f5f7fa", "#faf5ff"


def canvas(width: float, height: float) -> Axes:
    """Return axes on a white card, ``width`` x ``height`` units, the first unit at the top left."""
    mpl.rcParams.update(
        {
            "font.size": 9.5,
            "font.family": "DejaVu Sans",
            "text.color": INK,
            "svg.hashsalt": "firstspike",
        }
    )
    figure = plt.figure(figsize=(9.6, 9.6 * height / width))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    card = FancyBboxPatch(
        (0.15, 0.15), width - 0.3, height - 0.3, boxstyle="round,pad=0,rounding_size=0.6"
    )
    card.set(facecolor="white", edgecolor="#cbd2d9", linewidth=1)
    axes.add_patch(card)
    return axes


def box(
    axes: Axes,
    area: tuple[float, float, float, float],
    colour: str,
    title: str,
    *lines: str,
    dashed: bool = False,
    top: bool = False,
) -> None:
    """Draw a box with a title and lines of text in its middle; ``top``: at its upper edge.

    :param area: left, top, width, height.
    """
    x, y, width, height = area
    patch = FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=0.35")
    patch.set(
        facecolor=colour,
        edgecolor=LINE,
        linewidth=1.1,
        linestyle=(0, (4, 3)) if dashed else "solid",
    )
    axes.add_patch(patch)

    step = 1.05
    first = y + 0.95 if top else y + height / 2 - step * len(lines) / 2
    axes.text(x + width / 2, first, title, ha="center", va="center", fontweight="bold", fontsize=10)
    for number, line in enumerate(lines, 1):
        axes.text(
            x + width / 2,
            first + 0.1 + step * number,
            line,
            ha="center",
            va="center",
            fontsize=8.6,
            color=GREY,
        )


def arrow(
    axes: Axes,
    *points: tuple[float, float],
    text: str = "",
    at: tuple[float, float] | None = None,
    both: bool = False,
    dashed: bool = False,
    align: str = "center",
    colour: str = INK,
) -> None:
    """Draw an arrow through the points, in straight lines; ``text`` is written at ``at``."""
    style = (0, (4, 3)) if dashed else "solid"
    for start, end in pairwise(points[:-1]):
        axes.plot(*zip(start, end, strict=True), color=colour, lw=1.3, linestyle=style)
    head = FancyArrowPatch(
        points[-2],
        points[-1],
        arrowstyle="<|-|>" if both else "-|>",
        mutation_scale=11,
        shrinkA=0,
        shrinkB=0,
        color=colour,
        linewidth=1.3,
        linestyle=style,
    )
    axes.add_patch(head)
    if text:
        x, y = at or ((points[0][0] + points[-1][0]) / 2, points[0][1] - 0.6)
        axes.text(
            x,
            y,
            text,
            ha=align,
            va="center",
            fontsize=8.6,
            color=colour if colour != INK else GREY,
            linespacing=1.3,
        )


def packages() -> None:
    """Draw what goes from one package to the next."""
    axes = canvas(60, 21)

    box(
        axes,
        (1.5, 6.5, 13, 8),
        TRAIN,
        "train/",
        "PyTorch",
        "fit, quantise, prune,",
        "evaluate, export",
    )
    box(
        axes,
        (20, 6.5, 12, 8),
        FILE,
        "network.safetensors",
        "the contract:",
        "integers only,",
        "validated, with a digest",
    )
    box(axes, (37.5, 2, 12, 7), SIM, "sim/", "NumPy", "the specification,", "slow and fast")
    box(axes, (37.5, 12, 12, 7), HW, "hw/", "Amaranth", "gateware, boards,", "link to the host")
    arrow(axes, (14.5, 10.5), (20, 10.5), text="export")
    arrow(axes, (32, 9), (34.8, 9), (34.8, 5.5), (37.5, 5.5))
    arrow(axes, (32, 12), (34.8, 12), (34.8, 15.5), (37.5, 15.5))

    outputs = {4.2: "reports", 6.8: "traces", 14: "traces", 15.6: "Verilog", 17.2: "bitstream"}
    for y, name in outputs.items():
        arrow(axes, (49.5, y), (52.3, y))
        axes.text(52.7, y, name, ha="left", va="center", fontsize=9)
    arrow(
        axes,
        (54.5, 7.6),
        (54.5, 13.2),
        both=True,
        colour="#2a6fbb",
        text="equal,\nbit by bit",
        at=(55.1, 10.4),
        align="left",
    )

    axes.text(
        8,
        17.6,
        "train imports sim, hw imports sim,\nnever each other",
        ha="center",
        va="center",
        fontsize=8.6,
        color=GREY,
        linespacing=1.4,
    )
    save("packages.svg")


def gateware() -> None:
    """Draw the parts of the gateware and the streams between them."""
    axes = canvas(60, 30)

    box(axes, (1.5, 9, 8.5, 9), FILE, "link", "UART, frames,", "registers,", "requests")
    box(axes, (13, 9, 8, 9), HW, "encoder", "pixels to", "events,", "tick by tick")
    box(
        axes,
        (13, 2, 33, 3.6),
        SIM,
        "sequencer",
        "advance, decide, fire, deliver: one tick after the other, all layers in step",
    )

    for left, name in ((24, "hidden layer"), (36.5, "output layer")):
        box(axes, (left, 7.6, 9.5, 14.4), HW, name, top=True)
        box(axes, (left + 1, 9.9, 7.5, 3), "white", "store", "weight rows")
        box(axes, (left + 1, 14, 7.5, 3), "white", "neurons", "state, in lanes")
        arrow(axes, (left + 4.75, 12.9), (left + 4.75, 14))
        if left == 24:
            box(axes, (left + 1, 18.1, 7.5, 3), "white", "spike queue", "lowest first")
            arrow(axes, (left + 4.75, 17), (left + 4.75, 18.1))
        arrow(axes, (left + 4.75, 5.6), (left + 4.75, 7.6))

    arrow(axes, (10, 13.5), (13, 13.5), text="pixels", at=(11.5, 12.8))
    arrow(axes, (21, 11.4), (25, 11.4), text="events", at=(22.4, 10.7))
    arrow(axes, (32.5, 19.6), (35, 19.6), (35, 11.4), (37.5, 11.4), text="events", at=(35, 20.4))
    box(axes, (49.5, 13.2, 9, 4.6), HW, "readout", "which class,", "ended or not")
    box(axes, (49.5, 20, 9, 3.6), HW, "counters", "what it cost")
    arrow(axes, (45, 15.5), (49.5, 15.5), text="folds", at=(47.7, 14.8))
    arrow(axes, (54, 13.2), (54, 4.7), (46, 4.7), text="verdict", at=(50, 5.7))
    arrow(axes, (46, 2.9), (59.3, 2.9), (59.3, 21.8), (58.5, 21.8), text="outcome", at=(52, 2.2))
    arrow(axes, (54, 23.6), (54, 28.5), (3.6, 28.5), (3.6, 18), text="result", at=(10, 27.8))

    box(
        axes,
        (24, 24.2, 22, 2.9),
        LEARN,
        "learner, if built in",
        "moves weights by one",
        dashed=True,
    )
    arrow(axes, (28.75, 24.2), (28.75, 22), both=True, dashed=True)
    arrow(axes, (41.25, 24.2), (41.25, 22), both=True, dashed=True)
    arrow(axes, (7.7, 18), (7.7, 25.6), (24, 25.6), dashed=True, text="labels", at=(15, 24.9))
    save("gateware.svg")


def save(name: str) -> None:
    """Write a diagram beside this file."""
    plt.savefig(DOCS / name, transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    packages()
    gateware()
