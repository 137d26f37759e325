"""The contract between training, simulation and hardware: a network that is valid or does not
exist.

A network is integers only. What its neurons do is in :mod:`sim.neuron`, in which order in
:mod:`sim.pipeline`, and the file format in :mod:`sim.file`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.connections import CONNECTIONS
from sim.connections.connection import Connection, reads_of
from sim.connections.convolution import Convolution
from sim.encoders import ENCODERS
from sim.encoders.intensity import Intensity
from sim.errors import checked_array, is_integer, require
from sim.fixed_point import WeightFormat, union
from sim.neuron import MAX_BITS, Neuron, Neurons, Premise, StateBounds
from sim.readouts import READOUTS
from sim.readouts.verdict import Readout


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
        require(isinstance(self.connection, kinds), "connection", f"must be {_names(CONNECTIONS)}")
        for key in ("recurrent", "bias"):
            absent = getattr(self, key) is None
            require(absent, key, "is not possible in this version; leave it out")

        if self.start is not None:
            start = checked_array(self.start, np.int32, 1, "start")
            sizes = sorted({self.connection.channels_out, self.fan_out})
            problem = f"needs {' or '.join(str(size) for size in sizes)} values, not {start.size}"
            require(start.size in sizes, "start", problem)
            object.__setattr__(self, "start", start)

        bits = self.weight_bits
        require(is_integer(bits, 1, 8), "weight_bits", f"must be in 1..8, not {bits}")
        form = self.form
        known = "-1 and +1" if form.signs else f"in {form.low}..{form.high}"
        require(form.holds(self.weight), "weight", f"must be {known} ({bits} bits)")

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


@dataclass(frozen=True, eq=False)
class Network:
    """A classifier: an encoder, layers, a readout, and the tick grid they share.

    :param encoder: how a sample becomes input spikes.
    :param layers: from the input to the output; the output layer has a neuron per class.
    :param readout: when a sample is decided, and for which class.
    :param ticks_per_unit: R >= 1; tick k is z = 1 + k / R in the neuron's equation.
    :param last_tick: K >= 1; a sample without a decision after tick K has timed out.
    :param classes: one name per output neuron.
    :param provenance: where the network comes from (data set, seed, version, accuracy); not part of
        the digest.
    :raises InputError: the parts do not fit each other, or a potential would need more than 32
        bits.
    """

    encoder: Intensity
    layers: tuple[Layer, ...]
    readout: Readout
    ticks_per_unit: int
    last_tick: int
    classes: tuple[str, ...]
    provenance: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "classes", tuple(self.classes))
        for key, table in (("encoder", ENCODERS), ("readout", READOUTS)):
            known = isinstance(getattr(self, key), tuple(table.values()))
            require(known, key, f"must be {_names(table)}")

        for key in ("ticks_per_unit", "last_tick"):
            require(is_integer(getattr(self, key), 1, 2**15 - 1), key, "must be in 1..32767")
        latest = self.encoder.last_tick
        within = latest <= self.last_tick
        require(within, "encoder.spike_tick", f"tick {latest} is after last_tick {self.last_tick}")

        require(len(self.layers) > 0, "layers", "a network needs at least one layer")
        self._check_sizes()
        self._check_windows()
        self._check_outputs()
        self.settings()  # a network that no version of the file can say does not exist
        for index in range(len(self.layers)):
            bits = self.bounds(index).bits
            problem = f"its potentials need {bits} bits, at most {MAX_BITS} are supported"
            require(bits <= MAX_BITS, f"layers.{index}", problem)

    def _check_sizes(self) -> None:
        first, shape = self.layers[0].connection, self.encoder.map
        if isinstance(first, Convolution):
            problem = f"reads a map of {list(first.input)}, the encoder gives {list(shape)}"
            require(first.input == shape, "layers.0.connection.input", problem)
            whole = self.encoder.inputs == first.fan_in
            problem = "a convolution needs all of them; prune none, or take a dense first layer"
            require(whole, "encoder.pixels", problem)
        else:
            problem = "has channels, which only a convolution reads; give height and width"
            require(len(self.encoder.image_shape) == 2, "image_shape", problem)

        fan_in = self.encoder.inputs
        for index, layer in enumerate(self.layers):
            problem = f"has {layer.fan_in} rows for {fan_in} input neurons"
            require(layer.fan_in == fan_in, f"layers.{index}.weight", problem)
            fan_in = layer.fan_out
        different = len(set(self.classes)) == len(self.classes) == fan_in
        require(different, "classes", f"needs {fan_in} different names")

    def _check_windows(self) -> None:
        """Check that windows follow each other, from the first layer on."""
        wanted: int | None = self.encoder.last_tick + 1
        for index, layer in enumerate(self.layers):
            window, key = layer.neuron.window, f"layers.{index}.neuron.window"
            if window is None:
                wanted = None
                continue

            require(wanted is not None, key, "cannot come after a layer without; take a ramp")
            problem = f"must begin at tick {wanted}, where all its spikes are there"
            require(window[0] == wanted, key, problem)
            wanted = sum(window)
            problem = f"ends after last_tick {self.last_tick}; take at least {wanted - 1}"
            require(wanted - 1 <= self.last_tick, key, problem)
            highest = layer.threshold * window[1]
            require(highest < 2**31, f"layers.{index}.threshold", "times the window is over 2^31")

    def _check_outputs(self) -> None:
        """Check that hidden neurons fire, and that the readout can read the outputs."""
        for index, layer in enumerate(self.layers[:-1]):
            problem = "never is for outputs; take one that fires"
            require(layer.neuron.fires, f"layers.{index}.neuron.reset", problem)

        output, key = self.layers[-1].neuron, f"layers.{len(self.layers) - 1}.neuron"
        if self.readout.early:
            wanted, problem = output.ramp, "needs outputs with a ramp"
        else:
            wanted, problem = not output.fires, "needs outputs with reset never"
        require(wanted, key, f"readout {self.readout_name} {problem}")

    def premise(self, index: int) -> Premise:
        """Return what the ticks of a sample can bring layer ``index``."""
        layer = self.layers[index]
        if index == 0:
            most = 1 if self.encoder.fires_once else None
        else:
            most = self.layers[index - 1].neuron.most_spikes

        return Premise(
            ticks_per_unit=self.ticks_per_unit,
            first_tick=self.first_spike(index),
            last_tick=self.last_tick,
            spikes_per_source=self.last_tick + 1 if most is None else most,
            only_sources=layer.recurrent is None and layer.bias is None,
        )

    def first_spike(self, index: int) -> int:
        """Return the first tick at which a spike can reach layer ``index``.

        A layer needs one tick to answer, so no spike reaches layer n before the encoder's first
        tick + n; but neurons in a window wait for it, and on a ramp ``start`` can be all they need.
        """
        tick = self.encoder.first_tick
        for layer in self.layers[:index]:
            _, potential = layer.neuron.origin(self.ticks_per_unit)
            if layer.neuron.window is not None:
                tick = layer.neuron.window[0]
            elif potential + int(layer.starts().max()) >= 0:
                tick = 0
            else:
                tick += 1
        return tick

    def bounds(self, index: int, any_weights: bool = False) -> StateBounds:
        """Return what current and potential of layer ``index`` never leave, over any sample.

        :param any_weights: whatever the weights become within their format: for a layer that
            learns, or whose weights are exchanged.
        """
        layer, starts = self.layers[index], self.layers[index].starts().tolist()
        if any_weights:
            inflow = layer.connection.inflow_of_format(layer.form)
            needs = {(inflow, start) for start in starts}
        else:
            needs = set(zip(layer.connection.inflows(), starts, strict=True))

        premise = self.premise(index)
        found = [layer.neuron.bounds(inflow, premise, start) for inflow, start in needs]
        return StateBounds(
            union([each.current for each in found]), union([each.potential for each in found])
        )

    def can_fire(self, index: int) -> npt.NDArray[np.bool_]:
        """Return which neurons of layer ``index`` fire on some sample, as far as their own weights
        say, bool (fan_out,).
        """
        layer, premise = self.layers[index], self.premise(index)
        pairs = zip(layer.connection.inflows(), layer.starts().tolist(), strict=True)
        highest = [
            layer.neuron.bounds(inflow, premise, start).potential.high for inflow, start in pairs
        ]
        return np.array(highest) >= layer.neuron.least_level

    @cached_property
    def reads_by_source(self) -> tuple[npt.NDArray[np.int64], ...]:
        """How many weights an event of each input neuron looks up, per layer int64 (fan_in,)."""
        return tuple(reads_of(layer.connection) for layer in self.layers)

    def reads(self, events: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        """Return how many weights so many events look up; None: it depends on whose they are, as in
        a convolution, and only the ``reads`` of :class:`sim.batch.Decisions` tell.

        :param events: (..., layers), numbers of events delivered to each layer.
        """
        if any(reads.min() != reads.max() for reads in self.reads_by_source):
            return None
        return events @ np.array([reads[0] for reads in self.reads_by_source])

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of the network under their names in the file."""
        arrays = self.encoder.tensors()
        for index, layer in enumerate(self.layers):
            arrays[f"layers.{index}.weight"] = layer.weight
            arrays[f"layers.{index}.threshold"] = np.array(layer.threshold, np.int32)
            if layer.start is not None:
                arrays[f"layers.{index}.start"] = layer.start
        return arrays

    @property
    def file_version(self) -> int:
        """The earliest version of the file format that can say this network; its digest is taken
        over what that version says.
        """
        usual = [
            (name_of(ENCODERS, self.encoder), "intensity"),
            (self.readout_name, "first_spike"),
            *((name_of(CONNECTIONS, layer.connection), "dense") for layer in self.layers),
            *((layer.neuron, Neuron(layer.threshold)) for layer in self.layers),
            *((layer.start is None, True) for layer in self.layers),
            *((layer.form.signs, False) for layer in self.layers),
        ]
        return 1 if all(found == known for found, known in usual) else 2

    def settings(self, version: int | None = None) -> dict[str, str]:
        """Return the scalars of the network, as text, under their names in the file; no provenance.

        :param version: of the file; None: the earliest that can say this network.
        :raises InputError: the version cannot say this network.
        """
        version = self.file_version if version is None else version
        problem = f"{version} of the file cannot say this network; take {self.file_version}"
        require(self.file_version <= version <= 2, "version", problem)
        parts = self._parts_of_version_1() if version == 1 else self._parts_of_version_2()
        return {
            "ticks_per_unit": str(self.ticks_per_unit),
            "last_tick": str(self.last_tick),
            "classes": json.dumps(self.classes),
            **{key: json.dumps(value) for key, value in parts.items()},
        }

    def _parts_of_version_1(self) -> dict[str, Any]:
        bits = [layer.weight_bits for layer in self.layers]
        return {"weight_bits": bits, **self.encoder.settings()}

    def _parts_of_version_2(self) -> dict[str, Any]:
        layers: list[dict[str, Any]] = []
        for index, layer in enumerate(self.layers):
            check_signs(layer, f"layers.{index}.")
            kind = name_of(CONNECTIONS, layer.connection)
            layers.append(
                {
                    "connection": {"kind": kind, **layer.connection.settings()},
                    "neuron": layer.neuron.settings(),
                    "weight_bits": layer.weight_bits,
                }
            )

        kind = name_of(ENCODERS, self.encoder)
        encoder = {"kind": kind, **self.encoder.settings()}
        return {"layers": layers, "readout": self.readout_name, "encoder": encoder}

    @cached_property
    def digest(self) -> int:
        """First 32 bits of SHA-256 over settings and arrays (names, types, shapes, little-endian
        contents), sorted.
        """
        return _digest(self.settings(), self.tensors(), set())

    @cached_property
    def structure_digest(self) -> int:
        """The same without what the weights are and how the classes are called: networks with the
        same number here can take each other's weights.
        """
        weights = {f"layers.{index}.weight" for index in range(len(self.layers))}
        settings = {key: text for key, text in self.settings().items() if key != "classes"}
        return _digest(settings, self.tensors(), weights)

    @property
    def readout_name(self) -> str:
        """The readout's name in the table of readouts."""
        return name_of(READOUTS, self.readout)

    @property
    def weight_count(self) -> int:
        """Number of weights that are stored, in all layers."""
        return sum(layer.weight.size for layer in self.layers)

    @cached_property
    def synapse_counts(self) -> list[int]:
        """How many synapses each layer has: what it would look up if each source spiked once."""
        return [int(reads.sum()) for reads in self.reads_by_source]


def _digest(
    settings: dict[str, str], tensors: dict[str, npt.NDArray[Any]], without: set[str]
) -> int:
    """Hash settings and arrays; of those named in ``without`` the type and the shape only."""
    sha = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, array in sorted(tensors.items()):
        sha.update(f"{name} {array.dtype.name} {array.shape}".encode())
        if name not in without:
            sha.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return int.from_bytes(sha.digest()[:4], "big")


def check_signs(layer: Layer, key: str) -> None:
    """Check that weights of one bit are -1 and +1, as in version 2 of the file.

    :param key: what comes before the name of what is wrong.
    :raises InputError: they are -1 and 0.
    """
    problem = "of one bit must be -1 and +1 in version 2 of the file; take 2 bits"
    require(layer.weight_bits > 1 or layer.form.signs, f"{key}weight", problem)


def name_of(table: Mapping[str, type], part: object) -> str:
    """Return the name of a part in a table of parts."""
    return next(name for name, kind in table.items() if type(part) is kind)


def _names(table: dict[str, Any]) -> str:
    """Return the classes of a table of parts, for a message."""
    return " or ".join(kind.__name__ for kind in table.values())
