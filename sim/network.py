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
from sim.connections.dense import Dense
from sim.encoders import ENCODERS
from sim.encoders.intensity import Intensity
from sim.errors import is_integer, require
from sim.fixed_point import WeightFormat
from sim.neuron import MAX_BITS, Neuron, Premise, StateBounds
from sim.readouts import READOUTS
from sim.readouts.verdict import Readout


@dataclass(frozen=True, eq=False)
class Layer:
    """A connection and the neurons it feeds.

    :param connection: which weights a spike looks up.
    :param neuron: what the neurons are.
    :param recurrent: rows that the layer's own spikes look up; None: there are none.
    :param bias: a row that is looked up at every tick; None: there is none.
    :param start: what is added to the potentials that a sample starts from; None: nothing.
    :param weight_bits: 1..8; every weight is a signed integer of that width.
    :raises InputError: one of them is out of range, or the machine cannot run such a layer.
    """

    connection: Dense
    neuron: Neuron
    recurrent: npt.NDArray[np.int8] | None = None
    bias: npt.NDArray[np.int8] | None = None
    start: npt.NDArray[np.int32] | None = None
    weight_bits: int = 8

    def __post_init__(self) -> None:
        kinds = tuple(CONNECTIONS.values())
        require(isinstance(self.connection, kinds), "connection", f"must be {_names(CONNECTIONS)}")
        for key in ("recurrent", "bias", "start"):
            absent = getattr(self, key) is None
            require(absent, key, "is not possible in this version; leave it out")

        bits = self.weight_bits
        require(is_integer(bits, 1, 8), "weight_bits", f"must be in 1..8, not {bits}")
        form, weight = self.form, self.connection.weight
        inside = form.low <= weight.min() and weight.max() <= form.high
        require(bool(inside), "weight", f"must be in {form.low}..{form.high} ({bits} bits)")

    @property
    def form(self) -> WeightFormat:
        """What a weight can be."""
        return WeightFormat(self.weight_bits)

    @property
    def weight(self) -> npt.NDArray[np.int8]:
        """Int8 (fan_in, fan_out); row i is what one event of input neuron i looks up."""
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
        return replace(self, connection=replace(self.connection, weight=weight))


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
        self.settings()  # a network that no version of the file can say does not exist
        for index in range(len(self.layers)):
            bits = self.bounds(index).bits
            problem = f"its potentials need {bits} bits, at most {MAX_BITS} are supported"
            require(bits <= MAX_BITS, f"layers.{index}", problem)

    def _check_sizes(self) -> None:
        fan_in = self.encoder.inputs
        for index, layer in enumerate(self.layers):
            problem = f"has {layer.fan_in} rows for {fan_in} input neurons"
            require(layer.fan_in == fan_in, f"layers.{index}.weight", problem)
            fan_in = layer.fan_out
        different = len(set(self.classes)) == len(self.classes) == fan_in
        require(different, "classes", f"needs {fan_in} different names")

    def premise(self, index: int) -> Premise:
        """Return what the ticks of a sample can bring layer ``index``.

        A layer needs one tick to answer, so no spike reaches layer n before the encoder's first
        tick + n.
        """
        layer = self.layers[index]
        source = self.encoder if index == 0 else self.layers[index - 1].neuron

        return Premise(
            ticks_per_unit=self.ticks_per_unit,
            first_tick=self.encoder.first_tick + index,
            last_tick=self.last_tick,
            sources_spike_once=source.fires_once,
            only_sources=layer.recurrent is None and layer.bias is None and layer.start is None,
        )

    def bounds(self, index: int, any_weights: bool = False) -> StateBounds:
        """Return what current and potential of layer ``index`` never leave, over any sample.

        :param any_weights: whatever the weights become within their format: for a layer that
            learns, or whose weights are exchanged.
        """
        layer = self.layers[index]
        inflow = (
            layer.connection.inflow_of_format(layer.form)
            if any_weights
            else layer.connection.inflow()
        )
        return layer.neuron.bounds(inflow, self.premise(index))

    def can_fire(self, index: int) -> npt.NDArray[np.bool_]:
        """Return which neurons of layer ``index`` fire on some sample, as far as their own weights
        say, bool (fan_out,).
        """
        layer, premise = self.layers[index], self.premise(index)
        bounds = [layer.neuron.bounds(each, premise) for each in layer.connection.inflows()]
        return np.array([each.potential.high >= 0 for each in bounds])

    def reads(self, events: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return how many weights are looked up.

        :param events: (..., layers), numbers of events delivered to each layer.
        """
        weights = np.array([layer.connection.weights_per_event for layer in self.layers], np.int64)
        return events @ weights

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of the network under their names in the file."""
        arrays = self.encoder.tensors()
        for index, layer in enumerate(self.layers):
            arrays[f"layers.{index}.weight"] = layer.weight
            arrays[f"layers.{index}.threshold"] = np.array(layer.threshold, np.int32)
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
            check_bits(layer.weight_bits, f"layers.{index}.weight_bits")
            layers.append(
                {
                    "connection": {"kind": name_of(CONNECTIONS, layer.connection)},
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
        """Number of weights in all layers."""
        return sum(layer.weight.size for layer in self.layers)


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


def check_bits(bits: int, key: str) -> None:
    """Check that weights of that width mean the same in version 2 of the file and in the machine.

    :raises InputError: they do not.
    """
    problem = "1 means -1 and +1 in version 2, which the machine cannot run; take 2 bits"
    require(bits != 1, key, problem)


def name_of(table: Mapping[str, type], part: object) -> str:
    """Return the name of a part in a table of parts."""
    return next(name for name, kind in table.items() if type(part) is kind)


def _names(table: dict[str, Any]) -> str:
    """Return the classes of a table of parts, for a message."""
    return " or ".join(kind.__name__ for kind in table.values())
