"""What a network is, in numbers: sizes, formats, widths and memory, for ``sim describe``."""

from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table

from sim.encoders.encoder import Encoder
from sim.encoders.intensity import Intensity
from sim.network import Network


def describe(network: Network) -> dict[str, Any]:
    """Return the description as JSON objects; widths in bits, from exact bounds."""
    widths = [network.bounds(index) for index in range(len(network.layers))]

    layers = [
        {
            "fan_in": layer.fan_in,
            "fan_out": layer.fan_out,
            "connection": layer.connection.sizes,
            "weight_bits": layer.weight_bits,
            "neuron": layer.neuron.settings(),
            "threshold": layer.threshold,
            "weight_memory_bits": layer.stored * layer.weight_bits,
            "recurrent": layer.recurrent is not None,
            "bias": layer.bias is not None,
            "zero_weights": float((layer.weight == 0).mean()),
            "current_bits": bounds.current.bits,
            "potential_bits": bounds.potential.bits,
        }
        for layer, bounds in zip(network.layers, widths, strict=True)
    ]

    return {
        "digest": f"{network.digest:08x}",
        **_encoder(network.encoder),
        "ticks_per_unit": network.ticks_per_unit,
        "last_tick": network.last_tick,
        "readout": network.readout_name,
        "classes": list(network.classes),
        "weight_memory_bits": sum(layer.stored * layer.weight_bits for layer in network.layers),
        "layers": layers,
        "provenance": network.provenance,
    }


def _encoder(encoder: Encoder) -> dict[str, Any]:
    if not isinstance(encoder, Intensity):
        return {"inputs": encoder.inputs, "input_ticks": "any"}
    fires = encoder.fires_at
    return {
        "image_shape": list(encoder.image_shape),
        "pool": encoder.pool,
        "inputs": encoder.inputs,
        "input_ticks": np.flatnonzero(fires.any(axis=0)).tolist(),
        "intensities_that_fire": int(fires.any(axis=1).sum()),
    }


def table(network: Network) -> RenderableType:
    """Return the description for a terminal."""
    facts = describe(network)

    layers = Table(title=f"network {facts['digest']}")
    for column in ("layer", "weights", "bits", "T", "memory", "zeros", "current", "potential"):
        layers.add_column(column, justify="right")
    for index, layer in enumerate(facts["layers"]):
        layers.add_row(
            str(index),
            layer["connection"],
            str(layer["weight_bits"]),
            str(layer["threshold"]),
            f"{layer['weight_memory_bits'] / 1024:.0f} kbit",
            f"{layer['zero_weights']:.0%}",
            f"{layer['current_bits']} bit",
            f"{layer['potential_bits']} bit",
        )

    rest = Table.grid(padding=(0, 2))
    encoder = [key for key in ("image_shape", "pool", "inputs", "input_ticks") if key in facts]
    for key in (*encoder, "ticks_per_unit", "last_tick", "readout", "classes"):
        rest.add_row(key, str(facts[key]))
    for key, value in network.provenance.items():
        rest.add_row(key, str(value))
    return Group(layers, rest)
