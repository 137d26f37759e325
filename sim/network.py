"""The contract between training, simulation and hardware: a network that is valid or does not
exist.

A network is integers only. Neuron j of a layer with threshold T and ``ticks_per_unit`` R starts an
image with current -T and potential -T*R; an input spike adds its weight to the current, each tick
adds the current to the potential, and the neuron fires once, at the first tick with potential >= 0
(Mostafa 2017, on a linear grid in z = exp(t) = 1 + tick / R). The file format is in
:mod:`sim.file`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import checked_array, is_integer, require
from sim.fixed_point import WeightFormat, current_bounds, potential_bounds

INTENSITIES = 256
"""Number of intensities of a pixel (uint8)."""

MAX_BITS = 32
"""Widest current or potential supported; wide enough for any network that trains, and native to
every simulator.
"""


@dataclass(frozen=True, eq=False)
class Encoder:
    """How an image becomes input spikes.

    :param image_shape: (height, width) of an image of uint8 intensities.
    :param pool: 1, or 2 to replace each 2x2 square by its sum divided by 4 (integer division).
    :param pixels: int32 (inputs,), strictly increasing flat indices into the (pooled) image; pixel
        i feeds input i.
    :param spike_tick: int16 (256,), the tick at which an input of that intensity fires, -1 for
        never.
    :raises InputError: one of them is out of range.
    """

    image_shape: tuple[int, int]
    pool: int
    pixels: npt.NDArray[np.int32]
    spike_tick: npt.NDArray[np.int16]

    def __post_init__(self) -> None:
        shape: Sequence[Any] = self.image_shape
        require(
            len(shape) == 2 and all(is_integer(n, 1, 4096) for n in shape),
            "image_shape",
            "two sizes of 1..4096",
        )
        require(self.pool in (1, 2), "pool", f"must be 1 or 2, not {self.pool}")
        require(
            all(n % self.pool == 0 for n in shape),
            "image_shape",
            f"{shape} cannot be pooled 2x2; use even sizes",
        )
        pixels = checked_array(self.pixels, np.int32, 1, "encoder.pixels")
        spike_tick = checked_array(self.spike_tick, np.int16, 1, "encoder.spike_tick")
        require(pixels.size > 0, "encoder.pixels", "at least one pixel must be used")
        require(bool((np.diff(pixels) > 0).all()), "encoder.pixels", "must be strictly increasing")
        available = shape[0] * shape[1] // self.pool**2
        require(
            pixels[0] >= 0 and pixels[-1] < available,
            "encoder.pixels",
            f"must be in 0..{available - 1}",
        )
        require(
            spike_tick.size == INTENSITIES, "encoder.spike_tick", f"must have {INTENSITIES} entries"
        )
        require(
            bool((spike_tick >= -1).all()), "encoder.spike_tick", "must be a tick, or -1 for never"
        )
        require(
            bool((spike_tick >= 0).any()),
            "encoder.spike_tick",
            "no intensity ever fires; give one a tick >= 0",
        )
        object.__setattr__(self, "image_shape", (int(shape[0]), int(shape[1])))
        object.__setattr__(self, "pixels", pixels)
        object.__setattr__(self, "spike_tick", spike_tick)

    @property
    def inputs(self) -> int:
        """Number of input neurons."""
        return self.pixels.size

    @property
    def first_tick(self) -> int:
        """The earliest tick at which any input can fire."""
        return int(self.spike_tick[self.spike_tick >= 0].min())


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of weights and the neurons it feeds.

    :param weight: int8 (fan_in, fan_out); row i is what one event of input neuron i looks up.
    :param threshold: T >= 1, the integer that stands for 1.0 on this layer's weight scale.
    :param weight_bits: 1..8; every weight is a signed integer of so many bits.
    :raises InputError: one of them is out of range.
    """

    weight: npt.NDArray[np.int8]
    threshold: int
    weight_bits: int = 8

    def __post_init__(self) -> None:
        weight = checked_array(self.weight, np.int8, 2, "weight")
        require(weight.size > 0, "weight", "must have at least one row and one column")
        require(
            is_integer(self.threshold, 1, 2**31 - 1),
            "threshold",
            f"must be in 1..2^31 - 1, not {self.threshold}",
        )
        require(
            is_integer(self.weight_bits, 1, 8),
            "weight_bits",
            f"must be in 1..8, not {self.weight_bits}",
        )
        form = WeightFormat(self.weight_bits)
        inside = form.low <= weight.min() and weight.max() <= form.high
        require(inside, "weight", f"must be in {form.low}..{form.high} ({self.weight_bits} bits)")
        object.__setattr__(self, "weight", weight)

    @property
    def fan_in(self) -> int:
        """Number of input neurons of the layer: rows."""
        return self.weight.shape[0]

    @property
    def fan_out(self) -> int:
        """Number of neurons of the layer: weights in a row."""
        return self.weight.shape[1]


