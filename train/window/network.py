"""The trainable network of the window code."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from sim.connections.connection import reads_of
from sim.encoders.intensity import Intensity
from train.connections import Connection
from train.connections.convolution import convolutions
from train.connections.dense import Dense
from train.window.integers import IntegerLayer, IntegerNetwork, left
from train.window.layer import WindowLayer, activation
from train.window.settings import WindowSettings


@dataclass(frozen=True, eq=False)
class Activity:
    """What a batch did.

    :param output: potentials of the outputs (batch, classes), in thresholds.
    :param reads: (batch,), thousands of weights that hidden spikes look up, with a gradient for
        every potential up to :data:`CERTAIN`.
    """

    output: Tensor
    reads: Tensor


CERTAIN = 1.5
"""A potential, in thresholds, from which a spike costs no more: 1 fires; what is just above might
not on the next image.
"""


class WindowNetwork(nn.Module):
    """Convolutions, dense layers, and outputs; :meth:`integers` is what the machine runs.

    :param encoder: how images become input spikes.
    :param connections: of every layer, the outputs' last.
    :param bits: weight bits per layer.
    :param window: M of the hidden layers.
    :param generator: of the first weights.
    """

    def __init__(
        self,
        encoder: Intensity,
        connections: Sequence[Connection],
        bits: Sequence[int],
        window: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        windows = [window] * (len(connections) - 1) + [0]
        self.layers = nn.ModuleList(
            WindowLayer(*each, generator) for each in zip(connections, bits, windows, strict=True)
        )

        # what a spike of each hidden neuron costs
        for index, connection in enumerate(connections[1:], 1):
            empty = connection.machine(np.zeros(connection.weight_shape, np.int8))
            reads = torch.tensor(reads_of(empty), dtype=torch.float32) / 1000
            self.register_buffer(f"reads_{index}", reads, persistent=False)

    def all_layers(self) -> list[WindowLayer]:
        """Return the layers, from the input to the output."""
        return [layer for layer in self.layers if isinstance(layer, WindowLayer)]

    def forward(self, images: Tensor) -> Activity:
        """Run images uint8 (batch, height, width) with gradients."""
        given = left(self.encoder, images)
        total = torch.zeros(len(images), device=given.device)
        *hidden, output = self.all_layers()
        for index, layer in enumerate(hidden, 1):
            potential = layer(given)
            total = total + potential.clamp(0, CERTAIN) @ self.get_buffer(f"reads_{index}")
            given = activation(potential, layer.window)
        return Activity(output(given), total)

    def choose_thresholds(self) -> None:
        """Fit every layer's integer threshold to its current weights."""
        for layer in self.all_layers():
            layer.choose_threshold()

    @torch.no_grad()
    def settle(self, batches: Iterable[Tensor]) -> None:
        """Measure the statistics of all layers, one after the other, on images uint8 (batch,
        height, width), and leave them as they are from then on.
        """
        given = [left(self.encoder, images) for images in batches]
        for layer in self.all_layers():
            channels = layer.connection.channels_out
            count, total, squares = 0, torch.zeros(channels), torch.zeros(channels)
            for each in given:
                sums = layer.sums(each).view(-1, channels).to(torch.float64)
                count, total = count + len(sums), total + sums.sum(dim=0).cpu()
                squares = squares + sums.square().sum(dim=0).cpu()

            mean = total / count
            layer.settle(mean, squares / count - mean.square())
            given = [activation(layer(each), layer.window) for each in given]

    @torch.no_grad()
    def integers(self) -> IntegerNetwork:
        """Return the network in integers, with the statistics of now, on the CPU."""
        layers = [
            IntegerLayer(
                layer.connection,
                layer.machine_weight().cpu().to(torch.float64),
                layer.machine_start().round().cpu().to(torch.float64),
                int(layer.threshold),
                layer.window,
                layer.bits,
            )
            for layer in self.all_layers()
        ]
        return IntegerNetwork(self.encoder, tuple(layers))

    @torch.no_grad()
    def useful_inputs(self, images: Tensor, budget: int) -> Tensor:
        """Return the indices, ascending int64 (budget,), of the inputs that matter most on training
        images: by the norm of their weights times the root of how much they bring.
        """
        first = self.all_layers()[0]
        brought = torch.zeros(self.encoder.inputs)
        for part in images.split(1000):
            brought += left(self.encoder, part).sum(dim=0)
        worth = first.machine_weight().norm(dim=1).cpu() * brought.sqrt()
        return worth.argsort(descending=True, stable=True)[:budget].sort().values

    @torch.no_grad()
    def keep_inputs(self, inputs: Tensor) -> None:
        """Remove all inputs but these (ascending indices); the first layer is a dense one."""
        pixels = np.ascontiguousarray(self.encoder.pixels[inputs.numpy()])
        self.encoder = replace(self.encoder, pixels=pixels)
        first = self.all_layers()[0]
        first.connection = Dense(len(inputs), first.connection.fan_out)
        first.weight = nn.Parameter(first.weight[inputs].clone())


def new_network(
    settings: WindowSettings, height: int, width: int, classes: int, generator: torch.Generator
) -> WindowNetwork:
    """Return an untrained network for images of that size.

    :raises InputError: a kernel is larger than its map, or images cannot be pooled.
    """
    side = settings.pool
    shape = (height // side, width // side, 1)
    connections: list[Connection] = []
    connections += convolutions(shape, settings.maps, settings.geometry())

    fan_in = connections[-1].fan_out if connections else math.prod(shape)
    for fan_out in (*settings.hidden, classes):
        connections.append(Dense(fan_in, fan_out))
        fan_in = fan_out
    encoder = settings.encoder(height, width)
    return WindowNetwork(encoder, connections, settings.layer_bits(), settings.window, generator)
