"""Many lanes, each group with an address register of its own: the same words at the same pace."""

import random

from hypothesis import given, settings

from hw.rows import Rows
from hw.storage.block import BlockStore
from hw.storage.wide import WideWords
from random_layers import random_rows
from random_networks import seeds
from stores import check_store


@settings(max_examples=8)
@given(seeds)
def test_a_wide_store_gives_the_rows_asked_for_at_the_pace_of_others(seed):
    layer = random_rows(seed).layer
    rows, group = Rows(layer, layer.fan_out), random.Random(seed).randrange(1, layer.fan_out + 1)
    check_store(BlockStore(rows, WideWords(rows, group), late=True), rows, seed)