@dataclass(frozen=True, eq=False)
class Network:
    """A classifier: an encoder, layers, and the tick grid they share.

    :param ticks_per_unit: R >= 1; tick k is z = 1 + k / R in the neuron's equation.
    :param last_tick: K >= 1; an image without an output spike after tick K has timed out.
    :param classes: one name per output neuron.
    :param provenance: where the network comes from (data set, seed, version, accuracy); not part of
        the digest.
    :raises InputError: the parts do not fit each other, or a potential would need more than 32
        bits.
    """

    encoder: Encoder
    layers: tuple[Layer, ...]
    ticks_per_unit: int
    last_tick: int
    classes: tuple[str, ...]
    provenance: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "classes", tuple(self.classes))
        require(
            is_integer(self.ticks_per_unit, 1, 2**15 - 1), "ticks_per_unit", "must be in 1..32767"
        )
        require(is_integer(self.last_tick, 1, 2**15 - 1), "last_tick", "must be in 1..32767")
        latest = int(self.encoder.spike_tick.max())
        require(
            latest <= self.last_tick,
            "encoder.spike_tick",
            f"tick {latest} is after last_tick {self.last_tick}",
        )
        require(len(self.layers) > 0, "layers", "a network needs at least one layer")
        fan_in = self.encoder.inputs
        for index, layer in enumerate(self.layers):
            key = f"layers.{index}.weight"
            require(
                layer.fan_in == fan_in, key, f"has {layer.fan_in} rows for {fan_in} input neurons"
            )
            fan_in = layer.fan_out
        require(
            len(set(self.classes)) == len(self.classes) == fan_in,
            "classes",
            f"needs {fan_in} different names",
        )
        for index, layer in enumerate(self.layers):
            bits = max(current_bounds(layer).bits, potential_bounds(self, index).bits)
            require(
                bits <= MAX_BITS,
                f"layers.{index}",
                f"its potentials need {bits} bits, at most 32 are supported",
            )

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of the network under their names in the file."""
        arrays: dict[str, npt.NDArray[Any]] = {
            "encoder.pixels": self.encoder.pixels,
            "encoder.spike_tick": self.encoder.spike_tick,
        }
        for index, layer in enumerate(self.layers):
            arrays[f"layers.{index}.weight"] = layer.weight
            arrays[f"layers.{index}.threshold"] = np.array(layer.threshold, np.int32)
        return arrays

    def settings(self) -> dict[str, str]:
        """Return the scalars of the network, as text, under their names in the file; no provenance."""
        return {
            "ticks_per_unit": str(self.ticks_per_unit),
            "last_tick": str(self.last_tick),
            "weight_bits": json.dumps([layer.weight_bits for layer in self.layers]),
            "image_shape": json.dumps(self.encoder.image_shape),
            "pool": str(self.encoder.pool),
            "classes": json.dumps(self.classes),
        }

    @cached_property
    def digest(self) -> int:
        """First 32 bits of SHA-256 over settings and arrays (names, types, shapes, little-endian
        contents), sorted.
        """
        sha = hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode())
        for name, array in sorted(self.tensors().items()):
            sha.update(f"{name} {array.dtype.name} {array.shape}".encode())
            sha.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return int.from_bytes(sha.digest()[:4], "big")

    @cached_property
    def structure_digest(self) -> int:
        """As :attr:`digest`, but of what two networks must have in common for the weights of one to
        take the place of the other's: of weights type and shape only, of classes their number.
        """
        scalars = self.settings() | {"classes": str(len(self.classes))}
        sha = hashlib.sha256(json.dumps(scalars, sort_keys=True).encode())
        for name, array in sorted(self.tensors().items()):
            sha.update(f"{name} {array.dtype.name} {array.shape}".encode())
            if not name.endswith(".weight"):
                sha.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return int.from_bytes(sha.digest()[:4], "big")

    @property
    def weight_count(self) -> int:
        """Number of weights in all layers."""
        return sum(layer.weight.size for layer in self.layers)
