"""The trainable network: the integer machine in PyTorch, whole batches at a time, with gradients.

Real weights (1.0 is the firing threshold) are what the optimiser moves. With ``bits`` every pass
rounds weights to integers and hidden spikes to ticks, so that training sees the machine; without,
times are continuous (Mostafa's network). :meth:`SpikingNetwork.decide` is the machine itself, exact
in float64 integers.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from sim.connections.connection import Connection as MachineConnection
from sim.connections.connection import reads_of
from sim.connections.convolution import Convolution as MachineConvolution
from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity, image_encoder
from sim.errors import InputError, choose
from sim.network import Layer, Network
from sim.neuron import Neuron, Spike
from sim.readouts import READOUTS as MACHINE_READOUTS
from train.connections.convolution import Convolution
from train.encoders.intensity import InputSpikes, encode
from train.exact.convolution import Geometry, convolution_layer
from train.exact.layer import (
    ExactNeuron,
    Horizon,
    Times,
    input_layer,
    next_tick,
    spiking_layer,
)
from train.quantize import choose_threshold, round_weight
from train.readouts import READOUTS
from train.readouts.verdict import Outputs, Verdicts

SPREAD = (1.5, 2.0)
"""Initial weights are uniform in plus or minus SPREAD / sqrt(expected spikes): input layer, later
layers.
"""

EXPECTED_INPUTS = 100
"""Spikes that a neuron is expected to see from the input, at most."""

LIFT = 2.0
"""Initial weights of later layers have the mean LIFT / expected spikes, so that outputs fire from
the start.
"""

RAISES = 200
"""How often the weights of a layer are raised at most, until enough of its neurons fire."""

IN_TIME = 0.98
"""Share of images on which each layer of a deep network fires in time at the start."""

WAKE_STEP, WAKES = 0.0075, 20
"""By how much the weights of a silent neuron are raised, and how often at most."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the machine answers for a batch; the words are :class:`sim.batch.Decisions`'.

    :param decision: int64 (batch,), class index.
    :param tick: int64 (batch,), of the decision; the last tick when timed out.
    :param timed_out: bool (batch,).
    :param events: int64 (batch, layers), delivered to each layer.
    :param reads: int64 (batch, layers), weights that these events look up.
    :param potential: int64 (batch, classes), the outputs' in the end; None: not compared.
    """

    decision: Tensor
    tick: Tensor
    timed_out: Tensor
    events: Tensor
    reads: Tensor
    potential: Tensor | None = None


class SpikingNetwork(nn.Module):
    """Layers of neurons that fire at most once, hidden ones a few times where asked for.

    :param encoder: how images become input spikes; the same object the integer machine uses.
    :param sizes: neurons of every dense layer, the classes last.
    :param ticks_per_unit: R of the tick grid.
    :param last_tick: K of the tick grid.
    :param bits: weight bits per layer, or None for a network of real weights and continuous times.
    :param floor: see :mod:`train.exact.layer`; 0 for exact gradients.
    :param readout: name of a readout, in training and in the machine alike.
    :param maps: the convolutions, which come before the dense layers.
    :param spikes: how often a hidden neuron fires at most.
    """

    def __init__(
        self,
        encoder: Intensity,
        sizes: Sequence[int],
        ticks_per_unit: int,
        last_tick: int,
        bits: Sequence[int] | None = None,
        floor: float = 0.0,
        readout: str = "first_spike",
        maps: Sequence[Convolution] = (),
        spikes: int = 1,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.ticks_per_unit, self.last_tick, self.floor = ticks_per_unit, last_tick, floor
        self.bits = None if bits is None else tuple(bits)
        self.readout, self.most_spikes = readout, spikes

        self.maps = tuple(maps)
        inputs = self.maps[-1].fan_out if self.maps else encoder.inputs
        shapes = [each.weight_shape for each in self.maps] + list(pairwise((inputs, *sizes)))
        self.weights = nn.ParameterList(torch.zeros(shape) for shape in shapes)
        self.thresholds = [1 for _ in shapes]

        # a spike of an input looks up as many weights, whatever they are
        empty = self._connections([np.zeros(shape, np.int8) for shape in shapes])
        self.reads = [torch.tensor(reads_of(each), dtype=torch.float64) for each in empty]

    @torch.no_grad()
    def initialise(
        self,
        spikes: InputSpikes,
        generator: torch.Generator,
        alive_share: float,
        expected_spikes: int,
    ) -> None:
        """Draw small random weights, and raise those of hidden layers that hardly fire on a sample
        of inputs.

        A deep network, one of several hidden layers and no convolutions, is measured image by
        image: its layers are raised until they fire in their share of the ticks, the n-th of N by
        the tick n K / N, on nearly every image, the outputs too. Each layer is drawn for the spikes
        that the sample brings it in time.

        :param alive_share: of the neurons of each hidden layer that should fire.
        :param expected_spikes: that a neuron of a later layer is expected to see; with more of them
            each weighs less, so that more hidden neurons fire, and learn, before the decision. A
            deep network expects no more than it was measured to see.
        """
        layers = len(self.weights)
        deep = layers > 2 and not self.maps
        seen = math.inf

        for index, weight in enumerate(self.weights):
            later = index > 0
            expected = min(expected_spikes, seen) if later else EXPECTED_INPUTS
            spread = SPREAD[later] / math.sqrt(min(expected, weight[..., 0].numel()))
            weight.uniform_(-spread, spread, generator=generator).add_(
                LIFT / expected if later else 0.0
            )

            output = index + 1 == layers
            if output and not deep:
                break  # it stays as it was drawn

            until = self.last_tick * (index + 1) / layers if deep else self.last_tick
            share = 0.0 if output else alive_share
            for _ in range(RAISES):
                times = self._times(spikes, index)
                first = times[:, : times.shape[1] // self.most_spikes]
                if _is_alive(first <= until, share, deep):
                    break
                weight.add_(spread / 50)

            if deep:
                in_time = self._times(spikes, index) <= until
                seen = max(1.0, float(in_time.sum(dim=1).float().mean()))

        self.choose_thresholds()

    def _times(self, spikes: InputSpikes, index: int) -> Tensor:
        """Return when the neurons of a layer with real weights fire, (batch, spikes * neurons);
        ``inf`` for never.
        """
        weights = list(self.weights[: index + 1])
        return self._hidden(spikes, [*weights, weights[-1]])[0][-1]

    @torch.no_grad()
    def wake(self, spikes: InputSpikes, share: float) -> None:
        """Raise the input weights of every hidden neuron that fires on less than ``share`` of a
        sample of images.

        Large steps of the optimiser silence neurons, and a silent neuron has no gradient that would
        bring it back.
        """
        for index, weight in enumerate(self.weights[:-1]):
            for _ in range(WAKES):
                fired = self._hidden(spikes, self.scaled_weights())[0][index] < math.inf
                first = fired[:, : fired.shape[1] // self.most_spikes].float().mean(dim=0)

                # the neurons of a map share their weights
                silent = first.view(-1, weight.shape[-1]).mean(dim=0) < share
                if not silent.any():
                    break
                weight[..., silent] += WAKE_STEP

    def choose_thresholds(self) -> None:
        """Fit every layer's integer threshold to its current weights; nothing to do for real
        weights.
        """
        if self.bits is not None:
            pairs = zip(self.weights, self.bits, strict=True)
            self.thresholds = [choose_threshold(weight, bits) for weight, bits in pairs]

    def neurons(self) -> list[ExactNeuron]:
        """Return what each layer's neurons share."""
        return [
            ExactNeuron(threshold, self.ticks_per_unit, self.floor) for threshold in self.thresholds
        ]

    def scaled_weights(self, dtype: torch.dtype = torch.float32) -> list[Tensor]:
        """Return the weights on the scale of the thresholds: integers if the network has bits."""
        if self.bits is None:
            return [weight.to(dtype) for weight in self.weights]
        layers = zip(self.weights, self.thresholds, self.bits, strict=True)
        return [
            round_weight(weight, threshold, bits).to(dtype) for weight, threshold, bits in layers
        ]

    def encode(self, images: Tensor, dtype: torch.dtype = torch.float32) -> InputSpikes:
        """Encode images uint8 (batch, height, width)."""
        return encode(self.encoder, images, dtype)

    def forward(self, spikes: InputSpikes, margin: float = math.inf) -> Times:
        """Run a batch with gradients; outputs are followed until ``margin`` ticks after the first
        of them fires.
        """
        hidden, before, weight = self._hidden(spikes, self.scaled_weights())
        horizon = Horizon(self.last_tick, margin)
        return Times(hidden, spiking_layer(before, weight, self.neurons()[-1], horizon))

    def _hidden(
        self, spikes: InputSpikes, weights: list[Tensor]
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """Return the times (batch, spikes * neurons) of all hidden layers, the times that feed the
        output layer, and its weights for each of them.
        """
        hidden: list[Tensor] = []
        for index, (weight, neuron) in enumerate(zip(weights[:-1], self.neurons(), strict=False)):
            before = hidden[-1] if hidden else None
            if index < len(self.maps):
                before = spikes.times() if before is None else before
                time = convolution_layer(before, weight, _geometry(self.maps[index]), neuron)
                hidden.append(self._on_grid(time))
            elif before is None:
                first = input_layer(weight, neuron, spikes.ticks, spikes.spikes)
                hidden.append(self._all_spikes(first, spikes.times, weight, neuron))
            else:
                rows = self._repeated(weight)
                first = spiking_layer(before, rows, neuron)
                hidden.append(self._all_spikes(first, lambda before=before: before, rows, neuron))

        if not hidden:
            return hidden, spikes.times(), weights[-1]
        return hidden, hidden[-1], self._repeated(weights[-1])

    def _repeated(self, weight: Tensor) -> Tensor:
        """Return the weights of a later layer (spikes * fan_in, fan_out): those of the first spike
        of every neuron before it, of the second and so on, which are the same.
        """
        return weight if self.most_spikes == 1 else weight.repeat(self.most_spikes, 1)

    def _all_spikes(
        self, first: Tensor, before: Callable[[], Tensor], weight: Tensor, neuron: ExactNeuron
    ) -> Tensor:
        """Return the times (batch, spikes * neurons) of a layer's first spikes, which are given, of
        its second ones and so on.

        :param before: gives the times (batch, fan_in) that feed the layer, if they are needed.
        """
        times = [self._on_grid(first)]
        for number in range(2, self.most_spikes + 1):
            earliest = None if self.bits is None else times[-1] + 1
            time = spiking_layer(before(), weight, neuron.level(number), earliest=earliest)
            times.append(self._on_grid(time))
        return torch.cat(times, dim=1)

    def read_costs(self, device: torch.device) -> list[Tensor] | None:
        """Return how many thousands of weights a spike of each hidden neuron looks up, per layer
        (neurons,); None for a network without convolutions.
        """
        if not self.maps:
            return None
        return [(reads / 1000).to(device, torch.float32) for reads in self.reads[1:]]

    def _connections(self, weights: Sequence[npt.NDArray[np.int8]]) -> list[MachineConnection]:
        """Return every layer's connection with such weights."""
        return [
            *(each.machine(weight) for each, weight in zip(self.maps, weights, strict=False)),
            *(Dense(weight) for weight in weights[len(self.maps) :]),
        ]

    def _on_grid(self, time: Tensor) -> Tensor:
        """Hidden spikes of a network with bits fall on ticks; nobody fires after the last tick."""
        if self.bits is not None:
            return next_tick(time, self.last_tick)
        return time.masked_fill(time > self.last_tick, math.inf)

    @torch.no_grad()
    def decide(self, images: Tensor) -> Outcome:
        """Return what the integer machine answers for images uint8 (batch, height, width).

        All sums are integers below 2^53, exact in float64; a spike's tick is the ceiling of a
        quotient whose divisor is below 2^32, exact too. Networks of real weights decide
        at continuous times.
        """
        verdicts, delivered = self._run(images)
        counted = [times < math.inf for times in delivered]
        events = torch.stack([each.sum(dim=1) for each in counted], dim=1)

        pairs = zip(counted, self.reads, strict=True)
        found = [
            each.to(torch.float64) @ reads.to(each.device).repeat(each.shape[1] // len(reads))
            for each, reads in pairs
        ]
        reads = torch.stack(found, dim=1).to(torch.int64)
        tick = verdicts.tick.ceil().to(torch.int64)
        return Outcome(verdicts.decision, tick, verdicts.timed_out, events, reads)

    @torch.no_grad()
    def spikes(self, image: Tensor) -> list[list[Spike]]:
        """Return the spikes delivered to each layer for an image uint8 (height, width), by tick,
        then by neuron; only for a network with bits.
        """
        _, delivered = self._run(image.unsqueeze(0))
        return [
            sorted(
                Spike(int(time), index % len(reads))
                for index, time in enumerate(times[0].tolist())
                if time < math.inf
            )
            for times, reads in zip(delivered, self.reads, strict=True)
        ]

    def _run(self, images: Tensor) -> tuple[Verdicts, list[Tensor]]:
        """Return how images end, and per layer when the spikes that it gets come (batch, neurons),
        ``inf`` for none.
        """
        spikes = self.encode(images, torch.float64)
        hidden, before, weight = self._hidden(spikes, self.scaled_weights(torch.float64))
        neuron = self.neurons()[-1]

        outputs = Outputs(
            spiking_layer(before, weight, neuron),
            before,
            weight,
            neuron.threshold,
            neuron.start,
            self.last_tick,
            on_grid=self.bits is not None,
        )
        verdicts = choose(READOUTS, self.readout, "readout")(outputs)

        # a spike is delivered if it comes before the decision; after a timeout all are
        end = verdicts.tick.masked_fill(verdicts.timed_out, math.inf).unsqueeze(1)
        times = [spikes.times(), *hidden]
        return verdicts, [each.masked_fill(each >= end, math.inf) for each in times]

    def to_network(self, classes: Sequence[str], provenance: Mapping[str, Any]) -> Network:
        """Return the integer network for :mod:`sim` and :mod:`hw`; only for a network with bits."""
        if self.bits is None:
            raise ValueError("a network of real weights has no integer form; give it bits")

        # outputs fire once
        again: dict[str, Any] = {"reset": "subtract", "limit": self.most_spikes}
        repeats = [again if self.most_spikes > 1 else {}] * (len(self.weights) - 1) + [{}]

        weights = [each.detach().numpy().astype(np.int8) for each in self.scaled_weights()]
        columns = self._connections(weights), self.thresholds, self.bits, repeats
        layers = [
            Layer(connection, Neuron(threshold, **repeat), weight_bits=bits)
            for connection, threshold, bits, repeat in zip(*columns, strict=True)
        ]

        return Network(
            self.encoder,
            tuple(layers),
            MACHINE_READOUTS[self.readout](),
            self.ticks_per_unit,
            self.last_tick,
            tuple(classes),
            dict(provenance),
        )

    @classmethod
    def from_network(cls, network: Network) -> "SpikingNetwork":
        """Return the trainable form of an integer network; it decides alike.

        :raises InputError: it is none that :meth:`to_network` gives: square kernels, convolutions
            before dense layers, and their neurons.
        """
        spikes = _hidden_spikes(network)
        maps = _maps(network, spikes)
        grid = network.ticks_per_unit, network.last_tick
        result = cls(
            image_encoder(network.encoder),
            [layer.fan_out for layer in network.layers[len(maps) :]],
            *grid,
            [layer.weight_bits for layer in network.layers],
            readout=network.readout_name,
            maps=maps,
            spikes=spikes,
        )
        result.thresholds = [layer.threshold for layer in network.layers]
        with torch.no_grad():
            for weight, layer in zip(result.weights, network.layers, strict=True):
                weight.copy_(torch.tensor(layer.weight) / layer.threshold)
        return result


def _geometry(maps: Convolution) -> Geometry:
    """Return where the kernels of a convolution are."""
    return Geometry.of(maps.input, maps.weight_shape, maps.stride, maps.padding)


def _maps(network: Network, spikes: int) -> list[Convolution]:
    """Return the sizes of the machine's convolutions.

    :raises InputError: one is behind a dense layer or has a kernel that is not square, no dense
        layer is behind them, or their neurons fire more than once.
    """
    connections = [layer.connection for layer in network.layers]
    found = [each for each in connections if isinstance(each, MachineConvolution)]
    dense = connections[len(found) :]
    plain = bool(dense) and all(isinstance(each, Dense) for each in dense)
    plain &= all(each.kernel[0] == each.kernel[1] for each in found)
    if not plain or (found and spikes > 1):
        raise InputError(
            "network: only convolutions with square kernels, whose neurons fire once, and then "
            "dense layers can be trained; give such a network."
        )
    return [
        Convolution(each.input, each.channels_out, each.kernel[0], each.stride, each.padding)
        for each in found
    ]


def _hidden_spikes(network: Network) -> int:
    """Return how often every hidden neuron fires at most.

    :raises InputError: hidden layers differ in it, or a neuron has no such limit, or is no neuron
        on the ramp.
    """
    *hidden, output = (layer.neuron for layer in network.layers)
    most = {neuron.most_spikes for neuron in hidden if neuron.ramp} or {1}
    plain = all(neuron.ramp for neuron in hidden) and output == Neuron(output.threshold)
    plain &= all(layer.start is None for layer in network.layers)
    if not plain or len(most) != 1 or None in most:
        raise InputError(
            "network: only neurons on the ramp can be trained, all hidden ones with the same "
            "limit of spikes, and outputs that fire once; give such a network."
        )
    return most.pop() or 1


def _is_alive(fired: Tensor, share: float, by_image: bool) -> bool:
    """Return whether enough neurons of a layer fired, bool (batch, neurons): a share of all, or
    that share, and at least one, on nearly every image.
    """
    if not by_image:
        return bool(fired.float().mean() >= share)
    enough = fired.sum(dim=1) >= max(1.0, share * fired.shape[1])
    return bool(enough.float().mean() >= IN_TIME)
