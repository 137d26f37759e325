"""``network.safetensors``: the one serialised form of a network, in two versions.

| key | type | meaning |
|---|---|---|
| ``encoder.pixels`` | int32 (inputs,) | flat indices into the (pooled) image |
| ``encoder.spike_tick`` | int16 (256,) | intensity -> tick, -1 = never |
| ``layers.N.weight`` | int8 (fan_in, fan_out) | dense: one row is one look-up |
| ``layers.N.threshold`` | int32 () | T of the layer |

Metadata (text) of both versions: ``format`` = ``ttfs-network``, ``version``, ``ticks_per_unit``,
``last_tick``, ``classes`` (JSON list), ``provenance`` (JSON).

Version 1 can say networks of Mostafa's neurons whose first output spike decides, and adds
``weight_bits`` (JSON list), ``image_shape`` (JSON) and ``pool``. One bit of weight is -1 or 0.

Version 2 says what every part is, and adds, in JSON, with every key present and no other:

| key | value |
|---|---|
| ``layers`` | per layer ``connection``, ``neuron`` and ``weight_bits``; see :mod:`sim.neuron` |
| ``readout`` | a name of :data:`sim.readouts.READOUTS` |
| ``encoder`` | ``kind`` (a name of :data:`sim.encoders.ENCODERS`), ``image_shape``, ``pool``; |
| | of events ``inputs`` |

One bit of weight is -1 or +1 there. A layer can also have ``layers.N.start``, int32 (fan_out,) or
(channels_out,), ``layers.N.recurrent``, int8 (fan_out, fan_out), and ``layers.N.bias``, int8
(fan_out,), see :class:`sim.layer.Layer`. The weights of a convolution are int8 (channels_in, kernel
height, kernel width, channels_out), see :class:`sim.connections.convolution.Convolution`; a pool
has none. In place of ``encoder.spike_tick`` there can be ``encoder.spikes``, uint8 (256, ticks),
see :class:`sim.encoders.intensity.Intensity`.
"""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]

from sim.connections import CONNECTIONS
from sim.connections.dense import Dense
from sim.encoders import ENCODERS
from sim.encoders.encoder import Encoder
from sim.encoders.intensity import Intensity
from sim.errors import InputError, check_keys, choose, require
from sim.files import AnyPath, atomic_path
from sim.layer import Layer, check_signs
from sim.network import Network
from sim.neuron import NEURON_SETTINGS, Adaptation, Neuron
from sim.reading import check_file, parse_json
from sim.readouts import READOUTS
from sim.readouts.first_spike import FirstSpike
from sim.readouts.verdict import Readout

FORMAT = "ttfs-network"
VERSIONS = ("1", "2")
NETWORK_FILE = "network.safetensors"

WRITER = "`python -m train export --out DIR`"

MOST_CLASSES = 4096
MOST_NAME = 200
"""Characters of the name of a class."""

METADATA_KEYS = {
    *("format", "version", "provenance"),
    *("layers", "readout", "encoder", "ticks_per_unit", "last_tick", "classes"),
}
"""The metadata of version 2."""

Tensors = dict[str, npt.NDArray[Any]]


