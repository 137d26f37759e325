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
    :param sources_spike_once: whether every neuron that feeds the layer spikes at most once.
    :param only_sources: whether nothing else is added: the layer has no recurrent rows, no bias and
        no start of its own.
    """

    ticks_per_unit: int
    first_tick: int
    last_tick: int
    sources_spike_once: bool
    only_sources: bool


@dataclass(frozen=True)
class Neuron:
    """What the neurons of a layer are.

    At every tick k > 0 the potential loses what leaks, then the current is added to it, then the
    current leaks. With ``ramp`` a sample starts with current -T and potential -T*R, and a neuron
    fires from 0 on: at the first z = 1 + k / R with sum w (z - z_i) >= T z (Mostafa 2017).

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
        """Refuse what the machine cannot run: all but Mostafa's neuron."""
        for field in fields(self)[1:]:
            value = getattr(self, field.name)
            require(
                value == field.default,
                field.name,
                f"{value} is not possible in this version; take {field.default}",
            )

    def settings(self) -> dict[str, Any]:
        """Return all but the threshold under their names in a network's file, for JSON."""
        return {name: getattr(self, name) for name in NEURON_SETTINGS}

    @property
    def fires_once(self) -> bool:
        """Whether a neuron spikes at most once in a sample."""
        return self.reset == "once"

    def bounds(self, inflow: Bounds, premise: Premise) -> StateBounds:
        """Return exact bounds of current and potential over any input and all ticks.

        :param inflow: the least and the greatest sum of weights that can reach a neuron when every
            source spikes at most once.
        :param premise: the ticks, and what can happen in them.
        :raises InputError: sources may spike more than once, or not only sources feed the layer:
            then the proof does not hold.

        Each weight is added at most once, in any order, so a current never leaves -T + inflow. No
        spike reaches the layer before ``first_tick`` k: up to there the potential is -T (R + k),
        and after that it moves by at most the extreme current per tick.
        """
        if not (premise.sources_spike_once and premise.only_sources):
            raise InputError(
                "widths: are proved only where each weight is added at most once in a sample."
            )

        current = Bounds(inflow.low - self.threshold, inflow.high - self.threshold)
        first = min(premise.first_tick, premise.last_tick)
        ticks = premise.last_tick - first
        start = -self.threshold * premise.ticks_per_unit
        base = start - self.threshold * first

        # at an extreme current a potential is linear in the ticks, so it is extreme at either end;
        # the start is the highest potential of a neuron that nothing excites
        low = min(base, base + ticks * current.low)
        return StateBounds(current, Bounds(low, max(start, base + ticks * current.high)))


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

    ``current`` and ``potential`` are int64 (fan_out,), ``fired`` is bool (fan_out,). A sample
    starts with current -T (the ramp of the threshold) and potential -T*R, so "potential >= 0" is
    the neuron's firing condition at any tick.
    """

    def __init__(self, neuron: Neuron, connection: Connection, ticks_per_unit: int) -> None:
        self.connection = connection
        self.current = np.full(connection.fan_out, -neuron.threshold, np.int64)
        self.potential = self.current * ticks_per_unit
        self.fired = np.zeros(connection.fan_out, np.bool_)

    def advance(self) -> None:
        """Move on by one tick: the potential integrates the current."""
        self.potential += self.current

    def fire(self) -> npt.NDArray[np.intp]:
        """Return the neurons that fire now, lowest index first; each fires at most once."""
        firing = (self.potential >= 0) & ~self.fired
        self.fired |= firing
        return np.flatnonzero(firing)

    def deliver(self, source: int) -> None:
        """Look up the weights of one spike of input neuron ``source``."""
        self.connection.deliver(source, self.current)
