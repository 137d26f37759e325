"""The trainable network of leaky neurons."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sim.connections.dense import Dense
from sim.encoders.intensity import Intensity
from sim.errors import require
from sim.layer import Layer
from sim.network import Network
from sim.neuron import HOLDS, Neuron, Spike
from sim.readouts import READOUTS
from sim.readouts.peak import NO_LEVEL
from train.encoders.intensity import InputSpikes, encode
from train.pipeline import Outcome
from train.quantize import choose_threshold, round_weight
from train.surrogate.loss import Outputs
from train.surrogate.scan import Slope, run_layer
from train.surrogate.settings import LeakySettings

EXACT_BITS = 25
"""The widest state that float32 holds exactly."""

INPUT_MEAN, OUTPUT_DEVIATION = 0.5, 0.6
"""Of the first weights, in thresholds: the mean of a sum of all expected events, and the deviation
of an output's weight times the root of its inputs.
"""


@dataclass(frozen=True, eq=False)
class Activity:
    """What a batch did.

    :param inputs: the input spikes.
    :param hidden: per hidden layer, its spikes (batch, ticks, neurons).
    :param outputs: what the outputs did.
    """

    inputs: InputSpikes
    hidden: list[Tensor]
    outputs: Outputs


class LeakyNetwork(nn.Module):
    """Dense layers of leaky neurons; weights are in thresholds, per unit of what a spike brings a
    potential in all.

    :param settings: what decides the result.
    :param encoder: how images become input spikes.
    :param sizes: neurons of every layer, inputs first.
    :param expected: events of an image at the input, in the mean.
    :param generator: of the first weights.
    """

    def __init__(
        self,
        settings: LeakySettings,
        encoder: Intensity,
        sizes: Sequence[int],
        expected: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.settings, self.encoder = settings, encoder
        self.weights = nn.ParameterList()
        for index, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            drawn = torch.randn((fan_in, fan_out), generator=generator)
            events = max(expected if index == 0 else fan_in / 4, 1.0)
            if index < len(sizes) - 2:
                weight = INPUT_MEAN / events + drawn / math.sqrt(events)
            else:
                weight = OUTPUT_DEVIATION * drawn / math.sqrt(fan_in)
            self.weights.append(nn.Parameter(weight))

        layers = len(sizes) - 1
        self.register_buffer("thresholds", torch.ones(layers, dtype=torch.int64))
        self.register_buffer("whole", torch.tensor(False))

    @property
    def rounds(self) -> bool:
        """Whether the network computes on the machine's integers."""
        return bool(self.get_buffer("whole"))

    @torch.no_grad()
    def choose_thresholds(self) -> None:
        """Fit every layer's integer threshold to its current weights."""
        for index, bits in enumerate(self.settings.layer_bits()):
            threshold = choose_threshold(self._entering(index), bits)
            self.get_buffer("thresholds")[index] = threshold

    @torch.no_grad()
    def round_from_now_on(self) -> None:
        """Compute on the machine's integers from now on, with thresholds as they are."""
        self.choose_thresholds()
        self.get_buffer("whole").fill_(True)

    def _entering(self, index: int) -> Tensor:
        """Return the weights as they enter, in thresholds: with a current, a spike comes in parts,
        and the first one is as much smaller as there are more.
        """
        weight = self.weights[index]
        if not self.settings.synapse:
            return weight
        held = self.neuron(index).synapse / HOLDS
        return weight * (1 - held if held < 1 else 1 / self.settings.last_tick)

    def neuron(self, index: int) -> Neuron:
        """Return what the neurons of a layer are in the machine."""
        threshold = int(self.get_buffer("thresholds")[index])
        return self.settings.machine_neuron(threshold, index == len(self.weights) - 1)

    def machine_weight(self, index: int) -> Tensor:
        """Return the integer weights of a layer, as floats; real weights get their gradient."""
        threshold = int(self.get_buffer("thresholds")[index])
        return round_weight(self._entering(index), threshold, self.settings.layer_bits()[index])

    def forward(self, images: Tensor, whole: bool | None = None) -> Activity:
        """Run images uint8 (batch, height, width) with gradients through all ticks.

        :param whole: on the machine's integers; None: as training is.
        """
        whole = self.rounds if whole is None else whole
        settings = self.settings
        slope = Slope(settings.surrogate, settings.slope, bool(settings.through_reset))
        inputs = encode(self.encoder, images)
        potential = spikes = torch.zeros(0)
        hidden: list[Tensor] = []
        for index in range(len(self.weights)):
            threshold = int(self.get_buffer("thresholds")[index])
            weight = self.machine_weight(index) if whole else self._entering(index) * threshold
            inflow = self._inflow(inputs, weight) if index == 0 else spikes @ weight

            # a level that nothing reaches is no scale for potentials
            neuron = self.neuron(index)
            scaled = neuron if neuron.threshold < NO_LEVEL else replace(neuron, threshold=threshold)
            potential, spikes = run_layer(inflow, scaled, whole, slope)
            hidden.append(spikes)
        return Activity(inputs, hidden[:-1], Outputs(potential, hidden[-1]))

    def _inflow(self, inputs: InputSpikes, weight: Tensor) -> Tensor:
        """Return what inputs deliver at each tick, (batch, ticks, neurons)."""
        nothing = torch.zeros(len(inputs.spikes[0]), weight.shape[1])
        at = dict(zip(inputs.ticks, inputs.spikes, strict=True))
        ticks = range(self.settings.last_tick + 1)
        return torch.stack([at[tick] @ weight if tick in at else nothing for tick in ticks], dim=1)

    @torch.no_grad()
    def decide(self, images: Tensor) -> Outcome:
        """Return what the integer machine answers for images uint8 (batch, height, width)."""
        activity = self(images, whole=True)
        threshold = int(self.get_buffer("thresholds")[-1])
        potential = (activity.outputs.potential * threshold).round().to(torch.int64)
        decision, tick, ended = self._verdict(potential, activity.outputs.spikes)

        # what is delivered: spikes of the last tick too, where nothing ended the sample
        after = tick + (~ended).to(torch.int64)
        ticks = torch.arange(potential.shape[1])
        within = (ticks < after.unsqueeze(1)).unsqueeze(2)
        counts = [activity.inputs.delivered(after)]
        counts += [(each * within).sum(dim=(1, 2)).to(torch.int64) for each in activity.hidden]
        events = torch.stack(counts, dim=1)
        fan_out = torch.tensor([weight.shape[1] for weight in self.weights])
        early = READOUTS[self.settings.readout].early and self.settings.readout != "peak"
        return Outcome(
            decision,
            tick,
            ~ended if early else torch.zeros_like(ended),
            events,
            events * fan_out,
            self._last(potential, activity.outputs.spikes, tick),
        )

    def _last(self, potential: Tensor, spikes: Tensor, tick: Tensor) -> Tensor:
        """Return the potentials (batch, classes) as they are in the end."""
        chosen = torch.arange(len(tick)), tick
        last = potential[chosen]
        zero = self.neuron(len(self.weights) - 1).reset == "zero"
        if self.settings.readout == "most_spikes" and zero:
            last = last.masked_fill(spikes[chosen] > 0, 0)
        return last

    def _verdict(self, potential: Tensor, spikes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return decision, tick, and whether the sample ended at it, each (batch,)."""
        count, ticks, classes = potential.shape
        last = torch.full((count,), ticks - 1)
        never = torch.zeros(count, dtype=torch.bool)
        values = potential.numpy()
        readout = self.settings.readout
        if readout == "peak":
            # the earliest of equal potentials, then the lowest index, which argmax of NumPy finds
            flat = values.reshape(count, -1).argmax(axis=1)
            return torch.from_numpy(flat % classes), last, never
        if readout == "most_spikes":
            number = spikes.sum(dim=1).numpy()
            final = self._last(potential, spikes, last).numpy()
            least = np.iinfo(np.int64).min
            most = np.where(number == number.max(axis=1, keepdims=True), final, least)
            return torch.from_numpy(most.argmax(axis=1)), last, never

        tick, ended = last, never
        if readout == "first_spike":
            reached = values.max(axis=2) >= int(self.get_buffer("thresholds")[-1])
            ended = torch.from_numpy(reached.any(axis=1))
            tick = torch.where(ended, torch.from_numpy(reached.argmax(axis=1)), last)
        now = values[np.arange(count), tick.numpy()]
        return torch.from_numpy(now.argmax(axis=1)), tick, ended

    @torch.no_grad()
    def spikes(self, image: Tensor) -> list[list[Spike]]:
        """Return the spikes delivered to each layer for an image uint8 (height, width), by tick,
        then by neuron.
        """
        images = image.unsqueeze(0)
        activity, outcome = self(images, whole=True), self.decide(images)
        last = int(outcome.tick[0])
        ended = bool(~outcome.timed_out[0]) and self.settings.readout == "first_spike"
        given = [
            Spike(tick, int(neuron))
            for tick, now in zip(activity.inputs.ticks, activity.inputs.spikes, strict=True)
            for neuron in now[0].nonzero().flatten()
        ]
        found = [sorted(given)]
        found += [[Spike(*pair) for pair in each[0].nonzero().tolist()] for each in activity.hidden]
        return [[spike for spike in each if spike.tick < last + (not ended)] for each in found]

    @torch.no_grad()
    def to_network(self, classes: Sequence[str], provenance: Mapping[str, Any]) -> Network:
        """Return the integer network for :mod:`sim` and :mod:`hw`.

        :raises InputError: a state needs more bits than training computes with.
        """
        layers = tuple(
            Layer(
                Dense(np.ascontiguousarray(self.machine_weight(index).numpy().astype(np.int8))),
                self.neuron(index),
                weight_bits=bits,
            )
            for index, bits in enumerate(self.settings.layer_bits())
        )
        readout = READOUTS[self.settings.readout]()
        network = Network(
            self.encoder,
            layers,
            readout,
            1,
            self.settings.last_tick,
            tuple(classes),
            dict(provenance),
        )
        for index in range(len(layers)):
            bits = network.bounds(index).bits
            problem = f"needs states of {bits} bits, over {EXACT_BITS}; take fewer ticks or bits"
            require(bits <= EXACT_BITS, f"layers.{index}", problem)
        return network


def new_network(
    settings: LeakySettings,
    shape: tuple[int, int],
    classes: int,
    some: Tensor,
    generator: torch.Generator,
) -> LeakyNetwork:
    """Return an untrained network.

    :param shape: height and width of the images.
    :param some: training images uint8 (n, height, width), on which input events are counted.
    """
    encoder = settings.encoder(*shape)
    events = sum(float(each.sum()) for each in encode(encoder, some).spikes) / len(some)
    sizes = (encoder.inputs, *settings.hidden, classes)
    return LeakyNetwork(settings, encoder, sizes, events, generator)
