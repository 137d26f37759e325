"""One neuron with parameters, and the state of a layer of them while a sample runs: the only place
where a neuron's state changes. What it never leaves is proved in :mod:`sim.bounds`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from sim.errors import is_integer, require
from sim.fixed_point import truncated

HOLDS = 256
"""A leak that leaves everything."""

RESETS = ("once", "zero", "subtract", "never")
"""What a spike does to its neuron: it fires no more, its potential becomes 0, the threshold is
subtracted; or the neuron does not fire at all.
"""


class Spike(NamedTuple):
    """Neuron ``neuron`` fired at tick ``tick``."""

    tick: int
    neuron: int


@dataclass(frozen=True)
class Adaptation:
    """Every spike makes the next one harder.

    :param raise_: J, what a spike adds to the neuron's level.
    :param shift: S; at every advance a 2^S-th of what was added is lost again.
    :raises InputError: one of them is out of range.
    """

    raise_: int
    shift: int

    def __post_init__(self) -> None:
        require(
            is_integer(self.raise_, 0, 2**31 - 1),
            "adaptation",
            f"raise must be in 0..2^31 - 1, not {self.raise_}",
        )
        require(
            is_integer(self.shift, 0, 31), "adaptation", f"shift must be in 0..31, not {self.shift}"
        )


@dataclass(frozen=True)
class Neuron:
    """What the neurons of a layer are.

    At every tick k > 0 the potential becomes trunc(b potential / 256), rounded towards zero, then
    the current is added to it, then the current becomes trunc(a current / 256). A neuron fires
    where its potential reaches its level, which is T. This is leaky integrate-and-fire, with a
    current (Zenke & Vogels 2021) or, at a = 0, without: what comes in is in the potential one tick
    later, and gone from the current. Reset ``zero`` puts the potential to 0 at once, ``subtract``
    takes T from it at the next advance, after the leak.

    With ``ramp`` a sample starts with current -T and potential -T*R, and a neuron fires from 0 on:
    at the first z = 1 + k / R with sum w (z - z_i) >= T z (Mostafa 2017). With reset ``subtract``
    on the ramp it fires for the n-th time where the sum reaches n T z: at the advance after a spike
    T (R + k) is taken from the potential and T from the current.

    With ``window`` (k0, M) it sums up to tick k0, and then fires at the first k with a potential of
    at least T (k0 + M - k): the larger the sum, the earlier, as a ReLU clipped at M and rounded
    down (the neuron of Stanojevic 2024 on a grid of ticks). Reset ``never`` is an output that does
    not fire.

    :param threshold: T, 1..2^31 - 1: the integer that stands for 1.0 on the weights' scale.
    :param membrane: 0..256, what remains of the potential in a tick, in 256ths; 256 holds it.
    :param synapse: 0..256, what remains of the current in a tick, in 256ths.
    :param reset: one of :data:`RESETS`.
    :param ramp: the threshold is a ramp in z; else a sample starts at 0, and the level is T.
    :param fraction: 0..8; weights enter times 2 to the power of it.
    :param window: (k0, M) in place of ``ramp``: integrate up to tick k0, then fire at the first of
        M ticks whose level T (k0 + M - k) is reached.
    :param adaptation: every spike raises the level; None: it does not.
    :param competition: ``layer`` or ``position``: of these neurons only the highest fires; None:
        all do.
    :param strength: 0..15, the most that one spike can weigh; 0: all weigh the same.
    :param limit: the most spikes of a sample, 0 for any number.
    :raises InputError: one of them is out of range, or the machine cannot run such a neuron.
    """

    threshold: int
    membrane: int = 256
    synapse: int = 256
    reset: str = "once"
    ramp: bool = True
    fraction: int = 0
    window: tuple[int, int] | None = None
    adaptation: Adaptation | None = None
    competition: str | None = None
    strength: int = 0
    limit: int = 0

    def __post_init__(self) -> None:
        require(
            is_integer(self.threshold, 1, 2**31 - 1),
            "threshold",
            f"must be in 1..2^31 - 1, not {self.threshold}",
        )
        for key, high in (("membrane", 256), ("synapse", 256), ("fraction", 8), ("strength", 15)):
            value = getattr(self, key)
            require(is_integer(value, 0, high), key, f"must be in 0..{high}, not {value}")
        require(self.reset in RESETS, "reset", f"must be one of {', '.join(RESETS)}")
        require(type(self.ramp) is bool, "ramp", f"must be true or false, not {self.ramp}")

        self._check_window()
        self._check_repetition()
        self._check_possible()

    def _check_window(self) -> None:
        if self.window is None:
            return
        parts = cast(Sequence[Any], self.window)  # a file may give anything
        require(
            type(parts) in (list, tuple)
            and len(parts) == 2
            and all(is_integer(part, 1, 2**31 - 2) for part in parts),
            "window",
            "must be two numbers of at least 1, the tick that ends the sums and the ticks after it",
        )
        require(not self.ramp, "window", "takes the place of the ramp; give one of them")
        require(
            self.strength == 0 or parts[1] == 1, "window", "must be 1 tick long with a strength"
        )
        object.__setattr__(self, "window", (parts[0], parts[1]))

    def _check_repetition(self) -> None:
        """Check what concerns neurons that fire more than once, or against one another."""
        require(
            self.competition in (None, "layer", "position"),
            "competition",
            "must be layer, position or none",
        )
        if self.competition is not None:
            wanted = "zero" if self.competition == "layer" else "once"
            require(
                self.reset == wanted, "competition", f"of a {self.competition} needs reset {wanted}"
            )

        require(self.strength == 0 or not self.ramp, "strength", "cannot go with a ramp")

        require(
            is_integer(self.limit, 0, 2**31 - 1), "limit", f"must be at least 0, not {self.limit}"
        )
        require(
            self.limit == 0 or self.reset in ("zero", "subtract"),
            "limit",
            "needs reset zero or subtract",
        )

    def _check_possible(self) -> None:
        """Refuse what the machine cannot run yet, and what has no meaning."""
        for key in ("adaptation", "competition", "strength"):
            value, usual = getattr(self, key), getattr(Neuron, key)
            problem = f"{value} is not possible in this version; take {usual}"
            require(value == usual, key, problem)
        if not self.ramp and self.window is None:
            return

        # a ramp is a current, and a window a sum: they would leak
        kind, resets = ("ramp", ("once", "subtract")) if self.ramp else ("window", ("once",))
        require(self.reset in resets, "reset", f"with a {kind} must be {' or '.join(resets)}")
        for key, usual in (("membrane", HOLDS), ("synapse", HOLDS), ("fraction", 0)):
            require(getattr(self, key) == usual, key, f"with a {kind} must be {usual}")

    def settings(self) -> dict[str, Any]:
        """Return all but the threshold under their names in a network's file, for JSON."""
        return {name: getattr(self, name) for name in NEURON_SETTINGS}

    @property
    def fires(self) -> bool:
        """Whether it is a neuron that spikes; one that does not may be an output."""
        return self.reset != "never"

    @property
    def most_spikes(self) -> int | None:
        """How often a neuron can spike in a sample; None: at every tick."""
        return 1 if self.reset == "once" else self.limit or None

    @property
    def least_level(self) -> int:
        """The lowest potential at which a neuron can fire, whatever the tick."""
        return 0 if self.ramp else self.threshold

    def level(self, tick: int) -> int | None:
        """Return the potential from which on a neuron has reached its level at a tick, whether it
        fires there or not; None: it can reach none then.

        With a ramp the threshold is in the state that a sample starts from.
        """
        if self.window is None:
            return self.least_level
        begin, length = self.window
        return self.threshold * (begin + length - tick) if 0 <= tick - begin < length else None

    def integrates(self, tick: int) -> bool:
        """Whether the potential moves at the advance to a tick."""
        return self.window is None or tick <= self.window[0]

    def origin(self, ticks_per_unit: int) -> tuple[int, int]:
        """Return the current and the potential that a sample starts from, without ``start``.

        :param ticks_per_unit: R of the network.
        """
        return (-self.threshold, -self.threshold * ticks_per_unit) if self.ramp else (0, 0)


