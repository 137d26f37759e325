"""One neuron as a figure: its trace, or a curve of it beside the equation of real numbers."""

# pyright: reportUnknownMemberType=false
# matplotlib's own annotations are partial.

import io
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS, OTHERS, INPUT, GREY = "#2a78b8", "#d1495b", "#7b8794", "#9aa5b1"


def svg(figures: dict[str, Any]) -> str:
    """Return the figure as SVG, the same bytes for the same numbers.

    :param figures: what ``sim neuron --json`` gives.
    """
    figure = Figure((8, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    DRAWN[figures["curve"]](axes, figures)

    text = io.StringIO()
    with mpl.rc_context(
        {"svg.hashsalt": "neuron", "svg.fonttype": "none", "font.family": "sans-serif"}
    ):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def _trace(axes: Axes, figures: dict[str, Any]) -> None:
    """Draw the potential, its level, the input below and the spikes above."""
    ticks = range(figures["ticks"])
    level = [float("nan") if value is None else value for value in figures["level"]]
    axes.step(ticks, level, where="mid", color=GREY, linestyle="--", label="level")

    # one that fires once is not asked any more
    once = figures["neuron"]["reset"] == "once" and figures["spikes"]
    potential = figures["potential"][: figures["spikes"][0] + 1 if once else None]
    axes.plot(potential, ".-", color=OURS, label="potential")
    for tick in figures["spikes"]:
        axes.axvline(tick, color=OTHERS, linewidth=1.2)

    heights = [*potential, *(each for each in figures["level"] if each is not None)]
    low = min(heights) - 0.08 * (max(heights) - min(heights) or 1)
    came = [tick for tick, value in enumerate(figures["input"]) if value]
    axes.plot(came, [low] * len(came), "|", color=INPUT, markersize=9, label="input")
    axes.plot([], [], color=OTHERS, label="spike")
    axes.set(xlabel="tick", ylabel="potential", title=figures["source"])
    axes.legend(frameon=False, ncols=4, fontsize=8)


def _charging(axes: Axes, figures: dict[str, Any]) -> None:
    ticks = range(len(figures["continuous"]))
    axes.plot(ticks, figures["continuous"], color=OTHERS, label="continuous equation")
    for row, opacity in zip(figures["rows"], (1, 0.6, 0.4, 0.25), strict=True):
        axes.plot(
            ticks,
            row["potential"],
            ".",
            color=OURS,
            alpha=opacity,
            label=f"{row['fraction']} bits: error {row['error']:.3g}",
        )
    axes.set(xlabel="tick", ylabel="potential, in units of a weight")
    axes.legend(frameon=False, fontsize=8)


def _rate(axes: Axes, figures: dict[str, Any]) -> None:
    currents = figures["currents"]
    real = [0 if period is None else 1 / period for period in figures["continuous"]]
    axes.plot(currents, real, color=OTHERS, label="continuous equation")
    for row, marker in zip(figures["rows"], "ov^.", strict=True):
        found = [1 / period if period else 0 for period in row["period"]]
        axes.plot(
            currents,
            found,
            marker,
            color=OURS,
            alpha=0.5,
            markersize=4,
            label=f"{row['fraction']} bits",
        )
    axes.set(xlabel="current per tick, in units of a weight", ylabel="spikes per tick")
    axes.legend(frameon=False, fontsize=8)


def _coincidence(axes: Axes, figures: dict[str, Any]) -> None:
    rows = figures["rows"]
    axes.bar(range(len(rows)), [row["window"] for row in rows], color=OURS, width=0.5)
    axes.set_xticks(range(len(rows)), [str(row["fraction"]) for row in rows])
    axes.axhline(figures["continuous"], color=OTHERS, label="-tau ln(V_t - 1)")
    axes.set(xlabel="bits behind the point", ylabel="longest distance, ticks")
    axes.legend(frameon=False, fontsize=8)


DRAWN = {"trace": _trace, "charging": _charging, "rate": _rate, "coincidence": _coincidence}
"""How each curve is drawn."""
