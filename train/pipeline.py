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
import torch
from torch import Tensor, nn

from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.errors import InputError, choose
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts import READOUTS as MACHINE_READOUTS
from train.encoders.intensity import InputSpikes, encode
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
from train.readouts.verdict import Outputs

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
    """

    decision: Tensor
    tick: Tensor
    timed_out: Tensor
    events: Tensor


class SpikingNetwork(nn.Module):
    """Layers of neurons that fire at most once, hidden ones a few times where asked for.

    :param encoder: how images become input spikes; the same object the integer machine uses.
    :param sizes: neurons of every layer, the classes last.
    :param ticks_per_unit: R of the tick grid.
    :param last_tick: K of the tick grid.
    :param bits: weight bits per layer, or None for a network of real weights and continuous times.
    :param floor: see :mod:`train.exact.layer`; 0 for exact gradients.
    :param readout: name of a readout, in training and in the machine alike.
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
        spikes: int = 1,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.ticks_per_unit, self.last_tick, self.floor = ticks_per_unit, last_tick, floor
        self.bits = None if bits is None else tuple(bits)
        self.readout, self.spikes = readout, spikes

        shapes = pairwise((encoder.inputs, *sizes))
        self.weights = nn.ParameterList(torch.zeros(fan_in, fan_out) for fan_in, fan_out in shapes)
        self.thresholds = [1 for _ in sizes]

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

        A deep network, one of several hidden layers, is measured image by image: its layers are
        raised until they fire in their share of the ticks, the n-th of N by the tick n K / N, on
        nearly every image, the outputs too. Each layer is drawn for the spikes that the sample
        brings it in time.

        :param alive_share: of the neurons of each hidden layer that should fire.
        :param expected_spikes: that a neuron of a later layer is expected to see; with more of them
            each weighs less, so that more hidden neurons fire, and learn, before the decision. A
            deep network expects no more than it was measured to see.
        """
        layers = len(self.weights)
        deep = layers > 2
        seen = math.inf

        for index, weight in enumerate(self.weights):
            later = index > 0
            expected = min(expected_spikes, seen) if later else EXPECTED_INPUTS
            spread = SPREAD[later] / math.sqrt(min(expected, weight.shape[0]))
            weight.uniform_(-spread, spread, generator=generator).add_(
                LIFT / expected if later else 0.0
            )

            output = index + 1 == layers
            if output and not deep:
                break  # it stays as it was drawn

            until = self.last_tick * (index + 1) / layers if deep else self.last_tick
            share = 0.0 if output else alive_share
            for _ in range(RAISES):
                first = self._times(spikes, index)[:, : weight.shape[1]]
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
                silent = fired[:, : weight.shape[1]].float().mean(dim=0) < share
                if not silent.any():
                    break
                weight[:, silent] += WAKE_STEP

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
        neurons = self.neurons()
        for weight, neuron in zip(weights[:-1], neurons, strict=False):
            if not hidden:
                first = input_layer(weight, neuron, spikes.ticks, spikes.spikes)
                hidden.append(self._all_spikes(first, spikes.times, weight, neuron))
                continue

            before, rows = hidden[-1], self._repeated(weight)
            first = spiking_layer(before, rows, neuron)
            hidden.append(self._all_spikes(first, lambda before=before: before, rows, neuron))

        if not hidden:
            return hidden, spikes.times(), weights[-1]
        return hidden, hidden[-1], self._repeated(weights[-1])

    def _repeated(self, weight: Tensor) -> Tensor:
        """Return the weights of a later layer (spikes * fan_in, fan_out): those of the first spike
        of every neuron before it, of the second and so on, which are the same.
        """
        return weight if self.spikes == 1 else weight.repeat(self.spikes, 1)

    def _all_spikes(
        self, first: Tensor, before: Callable[[], Tensor], weight: Tensor, neuron: ExactNeuron
    ) -> Tensor:
        """Return the times (batch, spikes * neurons) of a layer's first spikes, which are given, of
        its second ones and so on.

        :param before: gives the times (batch, fan_in) that feed the layer, if they are needed.
        """
        times = [self._on_grid(first)]
        for number in range(2, self.spikes + 1):
            earliest = None if self.bits is None else times[-1] + 1
            time = spiking_layer(before(), weight, neuron.level(number), earliest=earliest)
            times.append(self._on_grid(time))
        return torch.cat(times, dim=1)

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
        end = verdicts.tick.masked_fill(verdicts.timed_out, math.inf)
        events = [spikes.delivered(end), *(_delivered(time, end) for time in hidden)]
        tick = verdicts.tick.ceil().to(torch.int64)
        return Outcome(verdicts.decision, tick, verdicts.timed_out, torch.stack(events, dim=1))

    def to_network(self, classes: Sequence[str], provenance: Mapping[str, Any]) -> Network:
        """Return the integer network for :mod:`sim` and :mod:`hw`; only for a network with bits."""
        if self.bits is None:
            raise ValueError("a network of real weights has no integer form; give it bits")

        # outputs fire once
        again: dict[str, Any] = {"reset": "subtract", "limit": self.spikes}
        repeats = [again if self.spikes > 1 else {}] * (len(self.weights) - 1) + [{}]
        layers = [
            Layer(
                Dense(weight.detach().numpy().astype(np.int8)),
                Neuron(threshold, **repeat),
                weight_bits=bits,
            )
            for weight, threshold, bits, repeat in zip(
                self.scaled_weights(), self.thresholds, self.bits, repeats, strict=True
            )
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

        :raises InputError: its neurons are others than :meth:`to_network` gives.
        """
        spikes = _hidden_spikes(network)
        sizes = [layer.fan_out for layer in network.layers]
        bits = [layer.weight_bits for layer in network.layers]
        grid = network.ticks_per_unit, network.last_tick
        readout = network.readout_name
        result = cls(network.encoder, sizes, *grid, bits, readout=readout, spikes=spikes)
        result.thresholds = [layer.threshold for layer in network.layers]
        with torch.no_grad():
            for weight, layer in zip(result.weights, network.layers, strict=True):
                weight.copy_(torch.tensor(layer.weight) / layer.threshold)
        return result


def _hidden_spikes(network: Network) -> int:
    """Return how often every hidden neuron fires at most.

    :raises InputError: hidden layers differ in it, or a neuron has no such limit, or is no neuron
        on the ramp.
    """
    *hidden, output = (layer.neuron for layer in network.layers)
    most = {neuron.most_spikes for neuron in hidden if neuron.ramp} or {1}
    plain = all(neuron.ramp for neuron in hidden) and output == Neuron(output.threshold)
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


def _delivered(time: Tensor, end: Tensor) -> Tensor:
    """Count the spikes, int64 (batch,), at times (batch, neurons) before ``end`` (batch,)."""
    return ((time < end.unsqueeze(1)) & (time < math.inf)).sum(dim=1)
