"""Reports of the tools, canned."""

import json

import pytest

from hw.flow.measure import read_cells, read_routed
from hw.fpga.ecp5 import ECP5
from sim.errors import InputError
from small_builds import ROUTED


def test_routed_report_is_read():
    routed = read_routed(json.dumps(ROUTED), ECP5)
    assert routed.resources == {
        "LUT": (1215, 24288),
        "FF": (535, 24288),
        "block RAM": (3, 56),
        "DSP": (0, 28),
    }
    assert routed.fmax_mhz == 20.0
    assert vars(routed.critical) == {
        "start": "first",
        "end": "last",
        "delay_ns": 3.0,
        "routing_ns": 2.25,
        "cells": 1,
    }


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", json.dumps(ROUTED | {"fmax": {}}), json.dumps(ROUTED | {"fmax": 3})]
)
def test_routed_report_that_cannot_be_read_is_refused(text):
    with pytest.raises(InputError, match="place and route"):
        read_routed(text, ECP5)


def test_cell_counts_are_read():
    assert read_cells('{"design": {"num_cells_by_type": {"LUT4": 831, "CCU2C": 115}}}') == {
        "LUT4": 831,
        "CCU2C": 115,
    }
    with pytest.raises(InputError, match="synthesis"):
        read_cells('{"modules": {}}')
