"""One parameter object for software and hardware: what a layer is, and what the whole machine is."""

import enum
from dataclasses import dataclass
from functools import cached_property

from amaranth.hdl import ShapeLike, signed
from amaranth.lib import data
from amaranth.utils import bits_for

import sim.network
import sim.neuron
from hw.broadcast import GROUP
from hw.rows import Rows
from sim.errors import InputError
from sim.fixed_point import Bounds, current_bounds, format_bounds, potential_bounds
from sim.learning.supervised import Rule, check_learnable
from sim.network import Network

FULL = "full"
"""As many lanes as the widest layer has neurons: an event costs one cycle."""


class Storage(enum.Enum):
    """Where the weights of a layer lie."""

    BLOCK = "block"
    """In block RAM, which the bitstream fills."""
    SPRAM = "spram"
    """In the single-port RAM of iCE40 UltraPlus, which a host fills."""
    FLASH = "flash"
    """In the board's SPI flash, behind the bitstream: slow, for a layer that fits nowhere else."""
    LOGIC = "logic"
    """In look-up tables, as constants: for a small layer, where another one needs all block RAM."""


@dataclass(frozen=True, eq=False)
class LayerParameters:
    """A layer as software and as hardware.

    :param layer: weights and threshold T.
    :param lanes: neurons updated in one cycle, 1..fan_out.
    :param ticks_per_unit: R of the network.
    :param output: whether this is the output layer.
    :param current: exact bounds of the currents.
    :param potential: of the potentials.
    :param silent: the tick for "has not fired", where neurons remember when they fired, to learn;
        None: they do not.
    :param storage: of the weights; ``exchangeable``: see :class:`hw.storage.block.Rows`,
        ``flash_wires``: :mod:`hw.storage.flash`.
    :param group: most lanes that are told something, or searched for a spike, by one wire and
        within a cycle.
    """

    layer: sim.network.Layer
    lanes: int
    ticks_per_unit: int
    current: Bounds
    potential: Bounds
    output: bool
    silent: int | None = None
    storage: Storage = Storage.BLOCK
    flash_wires: int = 4
    exchangeable: bool = False
    group: int = GROUP

    @property
    def rows(self) -> Rows:
        """The layer's weight rows, cut into words of ``lanes`` weights."""
        return Rows(self.layer, self.lanes, self.exchangeable)

    @property
    def wide(self) -> bool:
        """Whether a fold has so many lanes that no wire may go to all of them."""
        return self.folds == 1 and self.lanes > self.group and self.silent is None

    @property
    def reachable(self) -> bool:
        """Whether a host can read and write the weights."""
        return self.storage is Storage.SPRAM or self.silent is not None

    @property
    def folds(self) -> int:
        """Passes over the lanes per event and per tick."""
        return self.rows.folds

    @property
    def fold(self) -> data.StructLayout:
        """Layout of one fold after it has advanced.

        ``first_neuron`` of the fold, ``last`` on the last fold, and per lane: of an output layer
        its ``potential``, of a hidden layer whether it ``fires`` now.
        """
        lanes: ShapeLike = (
            data.ArrayLayout(signed(self.potential.bits), self.lanes) if self.output else self.lanes
        )
        per_lane = "potential" if self.output else "fires"
        return data.StructLayout(
            {"first_neuron": bits_for((self.folds - 1) * self.lanes), "last": 1, per_lane: lanes}
        )

    @property
    def past(self) -> data.ArrayLayout:
        """Layout of what learning asks of a fold, per lane: ``current``, and the ``tick`` at which
        it fired.
        """
        assert self.silent is not None
        tick = bits_for(self.silent)
        return data.ArrayLayout(
            data.StructLayout({"current": signed(self.current.bits), "tick": tick}), self.lanes
        )

    def twin(self) -> sim.neuron.Neurons:
        """Return the same neurons in software."""
        return sim.neuron.Neurons(self.layer, self.ticks_per_unit)


