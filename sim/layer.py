"""One layer of a network: a connection, and the neurons that it feeds."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sim.bounds import Inflow
from sim.connections import CONNECTIONS
from sim.connections.connection import Connection
from sim.connections.dense import Dense
from sim.errors import checked_array, is_integer, names_of, require
from sim.fixed_point import WeightFormat
from sim.neuron import Neuron, Neurons


@dataclass(frozen=True, eq=False)
class Layer:
    """A connection and the neurons it feeds.

    :param connection: which weights a spike looks up.
    :param neuron: what the neurons are.
    :param recurrent: rows that the layer's own spikes look up; None: there are none.
    :param bias: a row that is looked up at every tick; None: there is none.
    :param start: int32 (fan_out,), or (channels_out,) for the same at each position: what is added
        to the potentials that a sample starts from; None: nothing.
    :param weight_bits: 1..8; every weight is a signed integer of that width. One bit is -1 or +1,
        or, where the file can be of version 1, -1 or 0.
    :raises InputError: one of them is out of range, or the machine cannot run such a layer.
    """

    connection: Connection
    neuron: Neuron
    recurrent: npt.NDArray[np.int8] | None = None
    bias: npt.NDArray[np.int8] | None = None
    start: npt.NDArray[np.int32] | None = None
    weight_bits: int = 8

    def __post_init__(self) -> None:
        kinds = tuple(CONNECTIONS.values())
        require(
            isinstance(self.connection, kinds), "connection", f"must be {names_of(CONNECTIONS)}"
        )
        self._check_start()
        for key, shape in (
            ("recurrent", (self.fan_out, self.fan_out)),
            ("bias", (self.fan_out,)),
        ):
            self._check_rows(key, shape)

        bits = self.weight_bits
        require(is_integer(bits, 1, 8), "weight_bits", f"must be in 1..8, not {bits}")
        form = self.form
        known = "-1 and +1" if form.signs else f"in {form.low}..{form.high}"
        for key in ("weight", "recurrent", "bias"):
            value = getattr(self, key)
            held = value is None or value.size == 0 or form.holds(value)
            require(held, key, f"must be {known} ({bits} bits)")

    def _check_start(self) -> None:
        if self.start is None:
            return
        start = checked_array(self.start, np.int32, 1, "start")
        sizes = sorted({self.connection.channels_out, self.fan_out})
        problem = f"needs {' or '.join(str(size) for size in sizes)} values, not {start.size}"
        require(start.size in sizes, "start", problem)
        object.__setattr__(self, "start", start)

    def _check_rows(self, key: str, shape: tuple[int, ...]) -> None:
        """Check recurrent rows or a bias."""
        if getattr(self, key) is None:
            return
        rows = checked_array(getattr(self, key), np.int8, len(shape), key)
        require(rows.shape == shape, key, f"needs shape {shape}, not {rows.shape}")
        dense = isinstance(self.connection, Dense)
        require(dense, key, "needs a dense connection; leave it out, or take one")
        windowed = self.neuron.window is not None
        require(not windowed, key, "cannot go with a window; leave it out, or take start")
        object.__setattr__(self, key, rows)

    @property
    def form(self) -> WeightFormat:
        """What a weight can be."""
        return WeightFormat(
            self.weight_bits, signs=self.weight_bits == 1 and bool((self.weight == 1).any())
        )

    def starts(self) -> npt.NDArray[np.int32]:
        """Return what is added to each neuron's potential at the start, int32 (fan_out,)."""
        if self.start is None:
            return np.zeros(self.fan_out, np.int32)
        return np.tile(self.start, self.fan_out // self.start.size)

    def neurons(self, ticks_per_unit: int) -> Neurons:
        """Return the neurons as they are when a sample starts.

        :param ticks_per_unit: R of the network.
        """
        return Neurons(self.neuron, self.connection, ticks_per_unit, self.starts())

    @property
    def weight(self) -> npt.NDArray[np.int8]:
        """The connection's weights, int8; the last dimension is the output channel."""
        return self.connection.weight

    @property
    def all_rows(self) -> npt.NDArray[np.int8]:
        """All rows of a dense layer, int8 (rows, fan_out): the connection's, then the recurrent
        ones, then the bias.
        """
        return np.concatenate(
            [
                self.weight,
                *([] if self.recurrent is None else [self.recurrent]),
                *([] if self.bias is None else [self.bias[np.newaxis]]),
            ]
        )

    @property
    def bias_row(self) -> int:
        """Index of the row that is looked up at every tick, among :attr:`all_rows`."""
        return self.fan_in + (0 if self.recurrent is None else self.fan_out)

    @property
    def rows(self) -> int:
        """Number of sources that look something up: input neurons, the layer's own, the bias."""
        return self.bias_row + (self.bias is not None)

    @property
    def stored(self) -> int:
        """Number of weights that are stored."""
        arrays = *self.connection.tensors().values(), self.recurrent, self.bias
        return sum(each.size for each in arrays if each is not None)

    def inflow(self, any_weights: bool = False) -> Inflow:
        """Return what can reach each neuron at one tick.

        :param any_weights: whatever the weights become within their format.
        """
        bounds = self.connection.inflows()
        if any_weights:
            bounds = [self.connection.inflow_of_format(self.form)] * self.fan_out
        low, high = np.array([(each.low, each.high) for each in bounds], np.int64).T

        nothing = np.zeros((1, self.fan_out), np.int64)
        own = nothing if self.recurrent is None else self.recurrent.astype(np.int64)
        return Inflow(
            low,
            high,
            np.minimum(own, 0).sum(axis=0),
            np.maximum(own, 0).sum(axis=0),
            nothing[0] if self.bias is None else self.bias.astype(np.int64),
        )

    @property
    def threshold(self) -> int:
        """T, the integer that stands for 1.0 on this layer's weight scale."""
        return self.neuron.threshold

    @property
    def fan_in(self) -> int:
        """Number of input neurons of the layer: rows."""
        return self.connection.fan_in

    @property
    def fan_out(self) -> int:
        """Number of neurons of the layer: weights in a row."""
        return self.connection.fan_out

    def with_weight(self, weight: npt.NDArray[np.int8]) -> "Layer":
        """Return the layer with other weights.

        :raises InputError: they are of another type or out of range.
        """
        return replace(self, connection=self.connection.with_weight(weight))


def check_signs(layer: Layer, key: str) -> None:
    """Check that weights of one bit are -1 and +1, as in version 2 of the file.

    :param key: what comes before the name of what is wrong.
    :raises InputError: they are -1 and 0.
    """
    problem = "of one bit must be -1 and +1 in version 2 of the file; take 2 bits"
    require(layer.weight_bits > 1 or layer.form.signs, f"{key}weight", problem)
