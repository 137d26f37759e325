"""Runs images through the gateware and compares every boundary with :mod:`sim`."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hw.bench.engine import PATIENCE_CYCLES, HangError, Stimulus
from hw.bench.engines import make_engine
from hw.bench.flash_chip import complete
from hw.bench.loader import WithLoader
from hw.bench.trace import HardwareTrace, beats_of, input_events, split_images, traces
from hw.encoders import make_encoder
from hw.events import Kind, event
from hw.machine.pipeline import Pipeline
from hw.parameters import MachineParameters
from sim.files import AnyPath
from sim.network import Network
from sim.pipeline import run
from sim.trace import Trace, difference


class DifferenceError(Exception):
    """Gateware and ``sim`` differ; the message names image, tick, layer, neuron and both values."""


class Simulation:
    """Encoder and pipeline of a network, ready to run images.

    Weights come as on a board: from the gateware, from a flash beside it, or from a host that loads
    them first.

    :param parameters: the network, its lanes, and where its weights are stored.
    :param engine: of :data:`hw.bench.engines.ENGINES`.
    :param vcd: where the pipeline's signals are kept; only with ``amaranth``.
    :raises InputError: the engine's tools are missing.
    """

    def __init__(
        self, parameters: MachineParameters, engine: str = "verilator", vcd: AnyPath | None = None
    ):
        vcd = None if vcd is None else Path(vcd)
        self.parameters = parameters
        # Amaranth's engine gets all images in one run, so that one VCD file has everything.
        self.chunk = 500 if engine == "verilator" else sys.maxsize

        pipeline = complete(Pipeline(parameters), parameters)
        self.patience_cycles = PATIENCE_CYCLES
        layer = parameters.loaded_layer
        if layer is not None:
            rows = parameters.word_rows[layer]
            pipeline = WithLoader(pipeline, rows, layer)
            self.patience_cycles += rows.depth
        self.pipeline = make_engine(engine, pipeline, vcd)
        self.encoder = make_engine(engine, make_encoder(parameters.network))

    def run(self, images: Any, seed: int | None = None) -> list[HardwareTrace]:
        """Run images uint8 (n, height, width), or the samples of an event list, back to back;
        ``seed`` adds random pauses on all streams.

        :raises DifferenceError: the encoder's events are not those of ``sim``.
        :raises HangError: the gateware stops.
        """
        network = self.parameters.network
        closing = Kind.END.value | Kind.ABORT.value
        encoded = self.encoder.run(Stimulus(beats_of(images), closing=closing, seed=seed))

        # The pipeline gets what the encoder sent, not what it should have sent.
        events = split_images(encoded, network)
        compare_events(network, events, images)

        stimulus = Stimulus(events, seed=seed, patience_cycles=self.patience_cycles)
        return traces(self.parameters, self.pipeline.run(stimulus))


def compare_events(network: Network, found: list[list[int]], images: Any) -> None:
    """Compare the encoder's beats, per image, with ``sim.encoders``.

    :raises DifferenceError: at the first difference.
    """
    layout = event(network)
    for image, (wanted, got) in enumerate(zip(input_events(network, images), found, strict=True)):
        if wanted == got:
            continue

        pairs = enumerate(zip(wanted, got, strict=False))
        shorter = min(len(wanted), len(got))  # then the difference is that one has no more
        index = next((number for number, (one, other) in pairs if one != other), shorter)
        expected, seen = (
            layout.from_bits(beats[index]) if index < len(beats) else "nothing"
            for beats in (wanted, got)
        )
        raise DifferenceError(
            f"image {image}, input event {index}: expected {expected}, found {seen}"
        )


def compare(image: int, expected: Trace, found: HardwareTrace) -> None:
    """Compare what the pipeline did with an image with its trace from ``sim``.

    :raises DifferenceError: at the first difference.
    """
    if found.trace is None:
        raise DifferenceError(
            f"image {image}: expected decision {expected.decision}, found it dropped"
        )
    # Spikes and potentials first: they say where to look, the counters do not.
    text = difference(expected, found.trace)
    if text is None and found.events != expected.events:
        text = f"events counted per layer: expected {expected.events}, found {found.events}"
    if text is None and found.rejected:
        text = f"events rejected: expected 0, found {found.rejected}"
    if text is not None:
        raise DifferenceError(f"image {image}, {text}")


def simulate(
    simulation: Simulation,
    images: Any,
    progress: Callable[[int], object] | None = None,
) -> Iterator[HardwareTrace]:
    """Yield each image's trace after comparing it with ``sim``.

    :param simulation: the gateware.
    :param images: uint8 (n, height, width), or an :class:`~sim.encoders.events.EventList`.
    :param progress: receives how many more are done.
    :raises DifferenceError: at the first difference, after the images before it were yielded.
    """
    for start in range(0, len(images), simulation.chunk):
        batch = images[start : start + simulation.chunk]
        try:
            found = simulation.run(batch)
        except HangError as error:
            raise DifferenceError(
                f"image {start} or one of the {len(batch)} from there on: {error}"
            ) from error

        for image, trace in enumerate(found):
            compare(start + image, run(simulation.parameters.network, batch[image]), trace)
            yield trace
        if progress is not None:
            progress(len(batch))
