"""What travels on the streams: the layout of every payload, stated once.

Streams have no framing. A beat on an event stream says what it is: a spike, or what ends an image;
a spike carries its tick, so a tick ends where a spike of a later tick, or the end of the image,
comes next.
"""

from amaranth.hdl import ShapeLike
from amaranth.lib import data, enum
from amaranth.utils import bits_for

from sim.encoders.events import Events
from sim.learning.supervised import SKIP_LEVELS
from sim.network import Network

CYCLE_BITS = 24
"""Width of the counter of cycles: 16.7 million per image, 1.4 s at 12 MHz; it wraps."""

REJECTED_BITS = 8
"""Width of the counter of rejected events; it saturates."""


class Kind(enum.Enum, shape=2):
    """What a beat of an event stream means."""

    SPIKE = 0
    """Input neuron ``neuron`` fires at tick ``tick``."""
    END = 1
    """The image has no more spikes; the other fields mean nothing."""
    ABORT = 2
    """The image is broken, forget it; the other fields mean nothing."""


class Status(enum.Enum, shape=2):
    """How an image ended."""

    DECIDED = 0
    """An output fired: the first one is the decision. Or the readout has seen the last tick, and no
    output can fire.
    """
    TIMED_OUT = 1
    """No output fired up to the last tick: the highest potential is the decision."""
    DROPPED = 2
    """The image was broken (``Kind.ABORT``) before it was decided; decision and tick mean nothing.
    """


def pixel() -> data.StructLayout:
    """Return the layout of a pixel, in raster order: ``intensity`` 0..255, and ``last`` on the
    image's last one.
    """
    return data.StructLayout({"intensity": 8, "last": 1})


def given_event() -> data.StructLayout:
    """Return the layout of an event as it comes from outside: ``tick``, ``input``, whatever they
    are, and ``last`` on the beat that closes a sample, which is no event.
    """
    return data.StructLayout({"last": 1, "tick": 32, "input": 32})


def sample_beat(network: Network) -> data.StructLayout:
    """Return the layout of what a network's samples are made of: pixels, or events."""
    return given_event() if isinstance(network.encoder, Events) else pixel()


def event(network: Network) -> data.StructLayout:
    """Return the layout of an input event: ``kind``, ``tick`` in 0..last_tick, ``neuron`` in
    0..inputs-1.

    Events of an image come in order of their ticks. Where they come from outside, one that a sample
    cannot have is ``bad``, and only counted.
    """
    bad: dict[str, ShapeLike] = {"bad": 1} if isinstance(network.encoder, Events) else {}
    return data.StructLayout(
        {
            "kind": Kind,
            "tick": bits_for(network.last_tick),
            "neuron": bits_for(network.encoder.inputs - 1),
            **bad,
        }
    )


def outcome(network: Network) -> data.StructLayout:
    """Return the layout of how an image ended: ``status``, ``decision`` (class) and ``tick`` of the
    decision.
    """
    return data.StructLayout(
        {
            "status": Status,
            "tick": bits_for(network.last_tick),
            "decision": bits_for(len(network.classes) - 1),
        }
    )


def event_counts(network: Network) -> data.ArrayLayout:
    """Return the layout of the number of events delivered to each layer."""
    # Inputs and neurons fire as often as they can.
    sources = [network.encoder, *(layer.neuron for layer in network.layers[:-1])]
    spikes = [source.most_spikes for source in sources]
    most = max(
        layer.fan_in * (network.last_tick + 1 if count is None else count)
        for layer, count in zip(network.layers, spikes, strict=True)
    )
    return data.ArrayLayout(bits_for(most), len(network.layers))


def verdict(classes: int) -> data.StructLayout:
    """Return the layout of what a readout says once per tick: whether the image has ``ended``, and
    the ``winner``, the class that is the decision if it has ended or time is out.
    """
    return data.StructLayout({"ended": 1, "winner": bits_for(classes - 1)})


def lesson(network: Network) -> data.StructLayout:
    """Return the layout of what makes the next image one to learn: its ``label``, and ``skip`` of
    :mod:`sim.learning.supervised`.
    """
    return data.StructLayout(
        {"label": bits_for(len(network.classes) - 1), "skip": bits_for(SKIP_LEVELS - 1)}
    )


def learnt(network: Network) -> data.StructLayout:
    """Return the layout of what one labelled image did: ``updated``, ``rows``, ``changed`` of
    :mod:`sim.learning.supervised`.
    """
    # A lesson takes each row at most once.
    rows = sum(layer.fan_in for layer in network.layers)
    return data.StructLayout(
        {"updated": 1, "rows": bits_for(rows), "changed": bits_for(network.weight_count)}
    )


def result(network: Network, learning: bool = False) -> data.StructLayout:
    """Return the layout of an image's result; there is exactly one per image, in order.

    ``outcome``, and what it cost: ``cycles`` from the image's first beat to its result, ``events``
    delivered to each layer, which is weight rows looked up, and ``rejected``, events out of range
    or out of order (255: or more). With ``learning``: also ``learnt``, zeros for an image without a
    lesson.
    """
    fields: dict[str, ShapeLike] = {
        "outcome": outcome(network),
        "cycles": CYCLE_BITS,
        "rejected": REJECTED_BITS,
        "events": event_counts(network),
    }
    if learning:
        fields["learnt"] = learnt(network)

    return data.StructLayout(fields)
