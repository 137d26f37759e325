"""``network.safetensors``: the one serialised form of a network.

| key | type | meaning |
|---|---|---|
| ``encoder.pixels`` | int32 (inputs,) | flat indices into the (pooled) image |
| ``encoder.spike_tick`` | int16 (256,) | intensity -> tick, -1 = never |
| ``layers.N.weight`` | int8 (fan_in, fan_out) | row-major by input: one row is one look-up |
| ``layers.N.threshold`` | int32 () | T of the layer |

Metadata (text): ``format`` = ``ttfs-network``, ``version`` = ``1``, ``ticks_per_unit``,
``last_tick``, ``weight_bits`` (JSON list), ``image_shape`` (JSON), ``pool``, ``classes`` (JSON
list), ``provenance`` (JSON).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]

from sim.errors import InputError
from sim.files import atomic_path
from sim.network import Encoder, Layer, Network

FORMAT = "ttfs-network"
VERSION = "1"
NETWORK_FILE = "network.safetensors"


def read_tensors(
    path: Path, form: str, version: str
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """Read every array and the metadata of a safetensors file of the given format and version.

    :raises InputError: the file is missing, truncated, foreign or of another version.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; `python -m train export --out {path.parent}` writes one."
        )
    try:
        with cast(Any, safe_open)(path, framework="numpy") as file:
            metadata: dict[str, str] = dict(file.metadata() or {})
            found = metadata.get("format", "no format"), metadata.get("version", "none")
            if found != (form, version):
                wanted = f"{form} version {version}"
                raise InputError(
                    f"{path}: is {found[0]} version {found[1]}, not {wanted}; export it again."
                )
            return {name: file.get_tensor(name) for name in file.keys()}, metadata  # noqa: SIM118
    except (SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: is truncated or not a safetensors file ({error}); export it again."
        ) from error


def write_tensors(
    path: Path, tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file whole or not at all.

    :raises InputError: the folder cannot be written, or the disk is full.
    """
    with atomic_path(path) as beside:
        try:
            cast(Any, save_file)(dict(tensors), beside, metadata=dict(metadata))
        except SafetensorError as error:
            raise InputError(
                f"{path}: cannot be written ({error}); the earlier file is untouched."
            ) from error


def save(network: Network, path: Path) -> None:
    """Write a network; ``load(path)`` gives it back with the same digest.

    :raises InputError: the folder cannot be written, or the disk is full.
    """
    metadata = {"format": FORMAT, "version": VERSION, **network.settings()}
    metadata["provenance"] = json.dumps(network.provenance, sort_keys=True)
    write_tensors(path, network.tensors(), metadata)


def network_path(path: Path) -> Path:
    """Return the network file meant by ``path``: itself, or the one in that folder."""
    return path / NETWORK_FILE if path.is_dir() or not path.suffix else path


def load(path: Path) -> Network:
    """Read a network from a file or from the folder that holds ``network.safetensors``.

    :raises InputError: the file is missing, truncated, foreign, of another version, or
        inconsistent.
    """
    path = network_path(path)
    tensors, metadata = read_tensors(path, FORMAT, VERSION)
    try:
        return _network(tensors, metadata)
    except KeyError as error:
        raise InputError(f"{path}: key {error.args[0]} is missing; export it again.") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _json(metadata: Mapping[str, str], key: str, kind: type) -> Any:
    try:
        value = json.loads(metadata[key])
    except json.JSONDecodeError as error:
        raise InputError(f"{key}: is not JSON; export it again.") from error
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{key}: must be a JSON {kind.__name__}; export it again.")
    return value


def _network(tensors: dict[str, npt.NDArray[Any]], metadata: dict[str, str]) -> Network:
    bits = _json(metadata, "weight_bits", list)
    layers: list[Layer] = []
    for index, weight_bits in enumerate(bits):
        threshold = tensors.pop(f"layers.{index}.threshold")
        if threshold.shape != () or threshold.dtype != "int32":
            raise InputError(f"layers.{index}.threshold: must be one int32; export it again.")
        weight = tensors.pop(f"layers.{index}.weight")
        try:
            layers.append(Layer(weight, int(threshold), weight_bits))
        except InputError as error:
            raise InputError(f"layers.{index}.{error}") from error
    shape = _json(metadata, "image_shape", list)
    pool = _json(metadata, "pool", int)
    encoder = Encoder(
        tuple(shape), pool, tensors.pop("encoder.pixels"), tensors.pop("encoder.spike_tick")
    )
    if tensors:
        raise InputError(f"{sorted(tensors)[0]}: is not a key of this format; export it again.")
    return Network(
        encoder,
        tuple(layers),
        _json(metadata, "ticks_per_unit", int),
        _json(metadata, "last_tick", int),
        tuple(_json(metadata, "classes", list)),
        _json(metadata, "provenance", dict),
    )
