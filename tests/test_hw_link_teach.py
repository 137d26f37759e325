"""A course for a board that is made of sim: what it learns, what is counted, what is compared."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from hw.link.client import Taught
from hw.link.teach import CourseSettings, DifferenceError, Teacher
from hw.parameters import MachineParameters
from lesson_networks import course
from sim.errors import InputError
from sim.learning.schedule import draws, first_state, skipping
from sim.learning.supervised_batch import Learner

IMAGES, CYCLES = 12, 1000
NETWORK, PICTURES, LABELS, _, RULE = course(8, IMAGES)
SETTINGS = CourseSettings(epochs=2, seed=3, skip=(0, 200))


class Board:
    """A board that learns as sim does, but for what ``spoil`` makes of its answer to a lesson."""

    def __init__(self, network=NETWORK, rule=RULE, spoil=lambda lesson, taught: taught):
        self.network, self.pipeline = network, MachineParameters(network, 1, rule)
        self.spoil, self.lessons, self.learner = spoil, 0, None
        self.words = [[0] * layer.rows.depth for layer in self.pipeline.layers]

    def load_words(self, layer, first, words):
        self.words[layer][first : first + len(words)] = words
        yield len(words)

    def fetch_words(self, layer):
        learnt = self.learner.network.layers[layer]
        return iter(replace(self.pipeline.layers[layer].rows, layer=learnt).pack())

    def set_generator(self, state):
        layers = tuple(
            layer.with_weight(each.rows.unpack(words))
            for layer, each, words in zip(
                self.network.layers, self.pipeline.layers, self.words, strict=True
            )
        )
        self.learner = Learner(replace(self.network, layers=layers), self.pipeline.rule, state)

    def learn(self, images, labels, skip):
        for image, label, level in zip(images, labels, skip, strict=True):
            found = self.learner.learn(image[np.newaxis], np.array([label]), np.array([level]))
            counts = {name: int(getattr(found, name)[0]) for name in ("updated", "rows", "changed")}
            taught = Taught(int(found.decision[0]), 1, False, [0, 0], 0, CYCLES, **counts)
            self.lessons += 1
            yield self.spoil(self.lessons - 1, taught)

    def read(self, name):
        return {"clock_hz": 1_000_000, "generator": self.learner.state}[name]


def teacher_of(board, check=True, start=NETWORK):
    teacher = Teacher(board, start, PICTURES, LABELS, SETTINGS, check)
    assert sum(teacher.load()) == teacher.words
    return teacher


def test_a_course_is_that_of_sim_from_any_start():
    """Order, skipping and generator are those of ``train learn``; the start is put there first."""
    layers = (layer.with_weight(layer.weight[::-1].copy()) for layer in NETWORK.layers)
    start = replace(NETWORK, layers=tuple(layers))
    teacher = teacher_of(Board(), start=start)
    assert teacher.run()

    learner = Learner(start, RULE, first_state(SETTINGS.seed))
    right = updated = rows = changed = 0
    for epoch in (1, 2):
        order = draws(SETTINGS.seed, epoch).permutation(IMAGES)
        skip = skipping(SETTINGS.skip, epoch, SETTINGS.epochs, IMAGES)
        lessons = learner.learn(PICTURES[order], LABELS[order], skip)
        right += int((lessons.decision == LABELS[order]).sum())
        updated += int(lessons.updated.sum())
        rows, changed = rows + int(lessons.rows.sum()), changed + int(lessons.changed.sum())
    assert 0 < updated < 2 * IMAGES
    assert teacher.fetch().digest == learner.network.digest != start.digest

    found = teacher.to_json({"a faster board": 4_000_000})
    assert found["settings"] == SETTINGS.to_json() | {"rule": asdict(RULE)}
    assert [epoch["images"] for epoch in found["curve"]] == [IMAGES, IMAGES]
    for name, value in (
        ("images", 2 * IMAGES),
        ("accuracy", right / (2 * IMAGES)),
        ("updated", updated),
        ("skipped", 2 * IMAGES - updated),
        ("rows_per_update", rows / updated),
        ("weights_per_update", changed / updated),
        ("cycles_per_image", CYCLES),
        ("cycles_per_update", CYCLES),
        ("seconds_on_this_board", 2 * IMAGES * CYCLES / 1_000_000),
    ):
        assert found[name] == value, name
    assert found["seconds_at_clock_of"] == {
        "a faster board": round(2 * IMAGES * CYCLES / 4_000_000, 3)
    }


def test_a_course_may_be_left():
    teacher = teacher_of(Board())
    assert not teacher.run(lambda tally: tally.images < IMAGES + 5)
    assert [tally.images for tally in teacher.epochs] == [IMAGES, 5]
    assert teacher.fetch().digest == teacher.learner.network.digest


@pytest.mark.parametrize("name", ["decision", "updated", "rows", "changed"])
def test_a_wrong_answer_is_named(name):
    def spoil(lesson, taught):
        return replace(taught, **{name: int(getattr(taught, name)) ^ 1}) if lesson == 13 else taught

    with pytest.raises(DifferenceError, match=rf"lesson 13, {name}: expected \d+, found \d+"):
        teacher_of(Board(spoil=spoil)).run()
    assert teacher_of(Board(spoil=spoil), check=False).run()


def test_wrong_weights_are_named():
    board = Board()
    teacher = teacher_of(board)
    assert teacher.run()
    board.learner = Learner(NETWORK, RULE, board.learner.state)
    with pytest.raises(DifferenceError, match=f"after {2 * IMAGES} lessons: the board's weights"):
        teacher.fetch()


def test_what_cannot_be_taught_is_refused():
    with pytest.raises(InputError, match="does not learn; `python -m hw build DIR --learn`"):
        Teacher(Board(rule=None), NETWORK, PICTURES, LABELS, SETTINGS)
    other = replace(NETWORK, last_tick=NETWORK.last_tick + 1)
    with pytest.raises(InputError, match="--from: is not the board's network"):
        Teacher(Board(), other, PICTURES, LABELS, SETTINGS)


@pytest.mark.parametrize(
    ("epochs", "seed", "skip", "problem"),
    [
        (0, 1, (0, 0), "--epochs: must be at least 1, not 0"),
        (1, -1, (0, 0), "--seed: must be at least 0, not -1"),
        (1, 1, (3, 2), "--skip: must be two numbers"),
        (1, 1, (0, 256), "--skip: must be two numbers"),
    ],
)
def test_settings_out_of_range_are_refused(epochs, seed, skip, problem):
    with pytest.raises(InputError, match=problem):
        CourseSettings(epochs, seed, skip)
