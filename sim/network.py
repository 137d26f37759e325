"""The contract between training, simulation and hardware: a network that is valid or does not
exist.

A network is integers only. What its neurons do is in :mod:`sim.neuron`, in which order in
:mod:`sim.pipeline`, and the file format in :mod:`sim.file`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.bounds import MAX_BITS, Premise, StateBounds, StateRange, prove
from sim.connections import CONNECTIONS
from sim.connections.connection import reads_of
from sim.connections.convolution import Convolution
from sim.connections.pool import Pool
from sim.encoders import ENCODERS
from sim.encoders.encoder import Encoder
from sim.encoders.events import Events
from sim.errors import is_integer, names_of, require
from sim.layer import Layer, check_signs
from sim.neuron import Neuron
from sim.readouts import READOUTS
from sim.readouts.peak import NO_LEVEL, Peak
from sim.readouts.verdict import Readout


@dataclass(frozen=True, eq=False)
class Network:
    """A classifier: an encoder, layers, a readout, and the tick grid they share.

    :param encoder: how a sample becomes input spikes.
    :param layers: from the input to the output; the output layer has a neuron per class.
    :param readout: when a sample is decided, and for which class.
    :param ticks_per_unit: R >= 1; tick k is z = 1 + k / R in the neuron's equation.
    :param last_tick: K >= 1; a sample that could have been decided before, and was not, has timed
        out after tick K.
    :param classes: one name per output neuron.
    :param provenance: where the network comes from (data set, seed, version, accuracy); not part of
        the digest.
    :raises InputError: the parts do not fit each other, or a potential would need more than 32
        bits.
    """

    encoder: Encoder
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
            require(known, key, f"must be {names_of(table)}")

        # a stream can take any time; ramps that long would not fit their widths anyway
        longest = 2**31 - 2 if isinstance(self.encoder, Events) else 2**15 - 1
        for key, most in (("ticks_per_unit", 2**15 - 1), ("last_tick", longest)):
            require(is_integer(getattr(self, key), 1, most), key, f"must be in 1..{most}")
        latest = self.encoder.last_tick
        within = latest is None or latest <= self.last_tick
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
        if isinstance(first, (Convolution, Pool)):
            given = "none" if shape is None else list(shape)
            problem = f"reads a map of {list(first.input)}, the encoder gives {given}"
            fits = shape is None or shape == first.input
            require(fits, "layers.0.connection.input", problem)
            key, kind = f"encoder.{self.encoder.inputs_key}", name_of(CONNECTIONS, first)
            problem = f"a {kind} needs all {first.fan_in} of them; give all, or take a dense layer"
            require(self.encoder.inputs == first.fan_in, key, problem)
        else:
            problem = "has channels, which only a convolution reads; give height and width"
            require(not self.encoder.has_channels, "image_shape", problem)

        fan_in = self.encoder.inputs
        for index, layer in enumerate(self.layers):
            problem = f"has {layer.fan_in} rows for {fan_in} input neurons"
            require(layer.fan_in == fan_in, f"layers.{index}.weight", problem)
            fan_in = layer.fan_out
        different = len(set(self.classes)) == len(self.classes) == fan_in
        require(different, "classes", f"needs {fan_in} different names")

    def _check_windows(self) -> None:
        """Check that windows follow each other, from the first layer on."""
        latest = self.encoder.last_tick
        wanted = None if latest is None else latest + 1
        for index, layer in enumerate(self.layers):
            window, key = layer.neuron.window, f"layers.{index}.neuron.window"
            if window is None:
                wanted = None
                continue

            problem = "cannot come after events, or after a layer without; take a ramp"
            require(wanted is not None, key, problem)
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

        output, key = self.layers[-1].neuron, f"layers.{len(self.layers) - 1}"
        if self.readout.fires:
            wanted = output.fires and output.window is None
            problem = "needs outputs that fire, and that have no window"
        else:
            wanted, problem = not output.fires, "needs outputs with reset never"
        require(wanted, f"{key}.neuron", f"readout {self.readout_name} {problem}")
        alone = self.layers[-1].recurrent is None
        require(alone, f"{key}.recurrent", "is not possible in the output layer; leave it out")

    def premise(self, index: int) -> Premise:
        """Return what the ticks of a sample can bring layer ``index``."""
        layer = self.layers[index]
        before = self.layers[index - 1].neuron if index else self.encoder
        most = before.most_spikes
        return Premise(
            ticks_per_unit=self.ticks_per_unit,
            first_tick=self.first_spike(index) if layer.bias is None else 0,
            last_tick=self.last_tick,
            spikes_per_source=self.last_tick + 1 if most is None else most,
            only_sources=layer.recurrent is None and layer.bias is None,
        )

    def first_spike(self, index: int) -> int:
        """Return the first tick at which a spike can reach layer ``index``.

        A layer needs one tick to answer, so no spike reaches layer n before the encoder's first
        tick + n; but neurons in a window wait for it, ``start`` can be all that others need, and a
        bias comes at tick 0.
        """
        tick = self.encoder.first_tick
        for layer in self.layers[:index]:
            _, potential = layer.neuron.origin(self.ticks_per_unit)
            if layer.neuron.window is not None:
                tick = layer.neuron.window[0]
            elif potential + int(layer.starts().max()) >= layer.neuron.least_level:
                tick = 0
            else:
                tick = min(tick + 1, self.last_tick if layer.bias is None else 1)
        return tick

    def bounds(self, index: int, any_weights: bool = False) -> StateBounds:
        """Return what current and potential of layer ``index`` never leave, over any sample.

        :param any_weights: whatever the weights become within their format: for a layer that
            learns, or whose weights are exchanged.
        """
        return self.state_range(index, any_weights).union()

    def state_range(self, index: int, any_weights: bool = False) -> StateRange:
        """Return the same for each neuron of the layer."""
        layer = self.layers[index]
        start = layer.starts().astype(np.int64)
        return prove(layer.neuron, layer.inflow(any_weights), self.premise(index), start)

    def can_fire(self, index: int) -> npt.NDArray[np.bool_]:
        """Return which neurons of layer ``index`` fire on some sample, as far as their own weights
        say, bool (fan_out,).
        """
        layer = self.layers[index]
        return self.state_range(index).potential.high >= layer.neuron.least_level

    @property
    def early(self) -> bool:
        """Whether a sample can end before the last tick; one that could and did not has timed
        out.
        """
        without = isinstance(self.readout, Peak) and self.layers[-1].threshold == NO_LEVEL
        return self.readout.early and not without

    @cached_property
    def reads_by_source(self) -> tuple[npt.NDArray[np.int64], ...]:
        """How many weights an event of each input neuron looks up, per layer int64 (fan_in,)."""
        return tuple(reads_of(layer.connection) for layer in self.layers)

    def reads(self, events: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        """Return how many weights so many events look up; None: it depends on whose they are, as in
        a convolution, or not on them alone, as with recurrent rows, and only the ``reads`` of
        :class:`sim.batch.Decisions` tell.

        :param events: (..., layers), numbers of events delivered to each layer.
        """
        if any(reads.min() != reads.max() for reads in self.reads_by_source):
            return None
        if any(layer.rows > layer.fan_in for layer in self.layers):
            return None
        return events @ np.array([reads[0] for reads in self.reads_by_source])

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of the network under their names in the file."""
        arrays = self.encoder.tensors()
        for index, layer in enumerate(self.layers):
            arrays[f"layers.{index}.threshold"] = np.array(layer.threshold, np.int32)
            optional = {key: getattr(layer, key) for key in ("recurrent", "bias", "start")}
            for key, array in (layer.connection.tensors() | optional).items():
                if array is not None:
                    arrays[f"layers.{index}.{key}"] = array
        return arrays

    @property
    def file_version(self) -> int:
        """The earliest version of the file format that can say this network; its digest is taken
        over what that version says.
        """
        usual = [
            ("encoder.spike_tick" in self.encoder.tensors(), True),
            (self.readout_name, "first_spike"),
            *((name_of(CONNECTIONS, layer.connection), "dense") for layer in self.layers),
            *((layer.neuron, Neuron(layer.threshold)) for layer in self.layers),
            *((layer.start is None, True) for layer in self.layers),
            *((layer.rows, layer.fan_in) for layer in self.layers),
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
        kinds = ("weight", "recurrent", "bias")
        weights = {f"layers.{index}.{key}" for index in range(len(self.layers)) for key in kinds}
        settings = {key: text for key, text in self.settings().items() if key != "classes"}
        return _digest(settings, self.tensors(), weights)

    @property
    def readout_name(self) -> str:
        """The readout's name in the table of readouts."""
        return name_of(READOUTS, self.readout)

    @property
    def weight_count(self) -> int:
        """Number of weights that are stored, in all layers."""
        return sum(layer.stored for layer in self.layers)

    @cached_property
    def synapse_counts(self) -> list[int]:
        """How many synapses each layer has: what it would look up if each source spiked once."""
        return [
            int(reads.sum()) + (layer.rows - layer.fan_in) * layer.fan_out
            for reads, layer in zip(self.reads_by_source, self.layers, strict=True)
        ]


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


def name_of(table: Mapping[str, type], part: object) -> str:
    """Return the name of a part in a table of parts."""
    return next(name for name, kind in table.items() if type(part) is kind)
