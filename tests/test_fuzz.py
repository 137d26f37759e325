"""Damaged files of every kind are read, or one sentence says why not; no traceback, no hang."""

import contextlib
import copy
import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from command_lines import status_of
from random_networks import any_network, random_images
from sim.commands.parser import main
from sim.data.idx import idx_bytes, read_idx
from sim.errors import InputError
from sim.file import load, read_tensors, save
from sim.pipeline import run
from sim.trace import difference
from sim.vectors import load_vectors, save_vectors

DEPTHS = [
    pytest.param(40, id="few"),
    pytest.param(1000, id="many", marks=pytest.mark.slow),
]
"""How many files are damaged: few at each commit, many with `make test-all`."""

TEXTS = st.sampled_from(["", "[/bold]", "two\nlines", "\x00", "__dict__", "9" * 30]) | st.text(
    max_size=9
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 300)
    | st.sampled_from([-(2**70), 2**31, 2**64, 10**50])
    | st.floats()
    | TEXTS
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
)
TYPES = ("int8", "uint8", "int16", "int32", "int64", "uint64", "float16", "float64", "bool")


def places(value, path=()):
    """All places in a JSON value, each as the way to it."""
    yield path
    if isinstance(value, list):
        value = dict(enumerate(value))
    for key, inner in value.items() if isinstance(value, dict) else ():
        yield from places(inner, (*path, key))


def changed(value, path, new):
    """A JSON value with another one in a place."""
    if not path:
        return new
    value = copy.copy(value)
    value[path[0]] = changed(value[path[0]], path[1:], new)
    return value


def change_text(text, data):
    """The text of a metadata key, damaged."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return data.draw(TEXTS)
    if data.draw(st.integers(0, 5)) == 0:
        return data.draw(TEXTS | st.sampled_from(["[" * 5000, "9" * 5000, "1e999", '"\\ud800"']))
    path = data.draw(st.sampled_from(list(places(value))))
    return json.dumps(changed(value, path, data.draw(VALUES)))


def change_array(array, data):
    """An array, damaged: another type, shape, or values."""
    what = data.draw(st.sampled_from(["type", "axis", "cut", "values", "empty", "repeat"]))
    if what == "type":
        with np.errstate(all="ignore"):
            return array.astype(data.draw(st.sampled_from(TYPES)))
    if what == "axis":
        return array[np.newaxis] if data.draw(st.booleans()) else array.reshape(-1)
    if what == "cut" and array.ndim:
        return array[: data.draw(st.integers(0, len(array)))]
    if what == "empty":
        return array[..., :0] if array.ndim else array.reshape(1)[:0]
    if what == "repeat" and array.ndim:
        return np.concatenate([array, array])

    flat = array.reshape(-1).copy()
    if flat.size and flat.dtype.kind in "iu":
        limits = np.iinfo(flat.dtype)
        values = st.sampled_from([limits.min, limits.max, 0, 1]) | st.integers(0, 100)
        flat[data.draw(st.integers(0, flat.size - 1))] = data.draw(values)
    return flat.reshape(array.shape)


def damage(path, data):
    """Damage a safetensors file in up to three places."""
    metadata, tensors = read(path)
    for _ in range(data.draw(st.integers(1, 3))):
        table = data.draw(st.sampled_from([metadata, tensors]))
        key = data.draw(st.sampled_from(sorted(table)))
        what = data.draw(st.integers(0, 9))
        if what == 0:
            del table[key]
        elif what == 1:
            table[f"{key}.more"] = table[key]
        elif table is metadata:
            metadata[key] = change_text(metadata[key], data)
        else:
            tensors[key] = np.ascontiguousarray(change_array(tensors[key], data))
        if not table:
            return
    save_file(tensors, path, metadata=metadata)
    if data.draw(st.integers(0, 9)) == 0:
        content = bytearray(path.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])


def read(path):
    tensors, metadata = read_tensors(path, *FORMATS[path.name])
    return metadata, tensors


FORMATS = {
    "network.safetensors": ("ttfs-network", "1", "2"),
    "vectors.safetensors": ("ttfs-vectors", "1"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


@pytest.mark.parametrize("examples", DEPTHS)
def test_damaged_networks_are_described_or_refused_in_one_sentence(folder, examples):
    path = folder / "network.safetensors"

    @settings(max_examples=examples)
    @given(st.data())
    def check(data):
        save(any_network(data.draw(st.integers(0, 300))), path)
        damage(path, data)
        out, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            status = status_of(main, "describe", folder)
        assert status in (0, 2)
        assert error.getvalue().count("\n") == (status == 2)
        if status == 2:
            assert str(path) in error.getvalue()
            with pytest.raises(InputError):
                load(path)

    check()


@pytest.mark.parametrize("examples", DEPTHS)
def test_damaged_vectors_are_those_of_the_network_or_refused(folder, examples):
    path = folder / "vectors.safetensors"

    @settings(max_examples=examples)
    @given(st.data())
    def check(data):
        seed = data.draw(st.integers(0, 300))
        network = any_network(seed)
        images = random_images(network, 3, seed)
        save_vectors(path, network, images, [run(network, image) for image in images])
        damage(path, data)
        with contextlib.suppress(InputError):
            for image, trace in zip(*load_vectors(path, network), strict=True):
                assert difference(run(network, image), trace) is None

    check()


@pytest.mark.parametrize("examples", DEPTHS)
def test_damaged_idx_files_are_read_or_refused(folder, examples):
    path = folder / "images"
    whole = idx_bytes(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))

    @settings(max_examples=examples)
    @given(st.data())
    def check(data):
        content = whole
        for _ in range(data.draw(st.integers(1, 3))):
            place, count = data.draw(st.integers(0, 40)), data.draw(st.integers(0, 8))
            content = content[:place] + data.draw(st.binary(max_size=8)) + content[place + count :]
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            assert idx_bytes(read_idx(path)) == content

    check()


OPTIONS = (
    *("--images", "--labels", "--dataset", "--data", "--limit", "--trace", "--json", "--html"),
    *("--cost", "--plot", "--front", "--events", "--help "),
)
WORDS = (
    st.sampled_from(["describe", "run", "report", "frontier", "-", "--", "", "9" * 5000, "1e999"])
    | st.sampled_from(["[/x]", "a\nb", "\udc80", "nul\0", "~", "/dev/zero", "/dev/full", "x" * 300])
    | st.sampled_from(OPTIONS)
    | st.text(max_size=6)
)


@pytest.mark.parametrize("examples", DEPTHS)
def test_any_words_are_a_command_line_or_one_sentence(folder, examples, monkeypatch):
    save(any_network(3), folder / "network.safetensors")
    monkeypatch.chdir(folder)

    @settings(max_examples=examples)
    @given(st.sampled_from(["describe", "run", "report", "frontier"]), st.lists(WORDS, max_size=4))
    def check(command, words):
        out, error = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            status = status_of(main, command, ".", *words)
        if status != 0:
            assert status == 2
            assert error.getvalue().startswith("error: ")
            assert error.getvalue().count("\n") == 1
            assert error.getvalue().rstrip("\n").isprintable()

    check()
