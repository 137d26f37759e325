"""From samples to input events, named as in :mod:`sim.encoders`, and the table that chooses.

An encoder is a component of the network with two streams and ``discard``. ``i``: what a sample is
made of. ``o``: the sample as a stream of :func:`hw.events.event`, in order of ticks, closed by
``Kind.END`` or ``Kind.ABORT``. ``discard``: the sample is decided, so go on to its end.
"""

from collections.abc import Mapping
from typing import Any

from hw.encoders.events import EventsEncoder
from hw.encoders.intensity import IntensityEncoder
from hw.encoders.mask import MaskEncoder
from sim import encoders
from sim.encoders.intensity import image_encoder
from sim.errors import choose, require
from sim.network import Network, name_of


def make_intensity(network: Network) -> IntensityEncoder:
    """Return the encoder of a network that takes images.

    :raises InputError: images with channels are pooled, which nothing here does.
    """
    encoder = image_encoder(network.encoder)
    problem = "of images with channels is not possible in hardware; export without pooling"
    require(encoder.pool == 1 or len(encoder.image_shape) == 2, "pool", problem)
    return IntensityEncoder(network) if encoder.mask is None else MaskEncoder(network)


ENCODERS: Mapping[str, Any] = {"intensity": make_intensity, "events": EventsEncoder}
"""Makes the component of an encoder, by its kind in the network."""


def make_encoder(network: Network) -> Any:
    """Return the component of a network's encoder.

    :raises InputError: there is none of its kind, or of what it is to do.
    """
    return choose(ENCODERS, name_of(encoders.ENCODERS, network.encoder), "encoder")(network)
