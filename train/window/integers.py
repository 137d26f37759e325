"""The window code in integers, whole batches at a time: what :mod:`sim` computes tick by tick.

A layer is exact in float64: every potential is an integer below 2^53.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sim.connections.connection import reads_of
from sim.encoders.intensity import Intensity
from sim.errors import require
from sim.network import Layer, Network
from sim.neuron import Neuron, Spike
from sim.readouts.final import Final
from train.connections import Connection
from train.encoders.intensity import encode
from train.pipeline import Outcome


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """A layer as the machine has it.

    :param connection: its sizes.
    :param weight: integers in a float64 tensor, of the connection's shape.
    :param start: integers in a float64 tensor (channels_out,).
    :param threshold: T.
    :param window: M; 0: an output layer.
    :param bits: of a weight.
    """

    connection: Connection
    weight: Tensor
    start: Tensor
    threshold: int
    window: int
    bits: int

    def potential(self, activations: Tensor) -> Tensor:
        """Return the potentials (batch, neurons), in state units, for activations (batch,
        fan_in).
        """
        sums = self.connection.apply(activations, self.weight)
        channels = sums.view(-1, self.connection.channels_out)
        return (channels + self.start).view_as(sums)

    def activation(self, potential: Tensor) -> Tensor:
        """Return what the neurons of a window are worth to the next layer, 0 .. M."""
        return potential.div(self.threshold, rounding_mode="floor").clamp(0, self.window)

    def machine(self, first_tick: int) -> Layer:
        """Return the machine's layer.

        :param first_tick: at which its window begins.
        :raises InputError: the machine cannot have it: a number needs more than 32 bits.
        """
        weight = np.ascontiguousarray(self.weight.numpy().astype(np.int8))
        window = (first_tick, self.window)
        neuron = (
            Neuron(self.threshold, ramp=False, window=window)
            if self.window
            else Neuron(1, ramp=False, reset="never")
        )
        start = self.start.numpy()
        require(
            bool((np.abs(start) < 2**31).all()),
            "start",
            "needs more than 32 bits; train with fewer bits, or for longer",
        )
        connection = self.connection.machine(weight)
        return Layer(connection, neuron, start=start.astype(np.int32), weight_bits=self.bits)


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """A network of windows, the last layer its outputs.

    :param encoder: how images become input spikes.
    :param layers: from the input to the output.
    """

    encoder: Intensity
    layers: tuple[IntegerLayer, ...]

    def first_ticks(self) -> list[int]:
        """Return the tick at which the window of each layer begins; of the outputs: the last tick
        of a sample.
        """
        ticks = [self.encoder.last_tick + 1]
        for layer in self.layers[:-1]:
            ticks.append(ticks[-1] + layer.window)
        return ticks

    def run(self, images: Tensor) -> list[Tensor]:
        """Return what each layer is given, then the outputs' potentials, each float64 (batch,
        neurons), for images uint8 (batch, height, width).
        """
        found = [left(self.encoder, images, torch.float64)]
        for layer in self.layers[:-1]:
            found.append(layer.activation(layer.potential(found[-1])))
        return [*found, self.layers[-1].potential(found[-1])]

    @cached_property
    def _reads(self) -> list[Tensor]:
        """How many weights a spike of each neuron looks up, per layer float64 (fan_in,)."""
        connections = [layer.machine(1).connection for layer in self.layers]
        return [torch.tensor(reads_of(each), dtype=torch.float64) for each in connections]

    def decide(self, images: Tensor) -> Outcome:
        """Return what the integer machine answers for images uint8 (batch, height, width)."""
        *given, potential = self.run(images)
        spiked = [(each > 0).to(torch.float64) for each in given]
        count = len(images)
        return Outcome(
            # of equal potentials the first is the answer, which torch.argmax does not promise
            torch.from_numpy(potential.numpy().argmax(axis=1)),
            torch.full((count,), self.first_ticks()[-1]),
            torch.zeros(count, dtype=torch.bool),
            torch.stack([each.sum(dim=1) for each in spiked], dim=1).to(torch.int64),
            torch.stack(
                [each @ reads for each, reads in zip(spiked, self._reads, strict=True)], dim=1
            ).to(torch.int64),
            potential.to(torch.int64),
        )

    def spikes(self, image: Tensor) -> list[list[Spike]]:
        """Return the spikes delivered to each layer for an image uint8 (height, width), by tick,
        then by neuron.
        """
        given = self.run(image.unsqueeze(0))[:-1]
        return [
            # a neuron of activation a spikes a ticks before the next layer's window begins
            sorted(
                Spike(end - int(value), neuron)
                for neuron, value in enumerate(activations[0])
                if value > 0
            )
            for end, activations in zip(self.first_ticks(), given, strict=True)
        ]

    def to_network(self, classes: Sequence[str], provenance: Mapping[str, Any]) -> Network:
        """Return the network for :mod:`sim` and :mod:`hw`."""
        ticks = self.first_ticks()
        layers = [layer.machine(tick) for layer, tick in zip(self.layers, ticks, strict=True)]
        return Network(
            self.encoder, tuple(layers), Final(), 1, ticks[-1], tuple(classes), dict(provenance)
        )

    def with_encoder(self, encoder: Intensity) -> "IntegerNetwork":
        """Return the network with another encoder of as many inputs."""
        return replace(self, encoder=encoder)


def left(encoder: Intensity, images: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return what inputs are worth (batch, inputs): ticks from their spike to the first window, 0
    for none.
    """
    found = encode(encoder, images, dtype)
    end = encoder.last_tick + 1
    total = found.spikes[0] * (end - found.ticks[0])
    for tick, spikes in zip(found.ticks[1:], found.spikes[1:], strict=True):
        total += spikes * (end - tick)
    return total
