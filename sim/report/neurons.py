"""One neuron by itself: the neurons of the literature, their traces, and how far integers are from
the equations of real numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sim.connections.dense import Dense
from sim.errors import is_integer, require
from sim.neuron import HOLDS, Neuron, Neurons

MOST_TICKS = 10_000
"""Of a trace."""

MOST_CURRENT = 2**20
"""What can come in at a tick; then 64 bits hold any state of :data:`MOST_TICKS` ticks."""

FRACTIONS = (0, 2, 4, 8)
"""The bits behind the point that curves compare."""


@dataclass(frozen=True)
class Kind:
    """A neuron of the literature.

    :param source: whose it is, for people.
    :param neuron: its settings, with a threshold for the trace of the documentation.
    :param weight: of an input spike in that trace.
    :param ticks_per_unit: R, which only a ramp asks for.
    """

    source: str
    neuron: Neuron
    weight: int = 60
    ticks_per_unit: int = 1


LEAKY = Neuron(100, membrane=232, synapse=0, reset="zero", ramp=False)
"""Of these traces: beta = 232 / 256 is a time constant of ten ticks."""

KINDS: Mapping[str, Kind] = {
    "mostafa": Kind("Mostafa 2017: z = exp(t), once", Neuron(150), 60, ticks_per_unit=16),
    "s4nn": Kind("S4NN: integrate and fire, once", replace(LEAKY, membrane=256, reset="once"), 20),
    "masquelier": Kind("Masquelier: leaky, reset to zero", LEAKY),
    "snntorch": Kind(
        "Gusev & Abramov, snnTorch: leaky, threshold subtracted", replace(LEAKY, reset="subtract")
    ),
    "zenke": Kind("Zenke & Vogels: leaky, with a current", replace(LEAKY, synapse=210), 15),
    "readout": Kind("leaky readout: does not fire", replace(LEAKY, reset="never")),
    "window": Kind(
        "window code (Stanojevic 2024): sums, then fires",
        Neuron(400, ramp=False, window=(40, 15)),
        20,
    ),
}
"""The neurons of the sources, by the names that ``sim neuron --kind`` takes."""

TRAIN = (2, 4, 5, 12, 14, 15, 16, 24, 26, 27, 38)
"""The input spikes of a trace, where none are given."""


class Trace(NamedTuple):
    """What neurons do at each tick, (ticks, neurons).

    :param current: int64, after the input of the tick: what the next advance adds.
    :param potential: int64, after the advance, before a spike resets it.
    :param fired: bool.
    :param level: int or None, of each tick: the potential at which a neuron fires.
    """

    current: npt.NDArray[np.int64]
    potential: npt.NDArray[np.int64]
    fired: npt.NDArray[np.bool_]
    level: list[int | None]


def trace(neuron: Neuron, inputs: npt.NDArray[Any], ticks_per_unit: int = 1) -> Trace:
    """Run neurons that are alike, each with its own input, as a network's machine does.

    :param inputs: integers (ticks, neurons), the sum of the weights that come in at each tick.
    :param ticks_per_unit: R of the network.
    :raises InputError: there are no ticks, too many, or inputs too large.
    """
    ticks, count = inputs.shape
    require(1 <= ticks <= MOST_TICKS, "ticks", f"must be in 1..{MOST_TICKS}, not {ticks}")
    inside = bool((np.abs(inputs) <= MOST_CURRENT).all())
    require(inside, "input", f"must be within {MOST_CURRENT} at each tick")
    neurons = Neurons(neuron, Dense(np.zeros((1, count), np.int8)), ticks_per_unit)

    current = np.zeros(inputs.shape, np.int64)
    potential = np.zeros(inputs.shape, np.int64)
    fired = np.zeros(inputs.shape, np.bool_)
    for tick in range(ticks):
        if tick > 0:
            neurons.advance()
        potential[tick] = neurons.potential
        neurons.fire()
        fired[tick] = neurons.fired
        neurons.add(inputs[tick])
        current[tick] = neurons.current
    return Trace(current, potential, fired, [neuron.level(tick) for tick in range(ticks)])


def inputs_of(
    spikes: Sequence[int], weight: int, current: int, ticks: int
) -> npt.NDArray[np.int64]:
    """Return what comes in at each tick, int64 (ticks, 1).

    :param spikes: ticks of input spikes; one that is there twice counts twice.
    :param weight: of each.
    :param current: what comes in at every tick besides.
    :raises InputError: there are no ticks, or too many, or a spike comes before or after them.
    """
    require(is_integer(ticks, 1, MOST_TICKS), "ticks", f"must be in 1..{MOST_TICKS}, not {ticks}")
    found = np.full((ticks, 1), current, np.int64)
    for tick in spikes:
        within = 0 <= tick < ticks
        require(within, "spikes", f"tick {tick} is not one of the {ticks}; take more ticks")
        found[tick] += weight
    return found


def with_fraction(neuron: Neuron, fraction: int) -> Neuron:
    """Return the same neuron with another number of bits behind the point.

    :raises InputError: there is a ramp or a window, or the threshold becomes too large.
    """
    threshold = neuron.threshold << fraction >> neuron.fraction
    return replace(neuron, threshold=threshold, fraction=fraction)


def error_bound(neuron: Neuron) -> Fraction | None:
    """Return what the potential of a leaky neuron is always closer than to that of the same neuron
    in real numbers, in state units, as long as both fire at the same ticks; None: no such number.

    The proof. Write beta = b / 256, alpha = a / 256, and let e and d be the magnitudes of the
    errors of potential and current, both 0 at the start. An advance rounds beta V towards zero,
    which moves it by less than 1, and not at all where b is 0 or 256. What came before is carried
    on times beta, so the next e is less than beta e + d + 1. Inputs are integers and add no error,
    a spike subtracts the same T from both, or puts both to 0, where the error is gone.

    - a = 0 or 256: the current is exact, d = 0, and e < 1 + beta + beta^2 + ... = 1 / (1 - beta)
      = 256 / (256 - b).
    - else in the same way d < D = 1 / (1 - alpha), so e < (1 + D) / (1 - beta).
    - b = 0 rounds nothing: e <= D, or 0. b = 256 rounds nothing either, but sums d: with an exact
      current e = 0, else the error grows with the ticks, and there is no such number.

    Weights enter times 2^F, so in units of a weight the bound is 2^F times smaller.
    """
    exact = neuron.synapse in (0, HOLDS)
    current = Fraction(0) if exact else Fraction(HOLDS, HOLDS - neuron.synapse)
    if neuron.membrane in (0, HOLDS):
        grows = neuron.membrane == HOLDS and not exact
        return None if grows else current
    return (1 + current) * Fraction(HOLDS, HOLDS - neuron.membrane)


def time_constant(neuron: Neuron) -> float:
    """Return tau of the membrane in ticks: b / 256 = exp(-1 / tau).

    :raises InputError: the curves' equation is not that of this neuron.
    """
    plain = not neuron.ramp and neuron.window is None
    require(plain, "curve", "is one of leaky neurons; take --kind masquelier")
    require(neuron.synapse == 0, "synapse", "must be 0 for a curve, the leak of one potential")
    leaks = 0 < neuron.membrane < HOLDS
    require(leaks, "membrane", f"must be in 1..255 for a curve, not {neuron.membrane}")
    return -1 / math.log(neuron.membrane / HOLDS)


def _curve(neuron: Neuron, curve: str, rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    settings = {"threshold": neuron.threshold, **neuron.settings()}
    return {
        "curve": curve,
        "neuron": settings,
        "tau": time_constant(neuron),
        **more,
        "rows": rows,
    }


def charging(neuron: Neuron, current: int, ticks: int) -> dict[str, Any]:
    """Return how a constant current charges a neuron that does not fire, in integers and by V(t) =
    V_end (1 - exp(-t / tau)); at whole ticks this solves tau dV/dt = V_end - V exactly.

    :param current: what comes in at every tick, in units of a weight.
    """
    tau = time_constant(neuron)
    end = current / (1 - neuron.membrane / HOLDS)
    real = -end * np.expm1(-np.arange(ticks) / tau)
    rows: list[dict[str, Any]] = []
    for fraction in FRACTIONS:
        one = replace(neuron, threshold=1, reset="never", limit=0, fraction=fraction)
        found = trace(one, inputs_of((), 0, current, ticks)).potential[:, 0] / 2**fraction
        bound = error_bound(one)
        assert bound is not None, "it leaks, and has no current"
        rows.append(
            {
                "fraction": fraction,
                "error": float(np.abs(found - real).max()),
                "bound": float(bound / 2**fraction),
                "potential": found.tolist(),
            }
        )
    return _curve(neuron, "charging", rows, current=current, continuous=real.tolist())


def rate(neuron: Neuron, currents: Sequence[int], ticks: int) -> dict[str, Any]:
    """Return how often a neuron with reset ``zero`` fires under constant currents (the f-I curve):
    the ticks from spike to spike, in integers and by tau ln(V_end / (V_end - T)).

    :param currents: what comes in at every tick, in units of a weight.
    :param ticks: how long a spike is waited for.

    ``error`` is the most ticks by which a spike is too late, where a spike in real numbers is one
    at the first whole tick; ``silent`` counts the currents with which only real numbers fire.
    """
    tau, held = time_constant(neuron), 1 - neuron.membrane / HOLDS
    threshold = neuron.threshold / 2**neuron.fraction
    ends = [current / held for current in currents]
    real = [tau * math.log(end / (end - threshold)) if end > threshold else None for end in ends]

    inputs = np.broadcast_to(np.array(currents, np.int64), (ticks, len(currents)))
    rows: list[dict[str, Any]] = []
    for fraction in FRACTIONS:
        one = with_fraction(replace(neuron, reset="zero", limit=0), fraction)
        fired = trace(one, inputs).fired
        # a sample starts as after a spike, so the first one comes after one period
        first = [int(column.argmax()) if column.any() else None for column in fired.T]
        both = zip(first, real, strict=True)
        pairs = [(found, math.ceil(wanted)) for found, wanted in both if wanted]
        late = [found - wanted for found, wanted in pairs if found is not None]
        silent = sum(found is None and wanted < ticks for found, wanted in pairs)
        row = {"error": max(map(abs, late), default=0), "silent": silent, "period": first}
        rows.append({"fraction": fraction, **row})
    return _curve(neuron, "rate", rows, currents=list(currents), continuous=real)


def coincidence(neuron: Neuron, weight: int, ticks: int) -> dict[str, Any]:
    """Return how far apart two input spikes may be for a neuron to fire: in integers, and by d <=
    -tau ln(V_t - 1), where V_t = T / weight is the threshold in units of one input.

    :param ticks: the longest distance that is tried, not included.

    Rounding towards zero only shortens the window. It is right, or one tick short, where the error
    is less than what the first input loses in the last tick: :func:`error_bound` <= (T - weight)
    (256 / b - 1), in state units.

    :raises InputError: one spike suffices, or two do not.
    """
    tau = time_constant(neuron)
    relative = neuron.threshold / 2**neuron.fraction / weight if weight > 0 else 0.0
    fits = 1 < relative <= 2
    remedy = "must be at least half of the threshold, and below it, for a detector of coincidence"
    require(fits, "weight", f"{remedy}, not {weight}")
    real = -tau * math.log(relative - 1)

    inputs = np.zeros((ticks + 2, ticks), np.int64)
    inputs[0] = weight
    inputs[np.arange(ticks), np.arange(ticks)] += weight  # column d: at 0 and at d
    rows: list[dict[str, Any]] = []
    for fraction in FRACTIONS:
        one = with_fraction(replace(neuron, reset="zero", limit=0), fraction)
        fires = trace(one, inputs).fired.any(axis=0)
        rows.append({"fraction": fraction, "window": int(np.flatnonzero(fires).max(initial=-1))})
    return _curve(neuron, "coincidence", rows, weight=weight, continuous=real)
