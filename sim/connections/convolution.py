"""The same small kernel at every position: one spike looks up a word for each output position that
it is seen from.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from sim.connections.connection import Visit
from sim.errors import check_keys, checked_array, is_integer, require
from sim.fixed_point import Bounds, WeightFormat

LARGEST = 2**20
"""The most input neurons, and the most output neurons, of a convolution."""


@dataclass(frozen=True, eq=False)
class Convolution:
    """A kernel that moves over maps.

    Neuron (y, x, channel) has index (y * width + x) * channels + channel, on both sides. Output (y,
    x) covers the inputs (y * stride - padding + ky, x * stride - padding + kx); outside of the map
    nothing ever spikes. Where the stride does not fit the last rows and columns of inputs may be
    covered by no output: their events look up nothing.

    :param weight: int8 (channels_in, kernel height, kernel width, channels_out).
    :param input: (height, width, channels) of the map that feeds it.
    :param stride: 1 or more, inputs from one output to the next.
    :param padding: 0 or more, smaller than the kernel; rows and columns of silence at each border.
    :raises InputError: one of them is of another type or shape, or the kernel is larger than the
        padded map.
    """

    weight: npt.NDArray[np.int8]
    input: tuple[int, int, int]
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        weight = checked_array(self.weight, np.int8, 4, "weight")
        require(weight.size > 0, "weight", "must have at least one channel and one element")
        shape: Any = self.input
        sizes = type(shape) in (list, tuple) and len(shape) == 3
        sizes = sizes and all(is_integer(size, 1, 2**15) for size in shape)
        require(sizes, "connection.input", "must be [height, width, channels], each at least 1")

        channels, *kernel, _ = weight.shape
        problem = f"has {channels} input channels for a map of {shape[2]}"
        require(channels == shape[2], "weight", problem)
        require(
            is_integer(self.stride, 1, 2**15),
            "connection.stride",
            f"must be at least 1, not {self.stride}",
        )
        require(
            is_integer(self.padding, 0, min(kernel) - 1),
            "connection.padding",
            f"must be in 0..{min(kernel) - 1}, smaller than the kernel, not {self.padding}",
        )
        self._check_kernel(shape, kernel)

        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "input", tuple(shape))
        large = max(self.fan_in, self.fan_out)
        require(large <= LARGEST, "connection", f"has {large} neurons, at most {LARGEST} fit")

    def _check_kernel(self, shape: Any, kernel: list[int]) -> None:
        for size, extent in zip(shape[:2], kernel, strict=True):
            padded = size + 2 * self.padding
            require(
                extent <= padded,
                "weight",
                f"has a kernel of {extent} for a padded map of {padded}; take {padded} or less",
            )

    @classmethod
    def read(cls, settings: Any, tensors: dict[str, npt.NDArray[Any]], layer: str) -> Self:
        """Return the connection of ``layer`` of a network's file, and take its weights out of
        ``tensors``.

        :raises InputError: a setting is missing, unknown or out of range, or the weights are of
            another type or shape.
        """
        found = check_keys(settings, "connection", ("input", "stride", "padding"))
        return cls(tensors.pop(f"{layer}.weight"), **found)

    def with_weight(self, weight: npt.NDArray[np.int8]) -> Self:
        """Return the connection with other weights.

        :raises InputError: they are of another type or shape.
        """
        return replace(self, weight=weight)

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of a network's file that belong to it, under their names there."""
        return {"weight": self.weight}

    def settings(self) -> dict[str, Any]:
        """Return what a network's file says of it in JSON, without its kind."""
        return {"input": list(self.input), "stride": self.stride, "padding": self.padding}

    @property
    def kernel(self) -> tuple[int, int]:
        """(height, width) of the kernel."""
        return self.weight.shape[1], self.weight.shape[2]

    @property
    def output(self) -> tuple[int, int, int]:
        """(height, width, channels) of the map that is fed."""
        height, width = (
            outputs(size, extent, self.stride, self.padding)
            for size, extent in zip(self.input[:2], self.kernel, strict=True)
        )
        return height, width, self.channels_out

    @property
    def fan_in(self) -> int:
        """Number of input neurons."""
        height, width, channels = self.input
        return height * width * channels

    @property
    def fan_out(self) -> int:
        """Number of neurons that are fed."""
        return self.positions * self.channels_out

    @property
    def channels_out(self) -> int:
        """Number of output channels: weights in a word."""
        return self.weight.shape[3]

    @property
    def positions(self) -> int:
        """Number of output positions."""
        height, width, _ = self.output
        return height * width

    @property
    def sizes(self) -> str:
        """The sizes, for people: from map to map, and the kernel."""
        maps = (" x ".join(str(size) for size in each) for each in (self.input, self.output))
        kernel = " x ".join(str(size) for size in self.kernel)
        return f"{' to '.join(maps)}, {kernel}/{self.stride}"

    def visits(self, source: int) -> list[Visit]:
        """Return what an event of input neuron ``source`` looks up, by ascending position."""
        _, width, channels = self.input
        pixel, channel = divmod(source, channels)
        y, x = divmod(pixel, width)
        kernel_height, kernel_width = self.kernel
        _, output_width, _ = self.output

        found: list[Visit] = []
        for output_y in self.covering(y, 0):
            for output_x in self.covering(x, 1):
                kernel_y = y + self.padding - output_y * self.stride
                kernel_x = x + self.padding - output_x * self.stride
                word = (channel * kernel_height + kernel_y) * kernel_width + kernel_x
                found.append(Visit(word, output_y * output_width + output_x))
        return found

    def covering(self, coordinate: int, axis: int) -> range:
        """Return the output coordinates whose kernel covers an input coordinate.

        :param coordinate: y (axis 0) or x (axis 1) of an input.
        """
        padded = coordinate + self.padding
        return covering(padded, self.output[axis], self.kernel[axis], self.stride)

    def deliver(self, source: int, current: npt.NDArray[np.int64]) -> None:
        """Look up the words of one event of input neuron ``source`` and add them to the currents
        (fan_out,).
        """
        words = self.weight.reshape(-1, self.channels_out)
        for word, position in self.visits(source):
            first = position * self.channels_out
            current[first : first + self.channels_out] += words[word]

    def inflows(self) -> list[Bounds]:
        """Return, per neuron, the least and the greatest sum of weights that can reach it if every
        input neuron spikes at most once; at a border fewer inputs are covered.
        """
        weight = self.weight.astype(np.int64)
        covered = self._covered().astype(np.int64)
        low = np.einsum("pyx,yxc->pc", covered, np.minimum(weight, 0).sum(axis=0))
        high = np.einsum("pyx,yxc->pc", covered, np.maximum(weight, 0).sum(axis=0))
        pairs = zip(low.ravel().tolist(), high.ravel().tolist(), strict=True)
        return [Bounds(*pair) for pair in pairs]

    def inflow_of_format(self, form: WeightFormat) -> Bounds:
        """Return the sums that can reach a neuron whatever the weights become within a format."""
        most = int(self._covered().sum(axis=(1, 2)).max()) * self.input[2]
        return Bounds(most * form.low, most * form.high)

    def _covered(self) -> npt.NDArray[np.bool_]:
        """Return which elements of the kernel are inside of the map, bool (positions, kernel
        height, kernel width).
        """
        axes = [
            np.arange(count)[:, np.newaxis] * self.stride - self.padding + np.arange(extent)
            for count, extent in zip(self.output[:2], self.kernel, strict=True)
        ]
        rows, columns = (
            (axis >= 0) & (axis < size) for axis, size in zip(axes, self.input[:2], strict=True)
        )
        inside = rows[:, np.newaxis, :, np.newaxis] & columns[np.newaxis, :, np.newaxis, :]
        return inside.reshape(self.positions, *self.kernel)


def outputs(size: int, kernel: int, stride: int, padding: int) -> int:
    """Return the number of outputs along an axis.

    :param size: number of inputs along it.
    :param kernel: its extent along it.
    :param stride: inputs from one output to the next.
    :param padding: silent inputs at each end.
    """
    return (size + 2 * padding - kernel) // stride + 1


def covering(padded: int, count: int, kernel: int, stride: int) -> range:
    """Return which outputs along an axis cover an input, lowest first; it may be none.

    :param padded: coordinate of the input, counted from the first silent one.
    :param count: number of outputs.
    :param kernel: its extent along the axis.
    :param stride: inputs from one output to the next.
    """
    first = -((kernel - 1 - padded) // stride)
    return range(max(first, 0), min(padded // stride, count - 1) + 1)
