"""The same small kernel at every position: twin of :mod:`sim.connections.convolution`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional

from sim.connections.convolution import Convolution as MachineConvolution
from sim.connections.convolution import outputs
from sim.errors import InputError


@dataclass(frozen=True)
class Convolution:
    """Sizes of a convolution; its weights are (channels_in, kernel, kernel, channels_out).

    :param input: (height, width, channels) of the map that feeds it.
    :param channels_out: number of output channels.
    :param kernel: height and width of the kernel.
    :param stride: inputs from one output to the next.
    :param padding: rows and columns of silence at each border.
    :raises InputError: the kernel is larger than the padded map.
    """

    input: tuple[int, int, int]
    channels_out: int
    kernel: int
    stride: int
    padding: int

    def __post_init__(self) -> None:
        padded = min(self.input[:2]) + 2 * self.padding
        if self.kernel > padded:
            height, width, _ = self.input
            raise InputError(
                f"--kernel: {self.kernel} is larger than the map it moves over, {height} x {width} "
                f"with a padding of {self.padding}; take {padded} or less, or fewer --maps."
            )

    @property
    def output(self) -> tuple[int, int, int]:
        """(height, width, channels) of the map that is fed."""
        height, width = (
            outputs(size, self.kernel, self.stride, self.padding) for size in self.input[:2]
        )
        return height, width, self.channels_out

    @property
    def fan_in(self) -> int:
        """Number of neurons that feed the layer."""
        height, width, channels = self.input
        return height * width * channels

    @property
    def fan_out(self) -> int:
        """Number of neurons of the layer."""
        height, width, channels = self.output
        return height * width * channels

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """The shape of the weights, the output channel last."""
        return self.input[2], self.kernel, self.kernel, self.channels_out

    @property
    def weights_per_neuron(self) -> int:
        """Number of weights that a neuron sums, away from the border."""
        return self.input[2] * self.kernel**2

    def apply(self, activations: Tensor, weight: Tensor) -> Tensor:
        """Return the sums (batch, fan_out) of weights times activations (batch, fan_in)."""
        # neurons are numbered channel by channel at each position: PyTorch's channels-last memory,
        # so none of these changes of shape copies a map
        maps = activations.view(-1, *self.input).permute(0, 3, 1, 2)
        kernels = weight.permute(3, 0, 1, 2)
        sums = functional.conv2d(maps, kernels, stride=self.stride, padding=self.padding)
        return sums.permute(0, 2, 3, 1).flatten(1)

    def machine(self, weight: npt.NDArray[np.int8]) -> MachineConvolution:
        """Return the machine's connection with these weights."""
        return MachineConvolution(weight, self.input, self.stride, self.padding)


def convolutions(
    shape: tuple[int, int, int], maps: Sequence[int], geometry: Iterable[tuple[int, int, int]]
) -> list[Convolution]:
    """Return convolutions that feed each other.

    :param shape: (height, width, channels) of the map that feeds the first one.
    :param maps: output channels of each.
    :param geometry: kernel, stride and padding of each.
    :raises InputError: a kernel is larger than the map it moves over.
    """
    found: list[Convolution] = []
    for channels, where in zip(maps, geometry, strict=True):
        found.append(Convolution(shape, channels, *where))
        shape = found[-1].output
    return found
