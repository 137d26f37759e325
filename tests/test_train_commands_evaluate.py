"""``train evaluate`` as a user meets it."""

import json

import pytest

from sim import batch
from sim.errors import InputError
from sim.file import load
from small_data import CODE, RECIPE, yin_yang
from train.commands.parser import main
from train.data import split


def train(*arguments):
    return main(list(map(str, arguments)))


def test_figures_are_those_of_the_exported_network(tmp_path, capsys):
    train("export", "--out", tmp_path, *RECIPE, *CODE)
    capsys.readouterr()
    assert train("evaluate", "--out", tmp_path, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    data = yin_yang()
    decisions = batch.run(load(tmp_path), data.test_images)
    assert figures["test"]["accuracy"] == (decisions.decision == data.test_labels).mean()


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_part_is_evaluated_alone(tmp_path, capsys, part):
    train("export", "--out", tmp_path, *RECIPE, *CODE)
    capsys.readouterr()
    assert train("evaluate", "--out", tmp_path, "--part", part, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == {"epochs", part}
    images = vars(split(yin_yang()))[part]
    found = batch.run(load(tmp_path), images.images.numpy())
    assert figures[part]["accuracy"] == (found.decision == images.labels.numpy()).mean()
    assert figures[part]["hidden_spikes"] == found.events[:, 1].mean()


def test_an_unknown_part_is_one_sentence(tmp_path):
    sentence = "--part: must be one of train, validation, test, not all"
    with pytest.raises(InputError, match=sentence):
        train("evaluate", "--out", tmp_path, "--part", "all")


def test_evaluate_without_a_checkpoint_says_how_to_get_one(tmp_path):
    sentence = r"no such file; `python -m train fit --out .*` writes one"
    with pytest.raises(InputError, match=sentence):
        train("evaluate", "--out", tmp_path)
