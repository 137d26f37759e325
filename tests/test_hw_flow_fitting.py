"""What would fit in place of what does not: the first that was asked and fits."""

import pytest

from hw.boards.table import find_board
from hw.flow.fitting import MOST_TRIED, find_fitting
from hw.flow.placement import place
from hw.flow.settings import BuildSettings
from hw.parameters import MachineParameters
from small_builds import sized_network


def settings_of(board, lanes, *sizes):
    board = find_board(board)
    machine = place(MachineParameters(sized_network(*sizes), lanes), board)
    return BuildSettings(machine, board, board.clock_hz)


def asked(settings, luts, fits=lambda machine: False):
    machines = []

    def check(other):
        machines.append(other.pipeline)
        return fits(other.pipeline)

    return find_fitting(settings, luts, check), machines


def test_logic_that_is_short_is_saved_by_fewer_lanes():
    settings = settings_of("ulx3s-25f", 120, 64, 120, 10)
    found, machines = asked(settings, 36_000, lambda machine: machine.layers[0].lanes < 40)
    assert found == "--lanes 30"
    # two folds of 60 lanes would take 25,200 of 24,288
    assert [machine.layers[0].lanes for machine in machines] == [30]
    found, machines = asked(settings, 30_000)
    assert found is None
    assert [machine.layers[0].lanes for machine in machines] == [60, 30]
    assert len(machines) == MOST_TRIED


def test_memory_that_is_short_is_sought_elsewhere_first():
    settings = settings_of("icebreaker", 8, 128, 60, 10)
    assert [each.kind for each in settings.pipeline.placement] == ["block", "block"]
    found, machines = asked(settings, 4000, lambda machine: True)
    assert found == "--weights spram"
    assert machines[0].placement[0].kind == "spram"


def test_flash_is_the_last_resort():
    """Words of one lane: nothing else is left."""
    settings = settings_of("hx8k-breakout", 1, 128, 60, 10)
    found, machines = asked(settings, 4000, lambda machine: True)
    assert found == "--weights flash"
    assert len(machines) == 1


def test_what_cannot_fit_is_not_mapped():
    """Ten times the logic is not saved by any lanes."""
    found, machines = asked(settings_of("icebreaker", 20, 64, 20, 10), 52_800)
    assert (found, machines) == (None, [])


@pytest.mark.parametrize("luts", [1000, 7000])
def test_no_design_is_asked_for_twice(luts):
    settings = settings_of("icebreaker", 20, 64, 20, 10)
    _, machines = asked(settings, luts)
    seen = {
        (tuple(layer.lanes for layer in machine.layers), machine.placement, machine.state_in_block)
        for machine in (settings.pipeline, *machines)
    }
    assert len(seen) == len(machines) + 1
