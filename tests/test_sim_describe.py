"""What a network is, in numbers."""

import json

from random_networks import random_network
from sim.report.describe import describe


def test_description_is_json_and_counts_memory():
    network = random_network(5)
    facts = json.loads(json.dumps(describe(network)))
    assert facts["weight_memory_bits"] == sum(
        layer.weight.size * layer.weight_bits for layer in network.layers
    )
    assert facts["digest"] == f"{network.digest:08x}"
