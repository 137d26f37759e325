"""Where the state of a layer's neurons is kept: registers for one fold, a memory for several."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from amaranth.hdl import Array, Const, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream
from amaranth.lib.wiring import In, Member, Out

from hw.fpga.device import Device
from hw.parameters import LayerParameters
from sim.fixed_point import truncated
from sim.neuron import HOLDS

FEW_FOLDS = 16
"""Up to this number of folds the state of a layer is kept out of block RAM on iCE40, which has no
smaller memory and few of these.
"""

FEW_FOLDS_IN_WINDOW = 4
"""The same where neurons keep no current. Their potentials are wide, for few lanes: five folds of
two lanes took 240 LUT4 and 180 flip-flops, or 2 or 3 blocks.
"""


IN_LOGIC: dict[str, str] = {"ram_style": "logic"}
"""Attributes of a memory made of flip-flops."""

IN_BLOCK: dict[str, str] = {"ram_style": "block"}
"""Attributes of a memory made of block RAM, whatever its size."""


class Folds(NamedTuple):
    """Which fold of a memory is read and which is written in a cycle.

    :param reads: the fold whose state is at the read port in the following cycle.
    :param phase: which start word is its own, where these are several.
    :param writes: the fold that is written.
    :param last: whether that is the last one.
    :param number: how many there are, two or more.
    """

    reads: Value
    phase: Value
    writes: Value
    last: Value
    number: int


def ports(parameters: LayerParameters) -> dict[str, Member]:
    """Return the ports by which a layer orders its neurons, whatever they are, and gets to know
    which of them fire.
    """
    members = {
        "weight": In(parameters.rows.word),
        "deliver": In(1),
        "advance": In(1),
        "clear": In(1),
        "last": Out(1),
        "late": Out(1),
        "o": Out(stream.Signature(parameters.fold, always_ready=True)),
    }
    if parameters.scattered:
        members |= {"fold": In(range(parameters.folds)), "sweeping": Out(1)}
    return members


def memory_attributes(platform: object, depth: int, few: int = FEW_FOLDS) -> dict[str, str]:
    """Return the attributes of a memory of ``depth`` folds: a few words would waste a block.

    :param few: how many these are.
    """
    few_blocks = isinstance(platform, Device) and platform.family.small_memories_in_logic
    return IN_LOGIC if few_blocks and depth <= few else {}


def state_attributes(
    platform: object, layer: LayerParameters, name: str, few: int = FEW_FOLDS
) -> dict[str, str]:
    """Return the attributes of a memory of a layer's state, which may be stored in block RAM where
    that is cheaper than flip-flops; see :func:`hw.flow.placement.place_state`.

    :param name: of the memory.
    :param few: folds up to which it is kept out of block RAM otherwise.
    """
    if name in layer.state_in_block and isinstance(platform, Device):
        return IN_BLOCK
    return memory_attributes(platform, layer.folds, few)


def start_words(
    layer: LayerParameters, origin: int, bits: int, leak: int = HOLDS
) -> list[list[int]]:
    """Return the potentials that an image starts from: a word for each fold; for each fold of a
    position if all positions start alike; one word if all folds do.

    :param origin: what ``start`` of the layer is added to.
    :param bits: width of a potential; the first advance may bring one into its range.
    :param leak: what has been left of ``start`` before the first advance, in 256ths.
    """
    # The lanes beyond the last neuron get no start, for with it they might fire.
    half, lanes = 1 << (bits - 1), layer.lanes
    starts = np.zeros(layer.folds * lanes, np.int64)
    starts[: layer.layer.fan_out] = truncated(leak, layer.layer.starts().astype(np.int64))

    wrapped = (starts + origin + half) % (2 * half) - half
    words = wrapped.reshape(-1, lanes).tolist()
    for period in (1, layer.rows.folds_per_position):
        if words == words[:period] * (layer.folds // period):
            return words[:period]
    return words


def registers(
    m: Module,
    name: str,
    shape: Any,
    start: Sequence[Any],
    writes: Sequence[Value],
    clears: Sequence[Value],
) -> tuple[list[Value], list[Value]]:
    """Keep one value per lane in registers; return, per lane, the value and where its new one goes.

    :param name: of the signals.
    :param shape: of a value.
    :param start: per lane, the value at the start of an image.
    :param writes: per lane, when it gets its new value.
    :param clears: per lane, when it gets its start.
    """
    # The first cycle of an image clears them, so they need no other reset.
    now = [
        Signal(shape, name=f"{name}_{lane}", init=value, reset_less=True)
        for lane, value in enumerate(start)
    ]
    then = [Signal(shape, name=f"{name}_{lane}_after") for lane in range(len(start))]

    for old, new, value, write, clear in zip(now, then, start, writes, clears, strict=True):
        with m.If(clear):
            m.d.sync += old.eq(Const(value, shape))
        with m.Elif(write):
            m.d.sync += old.eq(new)
    return [Value.cast(old) for old in now], [Value.cast(new) for new in then]


def folded(
    m: Module,
    name: str,
    shape: Any,
    start: Sequence[Sequence[Any]],
    folds: Folds,
    control: tuple[Value, Value],
    attributes: dict[str, str],
    sweeping: Value | None = None,
) -> tuple[list[Value], list[Value]]:
    """Keep several folds in a memory; return, per lane, the value that was read, and where its new
    one goes.

    The words behind those of the folds are the ``start``: they are read in place of the folds until
    one pass has written them all, so clearing costs no pass and no multiplexer; or, where not every
    pass writes all, while ``sweeping``.

    :param name: of the memory.
    :param shape: of a value.
    :param start: the words at the start of an image.
    :param folds: which fold is read and which is written.
    :param control: when a fold is written; when all of them get their start.
    :param attributes: of the memory.
    :param sweeping: when a start is read, to be written back; None: until the first pass after the
        clear has written all folds.
    """
    (write, clear), depth, lanes = control, folds.number, range(len(start[0]))
    layout, apart = data.ArrayLayout(shape, len(lanes)), len(start) > 1 and attributes == IN_LOGIC
    init: list[Any] = [*[start[0]] * depth, *([] if apart else start)]
    m.submodules[name] = cells = memory.Memory(
        shape=layout, depth=len(init), init=init, attrs=attributes
    )

    # Both ports are never at one address: while a fold is written, another one is read.
    reader, writer = cells.read_port(), cells.write_port()
    if sweeping is None:
        fresh = Signal(name=f"{name}_fresh", init=1)
        fresh_after = Signal(name=f"{name}_fresh_after")
        m.d.comb += fresh_after.eq(clear | (fresh & ~(write & folds.last)))
        m.d.sync += fresh.eq(fresh_after)
        sweeping = fresh_after

    found: Any = reader.data
    if apart:
        found = _constants(m, name, layout, start, folds.phase, sweeping, reader.data)
        m.d.comb += reader.addr.eq(folds.reads)
    else:
        first = depth if len(start) == 1 else depth + folds.phase
        m.d.comb += reader.addr.eq(Mux(sweeping, first, folds.reads))
    m.d.comb += [writer.addr.eq(folds.writes), writer.en.eq(write)]

    return (
        [Value.cast(found[lane]) for lane in lanes],
        [Value.cast(writer.data[lane]) for lane in lanes],
    )


def _constants(
    m: Module,
    name: str,
    layout: data.ArrayLayout,
    start: Sequence[Sequence[Any]],
    phase: Value,
    sweeping: Value,
    state: data.View,
) -> data.View:
    """Return the state, or one of several starts in its place: constants, as a memory in logic
    would keep flip-flops for words that never change.
    """
    words = Array([layout.const(word).as_value() for word in start])
    start_1 = Signal(layout, name=f"{name}_start", reset_less=True)
    sweeping_1 = Signal(name=f"{name}_starts")
    m.d.sync += [Value.cast(start_1).eq(words[phase]), sweeping_1.eq(sweeping)]

    found = Signal(layout, name=f"{name}_found")
    m.d.comb += Value.cast(found).eq(Mux(sweeping_1, Value.cast(start_1), Value.cast(state)))
    return found
