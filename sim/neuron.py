"""One neuron with parameters, and the state of a layer of them while a sample runs: the only place
where a neuron's state changes, and where its width is proved.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import numpy.typing as npt

from sim.errors import InputError, is_integer, require
from sim.fixed_point import Bounds

MAX_BITS = 32
"""Widest current or potential supported; wide enough for any network that trains, and native to
every simulator.
"""

POSSIBLE = {
    (True, False, "once"),
    (True, False, "subtract"),
    (False, True, "once"),
    (False, False, "never"),
}
"""Which neurons the machine can run: whether it has a ramp, whether it has a window, and its reset.
"""

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
class StateBounds:
    """What the state of a layer's neurons provably never leaves."""

    current: Bounds
    potential: Bounds

    @property
    def bits(self) -> int:
        """Width of the wider one."""
        return max(self.current.bits, self.potential.bits)


@dataclass(frozen=True)
class Premise:
    """What the ticks of a sample can bring a layer: the premises of :meth:`Neuron.bounds`.

    :param ticks_per_unit: R of the network.
    :param first_tick: the first tick at which a spike can reach the layer.
    :param last_tick: K of the network.
    :param spikes_per_source: how often a neuron that feeds the layer can spike, at different ticks.
    :param only_sources: whether nothing else is added at a tick: the layer has no recurrent rows
        and no bias.
    """

    ticks_per_unit: int
    first_tick: int
    last_tick: int
    spikes_per_source: int
    only_sources: bool


@dataclass(frozen=True)
class Neuron:
    """What the neurons of a layer are.

    At every tick k > 0 the potential loses what leaks, then the current is added to it, then the
    current leaks. With ``ramp`` a sample starts with current -T and potential -T*R, and a neuron
    fires from 0 on: at the first z = 1 + k / R with sum w (z - z_i) >= T z (Mostafa 2017). With
    reset ``subtract`` on the ramp it fires for the n-th time where the sum reaches n T z: at the
    advance after a spike T (R + k) is taken from the potential and T from the current.

    With ``window`` (k0, M) it sums up to tick k0, and then fires at the first k with a potential of
    at least T (k0 + M - k): the larger the sum, the earlier, as a ReLU clipped at M and rounded
    down (the neuron of Stanojevic 2024 on a grid of ticks). Reset ``never`` without either is an
    output that only sums.

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
        """Refuse what the machine cannot run yet."""
        for key in ("membrane", "synapse", "fraction", "adaptation", "competition", "strength"):
            value, usual = getattr(self, key), getattr(Neuron, key)
            problem = f"{value} is not possible in this version; take {usual}"
            require(value == usual, key, problem)

        kind = self.ramp, self.window is not None, self.reset
        if kind not in POSSIBLE:
            raise InputError(
                f"reset: {self.reset} {'with' if self.ramp else 'without'} a ramp and "
                f"{'with' if self.window else 'without'} a window is not possible in this version; "
                "take once or subtract with a ramp, once with a window, or never without both."
            )

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
        """Return the potential from which on a neuron fires at a tick; None: none fires then.

        With a ramp the threshold is in the state that a sample starts from.
        """
        if not self.fires:
            return None
        if self.window is None:
            return 0
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

    def bounds(self, inflow: Bounds, premise: Premise, start: int = 0) -> StateBounds:
        """Return bounds of a neuron's current and potential over any input and all ticks.

        :param inflow: the least and the greatest sum of weights that can reach the neuron when
            every source spikes once.
        :param premise: the ticks, and what can happen in them.
        :param start: what is added to the potential that a sample starts from.
        :raises InputError: not only sources feed the layer: then the proof does not hold.

        Every source spikes at most S times, at different ticks from ``first_tick`` f on, so a
        weight adds at most w S to the current, and to the potential of tick k at most w G(k), with
        G(k) the sum of k - f - j over j = 0 ... S - 1, as far as positive. G is convex up to where
        all S spikes are there, and linear after that; a ramp is linear: so a potential is extreme
        at either end, and for sources that spike once both ends are reached. Reset ``subtract``
        takes T (R + k) at most N times, where N T (R + k) is at most what can have come in.
        """
        if not premise.only_sources:
            raise InputError("widths: are proved only where nothing but sources feeds a layer.")

        last = min(premise.last_tick, self.window[0]) if self.window else premise.last_tick
        ticks = max(last - min(premise.first_tick, last), 0)
        spikes = min(premise.spikes_per_source, ticks + 1)
        gain = sum(max(ticks - index, 0) for index in range(spikes))

        current, potential = self.origin(premise.ticks_per_unit)
        begin, end = start + potential, start + potential + last * current
        low, high = end + gain * inflow.low, end + gain * inflow.high

        taken = self._most_taken(gain * inflow.high, start, premise)
        low -= taken * self.threshold * (premise.ticks_per_unit + last)
        return StateBounds(
            Bounds(
                current + spikes * inflow.low - taken * self.threshold,
                current + spikes * inflow.high,
            ),
            Bounds(min(begin, low), max(begin, high)),
        )

    def _most_taken(self, inflow: int, start: int, premise: Premise) -> int:
        """Return how often reset ``subtract`` can act: a spike n at tick k needs n T (R + k).

        :param inflow: the greatest sum that sources can have added to the potential.
        """
        if self.reset != "subtract":
            return 0

        # what sources add grows faster than R + k, what a sample starts with does not grow at all
        unit, end = premise.ticks_per_unit, premise.ticks_per_unit + premise.last_tick
        most = (max(start, 0) * end + inflow * unit) // (self.threshold * unit * end)
        return min(most, premise.last_tick, self.limit or premise.last_tick)


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
        """Move on by one tick: the potential integrates the current; a spike is subtracted."""
        self.tick += 1
        if self.neuron.integrates(self.tick):
            self.potential += self.current

        if self.neuron.reset == "subtract":
            threshold = self.neuron.threshold
            self.potential[self.fired] -= threshold * (self.ticks_per_unit + self.tick)
            self.current[self.fired] -= threshold
        self.fired[:] = False

    def fire(self) -> npt.NDArray[np.intp]:
        """Return the neurons that fire now, lowest index first."""
        level, most = self.neuron.level(self.tick), self.neuron.most_spikes
        if level is not None:
            self.fired = self.potential >= level
        if most is not None:
            self.fired &= self.spikes < most

        self.spikes += self.fired
        return np.flatnonzero(self.fired)

    def deliver(self, source: int) -> None:
        """Look up the weights of one spike of input neuron ``source``."""
        self.connection.deliver(source, self.current)
