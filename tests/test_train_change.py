"""Changed images are what they say."""

import numpy as np

from train.learning.change import shift, turn


def test_shifts_move_whole_images_by_every_distance():
    image = np.zeros((400, 5, 5), np.uint8)
    image[:, 2, 2] = 9
    moved = shift(image, 2, np.random.default_rng(0))
    assert (moved.sum(axis=(1, 2)) == 9).all()
    assert len({tuple(np.argwhere(picture)[0]) for picture in moved}) == 25
    assert not shift(np.full((50, 3, 3), 7, np.uint8), 2, np.random.default_rng(0)).all()


def test_turns_are_anticlockwise_and_exact_at_right_angles():
    images = np.random.default_rng(0).integers(0, 256, (3, 6, 6)).astype(np.uint8)
    assert (turn(images, 90) == np.rot90(images, axes=(1, 2))).all()
    assert (turn(images, 180) == images[:, ::-1, ::-1]).all()
    assert turn(images, 0) is images
