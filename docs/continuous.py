"""Neurons of the continuous kind, integrated by SciPy: what the pages compare integers with.

    from docs.continuous import hodgkin_huxley

Time is in ms, potentials are in mV. The current is sampled and held per step: one number for each
step, constant within it. The method is that of Dormand and Prince, of order 5, with a step of
``step_ms`` exactly (SciPy's ``RK45``, kept from choosing its own), so that a trace is the same
numbers anywhere to within 1e-9 mV.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.integrate import RK45

Values = npt.NDArray[np.float64]

SODIUM, POTASSIUM, LEAK = (120.0, 50.0), (36.0, -77.0), (0.3, -54.387)
"""Conductance in mS/cm^2, and reversal potential in mV; the membrane has 1 uF/cm^2."""

REST = np.array([-65.0, 0.05293248525724958, 0.5961207535084603, 0.3176769140606974])
"""Potential, m, h and n to start from: the gates at their steady state at -65 mV."""


def integrate(
    derivative: Callable[[Values, float], Values], state: Values, current: Values, step_ms: float
) -> Values:
    """Return the states at the ends of all steps and at the start, (steps + 1, variables).

    :param derivative: of a state under a current, per ms.
    :param current: (steps,), one for each step.
    """
    found = [state]
    for held in current:

        def equation(time: float, state: Values, held: float = float(held)) -> Values:
            return derivative(state, held)

        # no error is too large for these tolerances, so the first step is the only one
        step = RK45(equation, 0.0, found[-1], step_ms, first_step=step_ms, rtol=1e3, atol=1e9)
        step.step()
        assert step.status == "finished"
        found.append(step.y)
    return np.array(found)


def rates(potential: float) -> tuple[Values, Values]:
    """Return the opening and closing rates of the gates m, h and n, per ms (Hodgkin & Huxley 1952,
    with a resting potential of -65 mV).
    """
    v = potential
    opening = (_ratio(v + 40), 0.07 * np.exp(-(v + 65) / 20), 0.1 * _ratio(v + 55))
    closing = (4 * np.exp(-(v + 65) / 18), 1 / (1 + np.exp(-(v + 35) / 10)))
    return np.array(opening), np.array([*closing, 0.125 * np.exp(-(v + 65) / 80)])


def _ratio(v: float) -> float:
    """Return 0.1 v / (1 - exp(-v / 10)), which is 1 at 0."""
    return 1.0 if v == 0 else 0.1 * v / -np.expm1(-v / 10)


def hodgkin_huxley_derivative(state: Values, current: float) -> Values:
    """Return the derivative of (potential, m, h, n), per ms.

    :param current: in uA/cm^2.
    """
    v, m, h, n = state
    opening, closing = rates(v)
    flow = SODIUM[0] * m**3 * h * (v - SODIUM[1])
    flow += POTASSIUM[0] * n**4 * (v - POTASSIUM[1]) + LEAK[0] * (v - LEAK[1])
    gates = opening * (1 - state[1:]) - closing * state[1:]
    return np.array([current - flow, *gates])


def hodgkin_huxley(current: Values, step_ms: float, start: Values = REST) -> Values:
    """Return (potential, m, h, n) at the start and the ends of all steps, (steps + 1, 4).

    :param current: uA/cm^2, (steps,).
    """
    return integrate(hodgkin_huxley_derivative, start, current, step_ms)


def spike_times(potential: Values, step_ms: float, level: float = 0.0) -> Values:
    """Return when a potential rises through a level, interpolated between steps, in ms."""
    before = np.flatnonzero((potential[:-1] < level) & (potential[1:] >= level))
    rise = potential[before + 1] - potential[before]
    return (before + (level - potential[before]) / rise) * step_ms


def adaptive_threshold(
    current: Values,
    step_ms: float,
    *,
    tau_ms: float = 10.0,
    level: float = 10.0,
    jump: float = 5.0,
    recovery_ms: float = 60.0,
) -> tuple[Values, list[float]]:
    """Return (potential, level) at the start and the ends of all steps, and the times of spikes.

    A leaky neuron, tau dV/dt = I - V, whose level jumps with every spike and recovers from it; a
    spike happens at the end of the step in which the potential has reached the level, and resets
    it.

    :param current: in mV, (steps,): what the potential would come to.
    :param tau_ms: of the membrane.
    :param level: of a neuron that has rested, above a potential at rest of 0.
    :param jump: of the level, per spike.
    :param recovery_ms: time constant of the level.
    """
    constants = np.array([tau_ms, recovery_ms])
    state, found, spikes = np.array([0.0, level]), [np.array([0.0, level])], []
    for index, held in enumerate(current):
        state = integrate(
            lambda now, given: (np.array([given, level]) - now) / constants,
            state,
            np.array([held]),
            step_ms,
        )[-1]
        if state[0] >= state[1]:
            spikes.append((index + 1) * step_ms)
            state = np.array([0.0, state[1] + jump])
        found.append(state)
    return np.array(found), spikes
