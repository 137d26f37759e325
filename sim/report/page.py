"""One self-contained HTML page of a report: no script, no network, figures as inline SVG."""

# pyright: reportUnknownMemberType=false
# matplotlib's own annotations are partial.

import html
import io
from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.encoders.events import EventList
from sim.encoders.intensity import Intensity
from sim.network import Network
from sim.pipeline import run
from sim.report.report import PROTOTYPE, Report, interval_95

RIGHT, WRONG, QUIET = "#2a78b8", "#d1495b", "#9aa5b1"

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2733; background: #f6f7f9; margin: 0; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 0 0 .3rem; }
p { margin: .2rem 0 .8rem; color: #52606d; max-width: 46rem; }
section { background: #fff; border: 1px solid #e1e5ea; border-radius: 10px; padding: 1.2rem 1.4rem;
  margin-top: 1.2rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 1rem;
  margin-top: 1.2rem; }
.card { background: #fff; border: 1px solid #e1e5ea; border-radius: 10px;
  padding: .9rem 1.1rem; }
.card b { display: block; font-size: 1.7rem; font-weight: 650; }
.card span { color: #52606d; font-size: .85rem; }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .35rem .6rem; border-bottom: 1px solid #eceff2; }
td + td, th + th { text-align: right; font-variant-numeric: tabular-nums; }
th { color: #52606d; font-weight: 500; }
svg { max-width: 100%; height: auto; }
footer { color: #7b8794; font-size: .85rem; margin-top: 2rem; }
"""


PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{sizes}: {accuracy:.2%}</title>
<meta name="viewport" content="width=device-width">
<style>{style}</style>
<main>
<h1>Network {sizes}</h1>
<p>{images:,} images; {answer}.</p>
{cards}
{sections}
<footer>digest {digest:08x}. {provenance}</footer>
</main>
</html>
"""

ANSWERS = {
    "first_spike": "the first output spike is the answer",
    "final": "the highest sum at the last tick is the answer",
    "most_spikes": "the output that fires most often is the answer",
    "peak": "the output with the highest potential of all ticks is the answer",
}
"""What decides, by the name of the readout."""

TEXTS = {
    "Compared with the prototype": "All figures over the whole set, late decisions and timeouts "
    "included.",
    "Accuracy against weight reads": "Images sorted by the weights they looked up, in ten equal "
    "groups; bars are the 95 % interval of each group, and a trend within them is none. The dashed "
    "line is the prototype's mean, the level line this network's accuracy over all images.",
    "When the answer comes": "Tick of the decision; nothing after it is read.",
    "A few images, spike by spike": "Each dot is an event: input spikes (grey), hidden spikes "
    "(blue). The vertical line is the decision.",
    "Input pixels that were read": "Share of images in which the pixel's weight row was looked up "
    "before the decision; pruned pixels stay white.",
    "Confusion": "Images by label (row) and decision (column), without the right ones.",
    "Where it fails": "Wrong decisions of each class: label → decision.",
}
"""What is said about each section."""


def page(report: Report) -> str:
    """Return the page as HTML."""
    network = report.network
    sizes = (network.encoder.inputs, *(layer.fan_out for layer in network.layers))
    provenance = ", ".join(f"{key} {value}" for key, value in network.provenance.items())

    # in the order of the texts
    bodies = (
        _table(report),
        _svg(_reads_figure(report)),
        _svg(_tick_figure(report)),
        _svg(_raster_figure(report)),
        _svg(_pixel_figure(report)),
        _svg(_confusion_figure(report)),
        _svg(_failure_figure(report)),
    )
    sections = (
        _section(title, text, body)
        for (title, text), body in zip(TEXTS.items(), bodies, strict=True)
    )

    return PAGE.format(
        sizes="-".join(map(str, sizes)),
        accuracy=report.accuracy,
        style=STYLE,
        images=len(report.images),
        answer=ANSWERS[network.readout_name],
        cards=_cards(report),
        sections="\n".join(sections),
        digest=network.digest,
        provenance=html.escape(provenance),
    )


def _section(title: str, text: str, body: str) -> str:
    return f"<section><h2>{title}</h2><p>{text}</p>{body}</section>"


def _cards(report: Report) -> str:
    low, high = report.interval
    network, reads = report.network, float(report.reads.mean())

    cards = (
        (f"{report.accuracy:.2%}", f"right ({low:.2%} to {high:.2%})"),
        (f"{report.spikes.mean():.1f}", "spikes per decision"),
        (
            f"{reads:,.0f}",
            f"weight reads per image, {reads / sum(network.synapse_counts):.1%} of the synapses",
        ),
        (
            f"{report.decisions.tick.mean():.1f}",
            f"tick of the decision, mean; the last is {report.network.last_tick}",
        ),
    )
    inner = "".join(
        f'<div class="card"><b>{value}</b><span>{what}</span></div>' for value, what in cards
    )
    return f'<div class="cards">{inner}</div>'


def _table(report: Report) -> str:
    head = "<tr><th></th><th>this network</th><th>prototype 784-600-10</th></tr>"
    return f"<table>{head}{''.join(_row(row) for row in report.rows())}</table>"


def _row(cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"


def _svg(figure: Figure) -> str:
    """Return the figure as inline SVG, the same bytes for the same figure."""
    text = io.StringIO()
    with mpl.rc_context(
        {"svg.hashsalt": "report", "svg.fonttype": "none", "font.family": "sans-serif"}
    ):
        figure.savefig(
            text, format="svg", metadata={"Date": None}, transparent=True, bbox_inches="tight"
        )
    return text.getvalue()[text.getvalue().index("<svg") :]


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure((width, height))
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _reads_figure(report: Report) -> Figure:
    order = np.argsort(report.reads, kind="stable")
    groups = [group for group in np.array_split(order, 10) if len(group)]
    reads = [float(report.reads[group].mean()) for group in groups]
    right = [100 * float(report.right[group].mean()) for group in groups]

    figure, axes = _figure(9, 3)
    low, high = np.transpose([interval_95(report.right[group]) for group in groups]) * 100
    bars = [np.array(right) - low, high - np.array(right)]
    axes.errorbar(reads, right, bars, fmt="o-", color=RIGHT, capsize=3, linewidth=0.8)
    axes.axvline(PROTOTYPE.reads, color=QUIET, linestyle="--")
    axes.axhline(100 * report.accuracy, color=RIGHT, linewidth=0.8, alpha=0.5)
    axes.set(xlabel="weight reads per image", ylabel="right, %")
    axes.set_xlim(left=0)
    return figure


def _tick_figure(report: Report) -> Figure:
    figure, axes = _figure(9, 2.6)
    ticks = report.decisions.tick
    edges = np.arange(report.network.last_tick + 2) - 0.5
    parts = [ticks[report.right], ticks[~report.right]]
    axes.hist(
        parts,
        edges.tolist(),
        stacked=True,
        color=[RIGHT, WRONG],
        label=["right", "wrong"],
        rwidth=0.85,
    )
    axes.set(xlabel="tick", ylabel="images")
    axes.legend(frameon=False)
    return figure


def _raster_figure(report: Report) -> Figure:
    """Four right decisions from early to late, and the first two wrong ones."""
    order = np.argsort(report.decisions.tick, kind="stable")
    right = order[report.right[order]]
    chosen = [*right[np.linspace(0, len(right) - 1, 4).astype(int)]] if len(right) else []
    chosen += [*np.flatnonzero(~report.right)[:2]]

    figure = Figure((9, 3.6))
    for column, index in enumerate(chosen):
        picture, raster = (
            figure.add_subplot(2, len(chosen), 1 + column + row * len(chosen)) for row in (0, 1)
        )
        _picture(picture, report, int(index))
        _raster(raster, report.network, report.images[index])
    figure.tight_layout()
    return figure


def _picture(axes: Axes, report: Report, index: int) -> None:
    image = report.images[index]
    if isinstance(image, EventList):
        axes.plot(image.tick, image.input, ".", markersize=1, color=QUIET)
    else:
        _show_image(axes, image)
    names = report.network.classes
    label, decision = int(report.labels[index]), int(report.decisions.decision[index])
    axes.set_title(
        f"{names[label]} → {names[decision]}",
        fontsize=8,
        color=RIGHT if label == decision else WRONG,
    )
    axes.set_axis_off()


def _show_image(axes: Axes, image: Any) -> None:
    if image.ndim == 3 and image.shape[2] != 3:  # only three channels are a colour
        image = image.mean(axis=2)
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255)


def _raster(axes: Axes, network: Network, sample: Any) -> None:
    trace = run(network, sample)
    for layer, spikes in enumerate(trace.spikes):
        where = [
            (spike.tick, layer + spike.neuron / network.layers[layer].fan_in * 0.9)
            for spike in spikes
        ]
        x, y = zip(*where, strict=True) if where else ((), ())
        axes.plot(x, y, ".", markersize=2, color=QUIET if layer == 0 else RIGHT)

    axes.axvline(trace.tick, color=WRONG, linewidth=1)
    axes.set_xlim(-0.5, max(trace.tick + 1, 4))
    axes.set_yticks([])
    axes.set_xlabel(f"tick {trace.tick}{', timed out' if trace.timed_out else ''}", fontsize=7)
    axes.tick_params(labelsize=6)


def _pixel_figure(report: Report) -> Figure:
    encoder = report.network.encoder
    if not isinstance(encoder, Intensity):
        return _input_figure(report)
    image = np.full(encoder.map, np.nan)
    image.flat[encoder.pixels] = 100 * report.pixel_reads
    figure = Figure((5, 3.4))
    axes = figure.add_subplot()
    shown = axes.imshow(image.mean(axis=2), cmap="viridis")
    figure.colorbar(shown, label="% of images")
    axes.set_axis_off()
    return figure


def _input_figure(report: Report) -> Figure:
    """The same where inputs are no pixels."""
    figure = Figure((5, 3.4))
    axes = figure.add_subplot()
    axes.plot(100 * report.pixel_reads, ".", markersize=3, color=RIGHT)
    axes.set(xlabel="input", ylabel="% of samples", ylim=(0, None))
    return figure


def _confusion_figure(report: Report) -> Figure:
    names = report.network.classes
    wrong = report.confusion * (1 - np.eye(len(names), dtype=np.int64))

    figure = Figure((5, 4))
    axes = figure.add_subplot()
    axes.imshow(wrong, cmap="Reds")
    for row, column in np.argwhere(wrong):
        shade = "white" if wrong[row, column] > 0.6 * wrong.max() else "#1c2733"
        axes.text(
            column, row, str(wrong[row, column]), ha="center", va="center", fontsize=8, color=shade
        )

    rotation = 0 if max(map(len, names)) < 3 else 60
    axes.set_xticks(range(len(names)), names, fontsize=8, rotation=rotation)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel="decision", ylabel="label")
    return figure


def _failure_figure(report: Report) -> Figure:
    """Up to eight wrong decisions of each class, one class a row."""
    wrong = [
        np.flatnonzero(~report.right & (report.labels == label))[:8]
        for label in range(len(report.network.classes))
    ]
    rows = [indices for indices in wrong if len(indices)]
    figure = Figure((9, max(1, 1.25 * len(rows))))
    for row, indices in enumerate(rows):
        for column, index in enumerate(indices):
            _picture(figure.add_subplot(len(rows), 8, 1 + row * 8 + column), report, int(index))
    return figure