def read_tensors(
    path: AnyPath, form: str, *versions: str, writer: str = WRITER
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """Read every array and the metadata of a safetensors file of the given format, in one of the
    given versions.

    :param writer: what writes such a file, for the message.
    :raises InputError: the file is missing, truncated, foreign or of another version.
    """
    path = Path(path)
    check_file(path, f"{writer} writes one")
    try:
        with cast(Any, safe_open)(path, framework="numpy") as file:
            metadata: dict[str, str] = dict(file.metadata() or {})
            found = metadata.get("format", "no format"), metadata.get("version", "none")
            if found[0] != form or found[1] not in versions:
                wanted = f"{form} version {' or '.join(versions)}"
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
    path: AnyPath, tensors: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file whole or not at all.

    :raises InputError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    with atomic_path(path) as temporary:
        try:
            cast(Any, save_file)(dict(tensors), temporary, metadata=dict(metadata))
        except SafetensorError as error:
            raise InputError(
                f"{path}: cannot be written ({error}); the earlier file is untouched."
            ) from error


def save(network: Network, path: AnyPath, version: int | None = None) -> None:
    """Write a network; ``load(path)`` gives it back with the same digest.

    :param version: of the file; None: the earliest that can say this network.
    :raises InputError: the folder cannot be written, the disk is full, or the version cannot say
        this network.
    """
    version = network.file_version if version is None else version
    metadata = {"format": FORMAT, "version": str(version), **network.settings(version)}
    metadata["provenance"] = json.dumps(network.provenance, sort_keys=True)
    write_tensors(Path(path), network.tensors(), metadata)


def network_path(path: AnyPath) -> Path:
    """Return the network file meant by ``path``: itself, or the one in that folder."""
    path = Path(path)
    return path / NETWORK_FILE if path.is_dir() or not path.suffix else path


def load(path: AnyPath) -> Network:
    """Read a network from a file or from the folder of ``network.safetensors``.

    :raises InputError: the file is missing, truncated, foreign, of another version, or
        inconsistent.
    """
    path = network_path(Path(path))
    tensors, metadata = read_tensors(path, FORMAT, *VERSIONS)
    read = _version_1 if metadata["version"] == "1" else _version_2
    try:
        return read(tensors, metadata)
    except KeyError as error:
        raise InputError(f"{path}: key {error.args[0]} is missing; export it again.") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _json(metadata: Mapping[str, str], key: str, kind: type) -> Any:
    return _typed(parse_json(metadata[key], key), key, kind)


def _typed(value: Any, key: str, kind: type) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{key}: must be a JSON {kind.__name__}; export it again.")
    return value


def _version_1(tensors: Tensors, metadata: dict[str, str]) -> Network:
    layers: list[Layer] = []
    for index, weight_bits in enumerate(_json(metadata, "weight_bits", list)):
        with _named(f"layers.{index}"):
            neuron = Neuron(_threshold(tensors, index))
            connection = Dense.read({}, tensors, f"layers.{index}")
            layers.append(Layer(connection, neuron, weight_bits=weight_bits))

    keys = {"image_shape": list, "pool": int}
    settings = {key: _json(metadata, key, kind) for key, kind in keys.items()}
    encoder = Intensity.read(settings, tensors)
    return _network(tensors, metadata, encoder, layers, FirstSpike())


def _version_2(tensors: Tensors, metadata: dict[str, str]) -> Network:
    for key in sorted(set(metadata) - METADATA_KEYS):
        raise InputError(f"{key}: is not a key of this format; export it again.")
    layers = [
        _layer(tensors, index, value) for index, value in enumerate(_json(metadata, "layers", list))
    ]

    kind, settings = _kind(ENCODERS, _json(metadata, "encoder", dict), "encoder")
    encoder = kind.read(settings, tensors)
    readout = choose(READOUTS, _json(metadata, "readout", str), "readout")
    return _network(tensors, metadata, encoder, layers, readout())


def _layer(tensors: Tensors, index: int, value: Any) -> Layer:
    """Return a layer of version 2, and take its arrays out of ``tensors``."""
    key = f"layers.{index}"
    found = check_keys(value, key, ("connection", "neuron", "weight_bits"))
    kind, settings = _kind(CONNECTIONS, found["connection"], f"{key}.connection")
    neuron = check_keys(found["neuron"], f"{key}.neuron", NEURON_SETTINGS)

    with _named(key):
        layer = Layer(
            kind.read(settings, tensors, key),
            Neuron(_threshold(tensors, index), **neuron | _adaptation(neuron)),
            *(tensors.pop(f"{key}.{name}", None) for name in ("recurrent", "bias", "start")),
            weight_bits=found["weight_bits"],
        )
        check_signs(layer, "")
        return layer


def _adaptation(neuron: dict[str, Any]) -> dict[str, Any]:
    """Return the neuron's setting ``adaptation`` as the object it stands for."""
    if neuron["adaptation"] is None:
        return {}
    found = check_keys(neuron["adaptation"], "adaptation", ("raise", "shift"))
    return {"adaptation": Adaptation(found["raise"], found["shift"])}


def _threshold(tensors: Tensors, index: int) -> int:
    threshold = tensors.pop(f"layers.{index}.threshold")
    if threshold.shape != () or threshold.dtype != "int32":
        raise InputError("threshold: must be one int32; export it again.")
    return int(threshold)


def _kind(table: Mapping[str, Any], value: Any, key: str) -> tuple[Any, dict[str, Any]]:
    """Return the class that a JSON object names, and what else it says.

    :raises InputError: it is no object, or names none.
    """
    settings = dict(_typed(value, key, dict))
    if "kind" not in settings:
        raise InputError(f"{key}.kind: is missing; export it again.")
    return choose(table, settings.pop("kind"), f"{key}.kind"), settings


@contextmanager
def _named(key: str) -> Generator[None]:
    """Say in an error which layer it is about."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{key}.{error}") from error


def _network(
    tensors: Tensors,
    metadata: dict[str, str],
    encoder: Encoder,
    layers: list[Layer],
    readout: Readout,
) -> Network:
    """Put together what both versions have in common.

    :raises InputError: ``tensors`` still has an array, which no part has read.
    """
    for key in sorted(tensors):
        raise InputError(f"{key}: is not a key of this format; export it again.")
    return Network(
        encoder,
        tuple(layers),
        readout,
        _json(metadata, "ticks_per_unit", int),
        _json(metadata, "last_tick", int),
        _classes(_json(metadata, "classes", list)),
        _json(metadata, "provenance", dict),
    )


def _classes(names: list[Any]) -> tuple[str, ...]:
    """Return the names of the classes after checking what they are."""
    require(len(names) <= MOST_CLASSES, "classes", f"over {MOST_CLASSES} are not possible")
    for index, name in enumerate(names):
        known = isinstance(name, str) and len(name) <= MOST_NAME
        require(known, f"classes.{index}", f"must be a text of at most {MOST_NAME} characters")
    return tuple(names)
