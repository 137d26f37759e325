"""What would fit where a design does not: other lanes, or weights in another memory."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from hw.flow.placement import AUTO, bits_in_logic, place
from hw.flow.settings import BuildSettings
from hw.machine.state import FEW_FOLDS
from hw.parameters import MachineParameters
from hw.rows import FLASH, SPRAM
from sim.errors import InputError

MOST_TRIED = 2
"""Designs whose memories are mapped before the search is given up: each takes seconds."""

FIXED = 0.4
"""Share of the logic, memories apart, that is there with any lanes: link, encoder, sequencer."""


def find_fitting(
    settings: BuildSettings, luts: int, fits: Callable[[BuildSettings], bool]
) -> str | None:
    """Return options with which a network fits a board, the fastest that were tried; None: there
    are none among them.

    :param settings: with which it does not fit.
    :param luts: logic that it takes then, by the estimate.
    :param fits: tells it of other settings.
    """
    likely = (each for each in _others(settings, luts) if _is_likely(settings, luts, each[1]))
    tried = islice(likely, MOST_TRIED)
    return next((options for options, other in tried if fits(other)), None)


def _is_likely(settings: BuildSettings, luts: int, other: BuildSettings) -> bool:
    """Whether other settings may fit, as far as lanes and memories tell without any tool."""
    device, cost = settings.board.device, settings.board.device.family.logic_cost
    each = cost.memory + cost.multiplexer
    kept, kept_there = (bits_in_logic(which.pipeline, device) for which in (settings, other))
    lanes, lanes_there = (
        max(layer.lanes for layer in which.pipeline.layers) for which in (settings, other)
    )
    share = lanes_there / lanes
    rest = (luts - each * kept) * (FIXED + (1 - FIXED) * share)
    return each * kept_there + rest <= device.luts


def _others(settings: BuildSettings, luts: int) -> Iterator[tuple[str, BuildSettings]]:
    """Yield other settings with the options that say them, each design once."""
    machine, board = settings.pipeline, settings.board
    lanes, seen = int(machine.lanes), {_design(machine)}
    widest = max(layer.layer.connection.channels_out for layer in machine.layers)

    # of so many folds the state is in block RAM whatever it costs
    many = widest // (FEW_FOLDS + 1)
    counts = [lanes * board.device.luts // luts, 3 * lanes // 4, lanes // 2, many, lanes // 4, 1]
    fewer = sorted({count for count in counts if 1 <= count < lanes}, reverse=True)
    wanted = [(lanes, AUTO), *((count, AUTO) for count in fewer)]
    if board.device.spram_bits:
        wanted.insert(1, (lanes, SPRAM.kind))
    if board.flash is not None:
        wanted.append((lanes, FLASH))  # the slowest

    for count, where in wanted:
        try:
            plain = MachineParameters(machine.network, count, machine.rule)
            other = place(plain, board, where)
        except InputError:
            continue
        if _design(other) in seen:
            continue
        seen.add(_design(other))
        words = [f"--lanes {count}"] if count != lanes else []
        kinds = [each.kind for each in other.placement]
        if kinds != [each.kind for each in machine.placement]:
            words.append(f"--weights {where}")
        yield " ".join(words) or f"--weights {where}", replace(settings, pipeline=other)


def _design(machine: MachineParameters) -> tuple[object, ...]:
    """Return what distinguishes designs of one network."""
    return (
        tuple(layer.lanes for layer in machine.layers),
        tuple(placement.kind for placement in machine.placement),
        machine.state_in_block,
    )
