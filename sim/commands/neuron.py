"""``python -m sim neuron``: one integer neuron by itself, beside the equation of real numbers."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.table import Table

from sim.commands import options
from sim.commands.command_line import Commands, Parser, add_command, one_of, whole
from sim.console import console
from sim.errors import InputError
from sim.neuron import RESETS
from sim.report.neurons import (
    KINDS,
    MOST_CURRENT,
    MOST_TICKS,
    TRAIN,
    Kind,
    charging,
    coincidence,
    inputs_of,
    rate,
    trace,
    with_fraction,
)

EXAMPLE = "--kind masquelier --spikes 2,4,5 --weight 60 --svg build/neuron.svg"

CURVES = ("trace", "charging", "rate", "coincidence")

CURRENTS = 100
"""Of an f-I curve, at most; they go up to half of the threshold."""

OVERRIDES = ("threshold", "membrane", "synapse", "reset", "limit")
"""The settings of a kind that an option replaces."""


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "neuron", "one neuron by itself: traces, curves", EXAMPLE, run)
    parser.add_argument(
        "--kind",
        type=one_of(*KINDS),
        default="masquelier",
        metavar="|".join(KINDS),
        help="a neuron of the literature (masquelier)",
    )
    parser.add_argument(
        "--curve",
        type=one_of(*CURVES),
        default="trace",
        metavar="|".join(CURVES),
        help="tick by tick, or beside the continuous equation (trace)",
    )
    _add_settings(parser)
    _add_input(parser)
    options.add_json(parser)
    parser.add_argument("--svg", type=Path, metavar="FILE.svg", help="write the figure")


def _add_settings(parser: Parser) -> None:
    """Add what replaces the settings of a kind."""
    for name, high, text in (
        ("threshold", 2**31 - 1, "T, in state units"),
        ("membrane", 256, "what remains of the potential in a tick, in 256ths"),
        ("synapse", 256, "what remains of the current, in 256ths"),
        ("limit", 2**31 - 1, "spikes at most, 0 for any number"),
    ):
        low = 1 if name == "threshold" else 0
        parser.add_argument(f"--{name}", type=whole(low, high), metavar="N", help=text)
    parser.add_argument(
        "--reset", type=one_of(*RESETS), metavar="|".join(RESETS), help="what a spike does"
    )
    parser.add_argument(
        "--fraction",
        type=whole(0, 8),
        default=0,
        metavar="F",
        help="bits behind the point; the kind's threshold grows with them (0)",
    )


def _add_input(parser: Parser) -> None:
    """Add what comes in."""
    train = ",".join(map(str, TRAIN))
    parser.add_numbers("--spikes", metavar="K,K", help=f"ticks of the input spikes ({train})")
    parser.add_argument(
        "--weight",
        type=whole(-MOST_CURRENT, MOST_CURRENT),
        metavar="W",
        help="of an input spike (of the kind)",
    )
    parser.add_argument(
        "--current",
        type=whole(-MOST_CURRENT, MOST_CURRENT),
        metavar="C",
        help="what comes in at every tick; without --spikes there are none then",
    )
    parser.add_argument("--ticks", type=whole(1, MOST_TICKS), default=60, metavar="N", help="(60)")


def run(arguments: argparse.Namespace) -> int:
    """Print the table, or the JSON; write the figure that is asked for."""
    kind = _kind(arguments)
    figures = figures_of(
        kind,
        arguments.curve,
        arguments.ticks,
        spikes=arguments.spikes,
        current=arguments.current,
    )
    if arguments.svg is not None:
        from sim.report.neuron_plot import svg  # slow to import

        options.write_text(arguments.svg, svg(figures))
    options.show(figures, arguments.json, lambda: console().print(_table(figures)))
    return 0


def _kind(arguments: argparse.Namespace) -> Kind:
    """Return the kind with what the command line says of it."""
    kind = KINDS[arguments.kind]
    given = {name: getattr(arguments, name) for name in OVERRIDES}
    neuron = kind.neuron
    if arguments.fraction:
        neuron = with_fraction(neuron, arguments.fraction)
    neuron = replace(neuron, **{name: value for name, value in given.items() if value is not None})
    weight = kind.weight if arguments.weight is None else arguments.weight
    return replace(kind, neuron=neuron, weight=weight)


def figures_of(
    kind: Kind,
    curve: str,
    ticks: int,
    *,
    spikes: tuple[int, ...] | None = None,
    current: int | None = None,
) -> dict[str, Any]:
    """Return what the command reports, for JSON.

    :param spikes: ticks of the input spikes; None: :data:`~sim.report.neurons.TRAIN`, those of its
        ticks that are there, or none where there is a current.
    :param current: what comes in at every tick; None: nothing, and 10 for a curve.
    :raises InputError: the neuron has no such curve, or an input that it cannot take.
    """
    if curve != "trace" and spikes is not None:
        raise InputError("--spikes: are for a trace; leave them out, or take --curve trace.")
    if curve == "charging":
        return charging(kind.neuron, 10 if current is None else current, ticks)
    if curve in ("rate", "coincidence"):
        if current is not None:
            raise InputError(f"--current: is not for --curve {curve}; leave it out.")
        if curve == "coincidence":
            return coincidence(kind.neuron, kind.weight, ticks)
        highest = min(max(kind.neuron.threshold >> kind.neuron.fraction + 1, 2), MOST_CURRENT)
        count = min(highest, CURRENTS)
        currents = [1 + (highest - 1) * index // (count - 1) for index in range(count)]
        return rate(kind.neuron, currents, ticks)

    if spikes is None:
        spikes = () if current is not None else tuple(tick for tick in TRAIN if tick < ticks)
    inputs = inputs_of(spikes, kind.weight, current or 0, ticks)
    found = trace(kind.neuron, inputs, kind.ticks_per_unit)
    return {
        "curve": "trace",
        "source": kind.source,
        "neuron": {"threshold": kind.neuron.threshold, **kind.neuron.settings()},
        "ticks": ticks,
        "input": inputs[:, 0].tolist(),
        "current": found.current[:, 0].tolist(),
        "potential": found.potential[:, 0].tolist(),
        "level": found.level,
        "spikes": found.fired[:, 0].nonzero()[0].tolist(),
    }


def _table(figures: dict[str, Any]) -> Table:
    """Return a table of a row per tick, or of a row per number of bits."""
    table = Table()
    if figures["curve"] == "trace":
        for name in ("tick", "input", "potential", "level", "spike", "current"):
            table.add_column(name, justify="right")
        for tick in range(figures["ticks"]):
            level = figures["level"][tick]
            values = [tick, figures["input"][tick], figures["potential"][tick]]
            values += ["" if level is None else level, "*" if tick in figures["spikes"] else ""]
            table.add_row(*map(str, values), str(figures["current"][tick]))
        return table

    rows = figures["rows"]
    names = [name for name in rows[0] if name not in ("potential", "period")]
    table.title = f"tau = {figures['tau']:.2f} ticks"
    if figures["curve"] == "coincidence":
        table.title += f"; -tau ln(V_t - 1) = {figures['continuous']:.2f} ticks"
    for name in names:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(*(f"{row[name]:.4g}" for name in names))
    return table
