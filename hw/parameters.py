"""The parameters of a layer and of the whole machine, shared by software and hardware."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from amaranth.hdl import ShapeLike, signed
from amaranth.lib import data
from amaranth.utils import bits_for

import sim.network
import sim.neuron
from hw.broadcast import GROUP
from hw.rows import BLOCK, FLASH, LOGIC, Placement, Rows, joined
from sim.connections.dense import Dense
from sim.connections.pool import Pool
from sim.encoders.intensity import Intensity
from sim.errors import InputError, require
from sim.fixed_point import Bounds
from sim.learning.supervised import Rule, check_learnable
from sim.network import Network
from sim.neuron import HOLDS, Neuron
from sim.readouts.final import Final
from sim.readouts.most_spikes import MostSpikes

FULL = "full"
"""As many lanes as the widest layer has neurons: an event costs one cycle."""


MOST_LEFT = 15
"""Up to so many ticks an output adds a weight times them at once; beyond, it keeps a current."""


@dataclass(frozen=True, eq=False)
class LayerParameters:
    """A layer as software and as hardware.

    :param layer: weights and threshold T.
    :param lanes: neurons updated in one cycle, 1..fan_out.
    :param ticks_per_unit: R of the network.
    :param last_tick: K of the network.
    :param current: exact bounds of the currents.
    :param potential: exact bounds of the potentials.
    :param output: whether this is the output layer.
    :param learns: the weights can be moved, and the neurons remember the tick at which they fired.
    :param placement: where the weight rows are stored.
    :param exchangeable: see :class:`hw.rows.Rows`.
    :param shared: whether other layers are stored in the same memory.
    :param group: maximum fan-out of a net in lanes, and lanes searched for a spike in one cycle.
    :param lefts: how many ticks a spike can have left when it comes, where its weight is added that
        many times at once; empty: the neurons keep a current.
    :param eager: an image begins with an advance to tick 0, at which neurons may fire.
    :param every_tick: of outputs: the readout looks at them at every tick; else at the last one.
    :param counts: of outputs: the readout asks how often each of them fires.
    :param state_in_block: names of the memories of the state of several folds that are stored in
        block RAM, however few the folds are.
    """

    layer: sim.network.Layer
    lanes: int
    ticks_per_unit: int
    last_tick: int
    current: Bounds
    potential: Bounds
    output: bool
    learns: bool = False
    placement: Placement = BLOCK
    exchangeable: bool = False
    shared: bool = False
    group: int = GROUP
    lefts: tuple[int, ...] = ()
    eager: bool = False
    every_tick: bool = True
    counts: bool = False
    state_in_block: frozenset[str] = frozenset()

    @property
    def rows(self) -> Rows:
        """The layer's weight rows, cut into words of ``lanes`` weights."""
        return Rows(self.layer, self.lanes, self.exchangeable)

    @property
    def by_words(self) -> bool:
        """Whether the store is asked for single words: a dense layer asks for whole rows if it does
        not share the store with others.
        """
        return self.shared or not isinstance(self.layer.connection, Dense)

    @property
    def asked_rows(self) -> Rows:
        """What the layer's store is asked for."""
        return self.rows.single_words() if self.by_words else self.rows

    @property
    def has_own_rows(self) -> bool:
        """Whether it has rows that no input looks up: recurrent ones, or a bias."""
        return self.layer.recurrent is not None or self.layer.bias is not None

    @property
    def own_rows(self) -> data.StructLayout:
        """Layout of which rows of the layer's own are looked up in a cycle."""
        return data.StructLayout({"recurrent": 1, "bias": 1})

    @property
    def scattered(self) -> bool:
        """Whether an event is added to few of the folds, and says to which."""
        return self.layer.connection.positions > 1

    @property
    def wide(self) -> bool:
        """Whether a fold has more lanes than one net may drive."""
        return self.folds == 1 and self.lanes > self.group and not self.learns

    @property
    def reachable(self) -> bool:
        """Whether a host can read and write the weights."""
        return self.learns or (self.placement.loaded and not self.shared)

    @property
    def folds(self) -> int:
        """Passes over the lanes per tick, and per event of a dense layer."""
        return self.rows.folds

    @property
    def silent_tick(self) -> int:
        """The tick of a neuron that has not fired, where neurons remember when they did."""
        return self.last_tick + 1

    @property
    def origin(self) -> tuple[int, int]:
        """Current and potential that an image starts from, without ``start``."""
        current, potential = self.layer.neuron.origin(self.ticks_per_unit)
        return (current, potential - current) if self.eager else (current, potential)

    @property
    def advances(self) -> int:
        """How often the layer advances until it has reached the last tick."""
        return self.last_tick + self.eager

    @property
    def fold(self) -> data.StructLayout:
        """Layout of one fold after it has advanced.

        ``first_neuron`` of the fold, ``last`` on the last fold, and per lane: of an output layer
        its ``potential``, and how many ``spikes`` it has had where that counts, of a hidden layer
        whether it ``fires`` now.
        """
        # What the readout compares, and what the queue of spikes looks for.
        potentials = data.ArrayLayout(signed(self.potential.bits), self.lanes)
        per_lane: dict[str, ShapeLike] = (
            {"potential": potentials} if self.output else {"fires": self.lanes}
        )
        if self.counts:
            per_lane["spikes"] = data.ArrayLayout(self.count_bits, self.lanes)

        first_neuron = bits_for((self.folds - 1) * self.lanes)
        return data.StructLayout({"first_neuron": first_neuron, "last": 1, **per_lane})

    @property
    def count_bits(self) -> int:
        """Width of the number of spikes of a neuron; it can fire at tick 0 too."""
        return bits_for(self.layer.neuron.most_spikes or self.last_tick + 1)

    @property
    def past(self) -> data.ArrayLayout:
        """Layout of what a fold did, for learning, per lane: its ``current``, and the ``tick`` at
        which it fired.
        """
        neuron = {"current": signed(self.current.bits), "tick": bits_for(self.silent_tick)}
        return data.ArrayLayout(data.StructLayout(neuron), self.lanes)

    def twin(self) -> sim.neuron.Neurons:
        """Return the same neurons in software."""
        return self.layer.neurons(self.ticks_per_unit)