NEURON_SETTINGS = tuple(field.name for field in fields(Neuron) if field.name != "threshold")
"""What a network's file says of a neuron in JSON; its threshold is an array there."""


class Connection(Protocol):
    """What feeds a layer, as far as its neurons know."""

    @property
    def fan_out(self) -> int:
        """Number of neurons that are fed."""
        ...

    def deliver(self, source: int, current: npt.NDArray[np.int64]) -> None:
        """Add the weights of one spike of ``source`` to the currents (fan_out,)."""
        ...


class Neurons:
    """State of a layer's neurons during one sample.

    :param neuron: what they are.
    :param connection: what feeds them.
    :param ticks_per_unit: R of the network.
    :param start: int32 (fan_out,), what is added to the potentials that a sample starts from.

    ``current`` and ``potential`` are int64 (fan_out,), ``spikes`` counts the spikes of each neuron
    and ``fired`` says which neurons fired at the current tick. With a ramp a sample starts with
    current -T (the ramp of the threshold) and potential -T*R, so "potential >= 0" is the neuron's
    firing condition at any tick.
    """

    def __init__(
        self,
        neuron: Neuron,
        connection: Connection,
        ticks_per_unit: int,
        start: npt.NDArray[np.int32] | None = None,
    ) -> None:
        self.neuron = neuron
        self.connection = connection
        self.ticks_per_unit = ticks_per_unit
        self.tick = 0

        current, potential = neuron.origin(ticks_per_unit)
        self.current = np.full(connection.fan_out, current, np.int64)
        self.potential = np.full(connection.fan_out, potential, np.int64)
        if start is not None:
            self.potential += start
        self.spikes = np.zeros(connection.fan_out, np.int64)
        self.fired = np.zeros(connection.fan_out, np.bool_)

    def advance(self) -> None:
        """Move on by one tick: the potential leaks and integrates the current, a spike is
        subtracted, the current leaks.
        """
        self.tick += 1
        if self.neuron.integrates(self.tick):
            self.potential = truncated(self.neuron.membrane, self.potential) + self.current

        if self.neuron.reset == "subtract":
            self._subtract()
        self.fired[:] = False
        self.current = truncated(self.neuron.synapse, self.current)

    def _subtract(self) -> None:
        threshold = self.neuron.threshold
        if self.neuron.ramp:
            self.potential[self.fired] -= threshold * (self.ticks_per_unit + self.tick)
            self.current[self.fired] -= threshold
        else:
            self.potential[self.fired] -= threshold

    def reached(self) -> npt.NDArray[np.bool_]:
        """Return which neurons have reached their level at this tick, bool (fan_out,)."""
        level = self.neuron.level(self.tick)
        return np.zeros_like(self.fired) if level is None else self.potential >= level

    def fire(self) -> npt.NDArray[np.intp]:
        """Return the neurons that fire now, lowest index first."""
        self.fired = self.reached() & self.neuron.fires
        if self.neuron.most_spikes is not None:
            self.fired &= self.spikes < self.neuron.most_spikes

        self.spikes += self.fired
        if self.neuron.reset == "zero":
            self.potential[self.fired] = 0
        return np.flatnonzero(self.fired)

    def deliver(self, source: int) -> None:
        """Look up the weights of one spike of input neuron ``source``."""
        inflow = np.zeros_like(self.current)
        self.connection.deliver(source, inflow)
        self.add(inflow)

    def add(self, weights: npt.NDArray[np.integer[Any]]) -> None:
        """Add a row of weights to the currents, integers (fan_out,)."""
        self.current += weights.astype(np.int64) << self.neuron.fraction
