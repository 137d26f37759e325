"""The learning curve: as figures, as a table, and as a plot."""

# pyright: reportUnknownMemberType=false
# matplotlib's own annotations are partial.

from dataclasses import asdict
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.table import Table

from train.learning.in_place import LearnSettings, Point, State


def figures(settings: LearnSettings, state: State) -> dict[str, Any]:
    """Return the figures of a run: its settings, the last accuracies (0..1), and the curve."""
    last = state.curve[-1]

    # each point has means per update of its epoch; those of the run are weighted by the updates
    updated = sum(point.updated for point in state.curve)
    per_update = {
        name: sum(getattr(point, name) * point.updated for point in state.curve) / max(1, updated)
        for name in ("rows", "changed")
    }

    return {
        "settings": settings.to_json(),
        "digest": f"{state.network.digest:08x}",
        "validation": last.validation,
        "test": last.test,
        "updated": updated,
        "skipped": sum(point.skipped for point in state.curve),
        "rows_per_update": per_update["rows"],
        "weights_per_update": per_update["changed"],
        "curve": [asdict(point) for point in state.curve],
    }


def table(curve: list[Point]) -> Table:
    """Return the curve for a terminal; rows written and weights changed are per update."""
    table = Table(title=f"learning in place, batch 1: {curve[-1].images_per_second:,.0f} images/s")
    for name in ("epoch", "running", "validation", "test", "updated", "rows", "weights"):
        table.add_column(name, justify="right")

    for point in curve:
        table.add_row(
            str(point.epoch),
            "" if point.running is None else f"{point.running:.2%}",
            f"{point.validation:.2%}",
            "" if point.test is None else f"{point.test:.2%}",
            f"{_share(point):.2%}",
            f"{point.rows:.1f}",
            f"{point.changed:,.0f}",
        )
    return table


def plot(curve: list[Point]) -> Figure:
    """Return the curve as a figure: accuracies over epochs; below, how many images taught
    something, and how much each changed.
    """
    figure = Figure(figsize=(7, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    _plot_accuracy(above, curve)
    _plot_updates(below, curve[1:])  # before the first epoch nothing is updated
    below.set_xlabel("epoch")
    return figure


def _plot_accuracy(axes: Axes, curve: list[Point]) -> None:
    epochs = [point.epoch for point in curve]
    axes.plot(epochs, [100 * point.validation for point in curve], "o-", label="validation")
    seen = [(point.epoch, 100 * point.running) for point in curve if point.running is not None]
    x, y = zip(*seen, strict=True) if seen else ((), ())
    axes.plot(x, y, "--", label="training images, before each is learnt")
    axes.set_ylabel("right decisions, %")
    if curve[-1].test is not None:
        axes.set_title(f"Learning in place: {curve[-1].test:.2%} of the test images")
    axes.grid(alpha=0.3)
    axes.legend()


def _plot_updates(axes: Axes, curve: list[Point]) -> None:
    epochs = [point.epoch for point in curve]
    shares = [100 * _share(point) for point in curve]
    lines = axes.plot(epochs, shares, "o-", color="C2", label="updates made, % of images")
    right = axes.twinx()
    changed = [point.changed for point in curve]
    lines += right.plot(epochs, changed, "s--", color="C3", label="weights per update")

    axes.set_ylim(bottom=0)
    right.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(handles=lines)


def _share(point: Point) -> float:
    """Return the share of images that taught something, 0..1."""
    return point.updated / max(1, point.updated + point.skipped)