@dataclass(frozen=True, eq=False)
class MachineParameters:
    """A network as hardware.

    :param network: what it computes.
    :param lanes: neurons of the widest layer that are updated in one cycle, 1..its fan_out, or
        ``FULL``. Every other layer gets just as many lanes as it needs to have no more folds than
        the widest; so a few suffice for ten outputs. With ``rule`` the outputs get a lane each: a
        lesson looks up the rows of most hidden neurons. With a convolution among the layers it is
        the most lanes that any layer gets, 1..the most channels or neurons in one position; a
        convolution's divide its channels, and a dense layer gets no more than it needs for its
        events to take half the cycles of those of the convolutions.
    :param rule: it learns, by this rule; None: it does not.
    :param placement: where the weight rows are stored, one value per layer; empty: all in block
        RAM.
    :param exchangeable: any weights of the same format may replace these; so no width depends on
        them, and the network's digest is stored in a memory too.
    :param group: see :class:`LayerParameters`.
    :param state_in_block: layer and name of the memories of state that are stored in block RAM even
        where a family's small memories are usually made of flip-flops; it changes no cycle.
    :raises InputError: lanes or placement is out of range, or the network cannot learn.
    """

    network: Network
    lanes: int | str = FULL
    rule: Rule | None = None
    placement: tuple[Placement, ...] = ()
    exchangeable: bool = False
    group: int = GROUP
    state_in_block: frozenset[tuple[int, str]] = frozenset()

    def __post_init__(self) -> None:
        # The dataclass is frozen; what was left out is filled in before anybody sees it.
        if not self.placement:
            object.__setattr__(self, "placement", (BLOCK,) * len(self.network.layers))
        self._check_placement()
        self._place_pools()
        self._check_possible()

        widest = max(layer.connection.channels_out for layer in self.network.layers)
        if self.lanes == FULL:
            object.__setattr__(self, "lanes", widest)
        if type(self.lanes) is not int or not 1 <= self.lanes <= widest:
            raise InputError(
                f"lanes: must be in 1..{widest} (the widest layer) or '{FULL}', not {self.lanes}."
            )

    def _check_possible(self) -> None:
        """Refuse what the integer machine can do and gateware cannot yet."""
        eager = fires_at_start(self.network)
        for index, layer in enumerate(self.network.layers):
            key, neuron = f"layers.{index}", layer.neuron
            unbounded = neuron.window is not None and not _lefts(self.network, index)
            problem = "needs neurons with a window before it in gateware, or inputs; give them one"
            require(not unbounded, f"{key}.window", problem)

            # With a current the first advance would leak as well; without one it is in the start.
            leaks = neuron.synapse > 0 and neuron.membrane < HOLDS and bool(layer.starts().any())
            problem = "leaks from its start, and neurons fire at tick 0; take a smaller start"
            require(not (eager and leaks), f"{key}.start", problem)

    def _check_placement(self) -> None:
        """Check that every layer has a placement, and that it may be there."""
        layers, count = len(self.network.layers), len(self.placement)
        if count != layers:
            raise InputError(
                f"placement: must have one value for each of {layers} layers, not {count}."
            )

        if self.rule is not None:
            check_learnable(self.network, 1)
            if any(placement != BLOCK for placement in self.placement):
                raise InputError(
                    "rule: weights that learn are stored in block RAM, none of them in SPRAM, "
                    "logic or flash."
                )

        # There is one flash chip on a board.
        number = sum(each.in_flash for each in self.placement)
        if number > 1:
            raise InputError(
                f"placement: {FLASH} stores the weights of one layer, not of {number}; give "
                "the others another memory."
            )

        for placement, layer in zip(self.placement, self.network.layers, strict=True):
            if placement.in_flash and not isinstance(layer.connection, Dense):
                raise InputError(
                    "placement: a convolution looks up single words, which flash is too slow for; "
                    "store it in block RAM, SPRAM or logic."
                )

    def _place_pools(self) -> None:
        """A pool stores nothing; the ones and zeros of the convolution that does the same are wires
        and gates, wherever weights are stored.
        """
        pooled = [isinstance(layer.connection, Pool) for layer in self.network.layers]
        placement = tuple(
            LOGIC if pool else given for pool, given in zip(pooled, self.placement, strict=True)
        )
        object.__setattr__(self, "placement", placement)

    @property
    def dense(self) -> bool:
        """Whether none of the layers is a convolution."""
        return all(isinstance(layer.connection, Dense) for layer in self.network.layers)

    @property
    def learns(self) -> bool:
        """Whether it learns in place."""
        return self.rule is not None

    @property
    def loaded_layer(self) -> int | None:
        """Index of the layer whose words a host must bring after each start, or None; where several
        share a memory the first one: its words are those of all of them.
        """
        return self._layer_where([placement.loaded for placement in self.placement])

    @property
    def shared_layers(self) -> tuple[int, ...]:
        """Indices of the layers that share a memory; none or several."""
        loaded = [index for index, placement in enumerate(self.placement) if placement.loaded]
        return tuple(loaded) if len(loaded) > 1 else ()

    @property
    def shared_rows(self) -> dict[int, Rows]:
        """The rows of the layers that share a memory, by the layer's index."""
        return {index: self.layers[index].rows for index in self.shared_layers}

    @property
    def flash_layer(self) -> int | None:
        """Index of the layer whose rows are in flash, or None."""
        return self._layer_where([placement.in_flash for placement in self.placement])

    @staticmethod
    def _layer_where(chosen: list[bool]) -> int | None:
        return chosen.index(True) if any(chosen) else None

    @property
    def largest_layer(self) -> int:
        """Index of the layer with most weights, the first to be stored outside of block RAM."""
        sizes = [layer.stored for layer in self.network.layers]
        return sizes.index(max(sizes))

    def with_placement(self, index: int, placement: Placement) -> Self:
        """Return the same machine with the rows of one layer stored elsewhere."""
        values = list(self.placement)
        values[index] = placement
        return replace(self, placement=tuple(values))

    @cached_property
    def layers(self) -> tuple[LayerParameters, ...]:
        """The parameters of each layer, with its exact widths; if it learns, those of any weights
        that it may come to have.
        """
        network, learns = self.network, self.learns
        found: list[LayerParameters] = []
        for index, layer in enumerate(network.layers):
            output = index == len(network.layers) - 1
            # Weights that change may come to be any of their format, so widths are for all of them.
            bounds = network.bounds(index, any_weights=learns or self.exchangeable)
            found.append(
                LayerParameters(
                    _unpooled(layer),
                    lanes=layer.fan_out if learns and output else self._lanes_of(layer),
                    ticks_per_unit=network.ticks_per_unit,
                    last_tick=network.last_tick,
                    current=bounds.current,
                    potential=bounds.potential,
                    output=output,
                    learns=learns,
                    placement=self.placement[index],
                    exchangeable=self.exchangeable and not isinstance(layer.connection, Pool),
                    shared=index in self.shared_layers,
                    group=self.group,
                    lefts=_lefts(network, index),
                    eager=fires_at_start(network),
                    every_tick=not (output and isinstance(network.readout, (Final, MostSpikes))),
                    counts=output and network.readout.counts,
                    state_in_block=frozenset(
                        name for layer, name in self.state_in_block if layer == index
                    ),
                )
            )
        return tuple(found)

    def _lanes_of(self, layer: sim.network.Layer) -> int:
        """Return how many lanes a layer gets."""
        channels = layer.connection.channels_out
        if self.dense:
            # Layers advance in step, so one of fewer neurons needs no more folds than the widest.
            folds = -(-max(each.fan_out for each in self.network.layers) // int(self.lanes))
        else:
            folds = max(-(-channels // int(self.lanes)), self._usual_folds(layer))
        lanes = -(-channels // folds)

        # A position begins with a whole fold, and a sign cannot be 0 in a lane without a neuron.
        if not isinstance(layer.connection, Dense) or layer.form.signs:
            lanes = max(each for each in range(1, lanes + 1) if channels % each == 0)
        return lanes

    def _usual_folds(self, layer: sim.network.Layer) -> int:
        """Return how many folds a dense layer may have beside convolutions: an event of it takes no
        more than half the cycles that theirs do in the mean.
        """
        if not isinstance(layer.connection, Dense):
            return 1

        found = [1]
        for index, other in enumerate(self.network.layers):
            if not isinstance(other.connection, Dense):
                reads = float(self.network.reads_by_source[index].mean())
                found.append(int(reads / self._lanes_of(other) / 2))
        return min(max(found), layer.connection.channels_out)

    @property
    def word_rows(self) -> dict[int, Rows]:
        """The rows of the layers whose words a host can reach, by the layer's index; of layers that
        share a memory all words, at the first one.
        """
        found = {index: layer.rows for index, layer in enumerate(self.layers) if layer.reachable}
        if self.shared_layers:
            found[self.shared_layers[0]] = joined(self.shared_rows)
        return found

    @property
    def observation(self) -> data.StructLayout:
        """Layout of what crosses the boundaries between layers in one cycle, for checks; a board
        leaves it unconnected.

        ``any``: this cycle has something. ``ended``: an image has. ``tick``: the current one. Per
        layer ``delivered`` and ``neuron``: an event goes in. ``advanced`` and ``fold``: a fold of
        the output layer has advanced to this tick.
        ``own``, where any layer has such rows: those that are looked up for a layer itself.
        """
        most = max(layer.layer.fan_in for layer in self.layers)
        own: dict[str, ShapeLike] = {}
        if any(layer.has_own_rows for layer in self.layers):
            own["own"] = data.ArrayLayout(self.layers[0].own_rows, len(self.layers))

        return data.StructLayout(
            {
                "any": 1,  # the lowest bit: drivers of simulators look at it
                "ended": 1,
                "tick": bits_for(self.network.last_tick),
                "delivered": len(self.layers),
                "neuron": data.ArrayLayout(bits_for(most - 1), len(self.layers)),
                "advanced": 1,
                "fold": self.layers[-1].fold,
                **own,
            }
        )


def _unpooled(layer: sim.network.Layer) -> sim.network.Layer:
    """Return a layer that gateware can be built of: a pool as the convolution that does the same,
    with weights of two bits.
    """
    if not isinstance(layer.connection, Pool):
        return layer
    return replace(layer, connection=layer.connection.as_convolution(), weight_bits=2)


def fires_at_start(network: Network) -> bool:
    """Return whether neurons may fire at tick 0, or outputs end an image there, as ``start`` takes
    some to their level.
    """
    for layer in network.layers:
        neuron, (_, potential) = layer.neuron, layer.neuron.origin(network.ticks_per_unit)
        ends = layer is network.layers[-1] and network.early
        fires = (neuron.fires or ends) and neuron.window is None
        if fires and potential + int(layer.starts().max()) >= neuron.least_level:
            return True
    return False


def _lefts(network: Network, index: int) -> tuple[int, ...]:
    """Return how many ticks a spike can have left when it reaches a layer; nothing if the layer
    keeps a current: neurons that may fire at any tick, and outputs that wait for long.
    """
    neuron = network.layers[index].neuron
    sums = neuron == Neuron(neuron.threshold, reset="never", ramp=False)
    once = isinstance(network.readout, Final) and network.layers[index].bias is None
    if neuron.window is None and not (sums and once):
        return ()

    # Neurons in a window have all their spikes before it; only these layers may be before it.
    source = network.layers[index - 1].neuron.window if index else None
    if index and source is None:
        return ()
    ticks = range(source[0], sum(source)) if source else _input_ticks(network)
    end = neuron.window[0] if neuron.window else network.last_tick

    if not neuron.window and end - ticks[0] > MOST_LEFT:
        return ()
    return tuple(sorted({end - tick for tick in ticks}))


def _input_ticks(network: Network) -> Sequence[int]:
    """Return the ticks at which any input can spike."""
    if isinstance(network.encoder, Intensity):
        return np.flatnonzero(network.encoder.fires_at.any(axis=0)).tolist()
    return range(network.last_tick + 1)