@dataclass(frozen=True, eq=False)
class MachineParameters:
    """A ``network`` and how many of its neurons are updated in one cycle.

    :param lanes: of the widest layer, 1..its fan_out, or ``FULL``. Every other layer gets just as
        many lanes as it needs to have no more folds than the widest; so a few suffice for ten
        outputs. With ``rule`` the outputs get a lane each: a lesson looks up the rows of most
        hidden neurons.
    :param rule: it learns, by this rule; None: it does not.
    :param flash_wires: see :class:`hw.storage.flash.FlashStore`.
    :param spram: the layer whose weights lie in SPRAM, where a host loads them; None: all lie in
        block RAM.
    :param logic: the layer whose weights are constants in look-up tables,
    :param flash: in the board's flash; or None.
    :param exchangeable: any weights of the same format may take the place of these; so no width is
        chosen after them, and the network's digest lies in a memory too.
    :param group: see :class:`LayerParameters`.
    :raises InputError: lanes is out of range, or the network cannot learn.
    """

    network: Network
    lanes: int | str = FULL
    rule: Rule | None = None
    spram: int | None = None
    logic: int | None = None
    flash: int | None = None
    flash_wires: int = 4
    exchangeable: bool = False
    group: int = GROUP

    def __post_init__(self) -> None:
        if self.rule is not None:
            check_learnable(self.network, 1)
            if any(layer is not None for layer in (self.spram, self.logic, self.flash)):
                raise InputError(
                    "rule: weights that learn lie in block RAM, none of them in SPRAM, logic or flash."
                )
        widest = max(layer.fan_out for layer in self.network.layers)
        if self.lanes == FULL:
            object.__setattr__(self, "lanes", widest)
        if type(self.lanes) is not int or not 1 <= self.lanes <= widest:
            raise InputError(
                f"lanes: must be in 1..{widest} (the widest layer) or '{FULL}', not {self.lanes}."
            )

    @cached_property
    def layers(self) -> tuple[LayerParameters, ...]:
        """The parameters of each layer, with its exact widths; if it learns, those of any weights
        it may come to.
        """
        network, learns = self.network, self.rule is not None
        folds = -(-max(layer.fan_out for layer in network.layers) // int(self.lanes))
        placed = {self.spram: Storage.SPRAM, self.logic: Storage.LOGIC, self.flash: Storage.FLASH}
        found: list[LayerParameters] = []
        for index, layer in enumerate(network.layers):
            output = index == len(network.layers) - 1
            current = format_bounds(layer) if learns or self.exchangeable else current_bounds(layer)
            found.append(
                LayerParameters(
                    layer,
                    lanes=layer.fan_out if learns and output else -(-layer.fan_out // folds),
                    ticks_per_unit=network.ticks_per_unit,
                    current=current,
                    potential=potential_bounds(network, index, current),
                    output=output,
                    silent=network.last_tick + 1 if learns else None,
                    storage=placed.get(index, Storage.BLOCK),
                    flash_wires=self.flash_wires,
                    exchangeable=self.exchangeable,
                    group=self.group,
                )
            )
        return tuple(found)

    @property
    def word_rows(self) -> dict[int, Rows]:
        """The rows of the layers whose words a host can reach, by the layer's index."""
        return {index: layer.rows for index, layer in enumerate(self.layers) if layer.reachable}

    @property
    def observation(self) -> data.StructLayout:
        """Layout of what crosses the boundaries between layers in one cycle, for checks; a board
        leaves it open.

        ``any``: this cycle has something. ``ended``: an image has. ``tick``: the present one. Per
        layer ``delivered`` and ``neuron``: an event goes in. ``advanced`` and ``fold``: a fold of
        the output layer has advanced to this tick.
        """
        most = max(layer.layer.fan_in for layer in self.layers)
        return data.StructLayout(
            {
                "any": 1,
                "ended": 1,
                "tick": bits_for(self.network.last_tick),
                "delivered": len(self.layers),
                "neuron": data.ArrayLayout(bits_for(most - 1), len(self.layers)),
                "advanced": 1,
                "fold": self.layers[-1].fold,
            }
        )
