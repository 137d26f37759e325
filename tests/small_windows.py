"""Trainings of the window code that take seconds."""

from sim.data.dataset import Dataset
from small_data import PATTERNS, patterns
from train.data import split
from train.window.settings import WindowSettings

SMALL_WINDOWS = split(Dataset("patterns", PATTERNS.classes, *patterns(700, 0), *patterns(200, 1)))
"""Three kinds of 8 x 8 images."""

CONVOLUTION = WindowSettings(
    maps=(4,),
    kernel=(3,),
    hidden=(8,),
    bright=(200, 100),
    epochs=4,
    batch=16,
    warp=0.0,
    learning_rate=2e-2,
)
"""A convolution and a dense layer; the data set is not looked up by its name."""
