"""The pictures of ``docs/neurons.md``, drawn whenever the pages are built: the traces are those of
``python -m sim neuron``, and the continuous ones those of ``docs/continuous.py``.
"""

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from docs import continuous
from sim.commands.neuron import CURRENTS, figures_of
from sim.report.neuron_plot import OTHERS, OURS, svg
from sim.report.neurons import KINDS

FOLDER = Path(__file__).parent / "api"
"""What the build makes; git ignores it."""


def of_kind(name: str) -> str:
    """Return the trace of a neuron of the literature."""
    return svg(figures_of(KINDS[name], "trace", 50))


def of_curve(curve: str, ticks: int) -> str:
    """Return a curve of the leaky neuron."""
    return svg(figures_of(KINDS["masquelier"], curve, ticks))


def hodgkin_huxley() -> str:
    """Return the spikes of the model under a current step."""
    step_ms = 0.05
    current = np.where(np.arange(1200) * step_ms < 5, 0.0, 10.0)
    potential = continuous.hodgkin_huxley(current, step_ms)[:, 0]
    figure = Figure((8, 2.6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(np.arange(1201) * step_ms, potential, color=OURS)
    axes.axvline(5, color=OTHERS, linestyle="--", label="10 uA/cm^2 from here on")
    axes.set(xlabel="ms", ylabel="mV")
    axes.legend(frameon=False, loc="upper right", fontsize=8)
    return _text(figure)


def adaptive_threshold() -> str:
    """Return the spikes of a neuron whose level rises with them."""
    step_ms = 0.1
    found, spikes = continuous.adaptive_threshold(np.full(2000, 30.0), step_ms)
    figure = Figure((8, 2.6), layout="constrained")
    axes = figure.add_subplot()
    times = np.arange(len(found)) * step_ms
    axes.plot(times, found[:, 0], color=OURS, label="potential")
    axes.plot(times, found[:, 1], color=OTHERS, linestyle="--", label="level")
    axes.plot(spikes, [0] * len(spikes), "|", color=OTHERS, markersize=9, label="spike")
    axes.set(xlabel="ms", ylabel="mV above rest")
    axes.legend(frameon=False, ncols=3, fontsize=8)
    return _text(figure)


def _text(figure: Figure) -> str:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "neuron", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


PICTURES: dict[str, tuple[str, Callable[[], str]]] = {
    **{name: (f"Trace: {kind.source}", partial(of_kind, name)) for name, kind in KINDS.items()},
    "charging": ("How a constant current charges the neuron", partial(of_curve, "charging", 60)),
    "rate": (f"The f-I curve at {CURRENTS} currents or fewer", partial(of_curve, "rate", 300)),
    "coincidence": ("Longest distance of two inputs", partial(of_curve, "coincidence", 60)),
    "hodgkin-huxley": ("Spikes of the Hodgkin-Huxley model", hodgkin_huxley),
    "adaptive-threshold": ("Spikes that come ever later, under a rising level", adaptive_threshold),
}
"""What each picture shows, and what draws it."""


def picture(name: str) -> str:
    """Draw a picture; return what shows it in a page."""
    text, draw = PICTURES[name]
    (FOLDER / f"neuron-{name}.svg").write_text(draw())
    return f"```{{image}} api/neuron-{name}.svg\n:alt: {text}\n:width: 100%\n```"
