"""The generated set."""

import numpy as np

from small_data import yin_yang


def test_yin_yang_has_three_classes_and_repeats():
    first, again, other = yin_yang(600, 3), yin_yang(600, 3), yin_yang(600, 4)
    assert np.array_equal(first.train_images, again.train_images)
    assert not np.array_equal(first.train_images, other.train_images)
    assert (len(first.train_labels), len(first.test_labels)) == (600, 100)
    assert (np.bincount(first.train_labels, minlength=3) > 30).all()
    half = first.train_images.reshape(600, 4).astype(int)
    assert (half[:, :2] + half[:, 2:] == 255).all()
