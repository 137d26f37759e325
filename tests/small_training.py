"""A training that takes seconds, for tests of what is trained."""

from small_data import yin_yang
from train.data import split
from train.settings import TrainSettings

YIN_YANG = TrainSettings(
    dataset="yin-yang",
    hidden=(40,),
    bright=(224, 192, 160, 128, 96, 64, 32),
    bright_ticks=(0, 1, 2, 3, 4, 5, 6),
    dark_tick=7,
    epochs=4,
    batch=64,
    warp=0.0,
    spike_cost=1e-4,
    margin=9.0,
    late_cost=0.0,
    alive_cost=0.05,
)
"""A recipe that learns the yin-yang set in seconds; its images are 2 x 2 intensities."""

SMALL = split(yin_yang(1200))
"""The set, a fifth as large as the commands use it."""
