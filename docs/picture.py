"""Draws ``docs/picture.svg``: a real MNIST test image, its pixels, spikes, decision, weight reads.

    python docs/picture.py            # needs MNIST, which is fetched once into the user's cache

Everything in it is the trace of :func:`sim.pipeline.run`; nothing is drawn by hand.
"""

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from sim import file, pipeline
from sim.data.dataset import load
from sim.network import Network
from sim.trace import Trace

DOCS = Path(__file__).parent
NETWORK = DOCS.parent / "zoo" / "prototype.safetensors"
IMAGE = 15
"""Index of the test image: a 5 that costs a little less than the mean."""

INK, GREY, FAINT, HIDDEN, ANSWER = "#1f2933", "#7b8794", "#e4e7eb", "#2a6fbb", "#d9480f"


def main() -> None:
    """Run the image and write the picture."""
    network = file.load(NETWORK)
    dataset = load("mnist")
    image, label = dataset.test_images[IMAGE], int(dataset.test_labels[IMAGE])
    trace = pipeline.run(network, image)
    assert trace.decision == label, "the picture is to show a right decision"

    mpl.rcParams.update(
        {"font.size": 9.5, "font.family": "DejaVu Sans", "text.color": INK, "axes.edgecolor": GREY}
    )
    mpl.rcParams.update(
        {
            "xtick.color": GREY,
            "ytick.color": GREY,
            "axes.labelcolor": INK,
            "svg.hashsalt": "firstspike",
        }
    )
    figure = plt.figure(figsize=(9.6, 3.5))
    card = FancyBboxPatch(
        (0.004, 0.01),
        0.992,
        0.98,
        boxstyle="round,pad=0,rounding_size=0.018",
        mutation_aspect=9.6 / 3.5,
    )
    card.set(
        facecolor="white",
        edgecolor="#cbd2d9",
        linewidth=1,
        transform=figure.transFigure,
        zorder=-10,
    )
    figure.add_artist(card)

    draw_digit(figure.add_axes((0.03, 0.3, 0.2, 0.555)), network, image)
    draw_raster(figure.add_axes((0.345, 0.165, 0.42, 0.69)), network, trace)
    draw_reads(figure.add_axes((0.825, 0.165, 0.055, 0.69)), network, trace)
    figure.savefig(DOCS / "picture.svg", transparent=True, metadata={"Date": None})


def title(axes: Axes, text: str, x: float) -> None:
    """Put a heading above a part; all headings have the same height in the figure."""
    axes.figure.text(x, 0.91, text, ha="left", va="center", fontweight="bold", fontsize=10.5)


def draw_digit(axes: Axes, network: Network, image: np.ndarray) -> None:
    """Draw the image as it comes from the data set."""
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    height, width = network.encoder.image_shape
    caption = f"Test image {IMAGE} of MNIST,\n{height} x {width}: every bright"
    caption += " pixel\nfires once, at tick 0"
    axes.set_xlabel(caption, fontsize=8.5, color=GREY, labelpad=7)
    title(axes, "What goes in", 0.03)


def draw_raster(axes: Axes, network: Network, trace: Trace) -> None:
    """Draw every spike of the image: neurons from top to bottom, ticks from left to right."""
    last = network.last_tick
    bands = {"input": (0.0, 4.0), "hidden": (4.5, 8.5), "output": (9.0, 11.6)}
    sizes = [network.encoder.inputs, *(layer.fan_out for layer in network.layers)]
    names = [
        f"{size} {what}" for size, what in zip(sizes, ["pixels", "hidden", "outputs"], strict=True)
    ]
    counts = [*(f"{events} spikes" for events in trace.events), "1 spike"]
    colours = [GREY, HIDDEN, ANSWER]

    for (top, bottom), name, count, colour in zip(
        bands.values(), names, counts, colours, strict=True
    ):
        middle = (top + bottom) / 2
        axes.axhspan(top, bottom, facecolor="#f5f7fa", zorder=0)
        axes.text(-1.4, middle - 0.5, name, ha="right", va="center", fontsize=9.5)
        axes.text(
            -1.4,
            middle + 0.5,
            count,
            ha="right",
            va="center",
            fontsize=9.5,
            fontweight="bold",
            color=colour,
        )

    for spikes, layer, band, colour in zip(
        trace.spikes, network.layers, ["input", "hidden"], colours[:2], strict=True
    ):
        top, bottom = bands[band]
        ticks = [spike.tick for spike in spikes]
        heights = [
            top + 0.1 + (bottom - top - 0.2) * spike.neuron / (layer.fan_in - 1) for spike in spikes
        ]
        axes.plot(
            ticks,
            heights,
            linestyle="",
            marker="|",
            markersize=5.5,
            markeredgewidth=1.5,
            color=colour,
            zorder=3,
        )

    top, bottom = bands["output"]
    for name in range(len(network.classes)):
        height = top + 0.2 + (bottom - top - 0.4) * name / (len(network.classes) - 1)
        wins = name == trace.decision
        axes.plot(
            [-0.5, trace.tick],
            [height, height],
            color=ANSWER if wins else FAINT,
            lw=1.4 if wins else 0.8,
            zorder=2,
        )
        if wins:
            answer = network.classes[name]
            says = f"output {answer} fires first:\nthe answer is {answer}"
            axes.plot([trace.tick], [height], marker="o", markersize=6.5, color=ANSWER, zorder=5)
            axes.text(
                trace.tick + 0.55,
                height,
                says,
                ha="left",
                va="center",
                fontsize=9,
                fontweight="bold",
                color=ANSWER,
            )

    axes.axvline(trace.tick, color=ANSWER, lw=1.4, linestyle=(0, (4, 2)), zorder=4)
    axes.axvspan(trace.tick, last + 0.5, facecolor="white", alpha=0.75, zorder=1)
    rest = f"decided at tick {trace.tick} of {last}:\nnothing more is\ncomputed or read"
    axes.text(
        (trace.tick + last) / 2 + 0.3, 4.25, rest, ha="center", va="center", fontsize=9, color=GREY
    )
    axes.set(xlim=(-0.5, last + 0.5), ylim=(11.7, -0.1), yticks=[], xticks=range(0, last + 1, 4))
    axes.set_xlabel("tick", labelpad=1)
    axes.tick_params(length=3, labelsize=8.5)
    axes.spines[["top", "right", "left"]].set_visible(False)
    title(axes, "What happens", 0.247)


def draw_reads(axes: Axes, network: Network, trace: Trace) -> None:
    """Draw the weights that were looked up as part of all weights."""
    read = sum(
        events * layer.fan_out for events, layer in zip(trace.events, network.layers, strict=True)
    )
    everything = sum(layer.fan_in * layer.fan_out for layer in network.layers)
    axes.bar([0], [everything], width=1, color=FAINT)
    axes.bar([0], [read], width=1, color=HIDDEN)
    axes.set(xlim=(-0.5, 0.5), ylim=(0, everything), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.text(
        0.64,
        everything,
        f"{everything:,}\nweights in\nthe network",
        ha="left",
        va="top",
        fontsize=9,
        color=GREY,
    )
    axes.text(
        0.64,
        read / 2,
        f"{read:,}\nlooked up\n({read / everything:.1%})",
        ha="left",
        va="center",
        fontsize=9,
        fontweight="bold",
        color=HIDDEN,
    )
    title(axes, "What was read", 0.825)


if __name__ == "__main__":
    main()
