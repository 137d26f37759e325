"""The frontier as a figure: accuracy against cost, one mark per setting, the front as a line."""

# pyright: reportUnknownMemberType=false
# matplotlib's own annotations are partial.

import io

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from sim.report.frontier import COSTS, Frontier

OURS, OTHERS = "#2a78b8", "#d1495b"


def svg(frontier: Frontier) -> str:
    """Return the figure as SVG, the same bytes for the same frontier."""
    text = io.StringIO()
    with mpl.rc_context(
        {"svg.hashsalt": "frontier", "svg.fonttype": "none", "font.family": "sans-serif"}
    ):
        _figure(frontier).savefig(text, format="svg", metadata={"Date": None}, bbox_inches="tight")
    return text.getvalue()


def _figure(frontier: Frontier) -> Figure:
    figure = Figure((9, 5))
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xscale("log")

    points = [(one.cost(frontier.cost), 100 * one.mean("accuracy")) for one in frontier.settings]
    axes.plot(
        *zip(*points, strict=True),
        "o",
        color=OURS,
        alpha=0.35,
        label="trained here, mean of the seeds",
    )
    front = [point for index, point in enumerate(points) if index in frontier.front]
    axes.plot(
        *zip(*front, strict=True), "o-", color=OURS, label="the front, chosen on validation images"
    )

    lowest = min(accuracy for _, accuracy in points)
    _draw_references(axes, frontier)

    axes.set(xlabel=COSTS[frontier.cost], ylabel="test accuracy, %")
    axes.set_ylim(bottom=max(0, lowest - 1))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="upper left")
    return figure


def _draw_references(axes: Axes, frontier: Frontier) -> None:
    """Draw what others reached: a cross; an arrow to the left from a bound; a line where only the
    cost is known.
    """
    for one in frontier.references:
        cost = one.cost(frontier.cost)
        if cost is None:
            continue

        if one.accuracy is None:
            axes.axvline(cost, color=OTHERS, linestyle="--", linewidth=0.8)
            axes.annotate(
                one.name,
                (cost, 0.02),
                xycoords=("data", "axes fraction"),
                rotation=90,
                fontsize=7,
                ha="right",
            )
            continue

        axes.plot(cost, 100 * one.accuracy, "<" if one.bound else "X", color=OTHERS)
        axes.annotate(
            one.name,
            (cost, 100 * one.accuracy),
            xytext=(0, -11),
            textcoords="offset points",
            fontsize=7,
            color=OTHERS,
            ha="center",
        )
