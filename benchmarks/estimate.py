"""How well `hw check` knows what the packer counts: its estimate of logic and its block RAMs beside
nextpnr's, for random networks on boards of both families.

nextpnr packs and does not route: what it packs is what it reports after routing. With no names, two
small designs are measured; `all` measures every one (half an hour); `--fit` also fits the costs of
a bit anew, see `hw/fpga/family.py`.

example: python benchmarks/estimate.py all --fit
"""

import argparse
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from hw.boards.table import find_board
from hw.boards.top import BoardTop
from hw.flow.check import map_memories
from hw.flow.estimate import ADDERS, CONDITIONS, FLIP_FLOPS, MULTIPLEXERS, bits, logic
from hw.flow.placement import bits_in_logic, place
from hw.flow.settings import BuildSettings
from hw.flow.toolchain import DESIGN, stages
from hw.fpga.family import Family
from hw.parameters import MachineParameters
from hw.tools import find_tool, run_tool
from hw.verilog import to_rtlil
from sim.connections.convolution import Convolution
from sim.connections.dense import Dense
from sim.console import run_command
from sim.encoders.intensity import Intensity
from sim.errors import InputError, choose
from sim.network import Layer, Network
from sim.neuron import Neuron
from sim.readouts.first_spike import FirstSpike

TICKS = 24


def dense(*sizes: int, bits: int = 8) -> Network:
    """Return a network of random weights, inputs first, on 28 x 28 pixels."""
    rng, high = np.random.default_rng(1), 1 << (bits - 1)
    layers = tuple(
        Layer(
            Dense(rng.integers(-high, high, shape).astype(np.int8)),
            Neuron(100 * high),
            weight_bits=bits,
        )
        for shape in pairwise(sizes)
    )
    pixels = np.sort(rng.permutation(784)[: sizes[0]]).astype(np.int32)
    return _network(pixels, layers)


def maps(*channels: int, bits: int = 8) -> Network:
    """Return a network of convolutions, 5 x 5 with stride 2, and ten outputs."""
    rng, high, shape = np.random.default_rng(1), 1 << (bits - 1), (28, 28, 1)
    layers: list[Layer] = []
    for count in channels:
        weight = rng.integers(-high, high, (shape[2], 5, 5, count)).astype(np.int8)
        layers.append(Layer(Convolution(weight, shape, 2), Neuron(100 * high), weight_bits=bits))
        shape = Convolution(weight, shape, 2).output
    weight = rng.integers(-high, high, (layers[-1].fan_out, 10)).astype(np.int8)
    layers.append(Layer(Dense(weight), Neuron(100 * high), weight_bits=bits))
    return _network(np.arange(784, dtype=np.int32), tuple(layers))


def _network(pixels: np.ndarray, layers: tuple[Layer, ...]) -> Network:
    code = np.linspace(TICKS // 2, 0, 256).astype(np.int16)
    code[:40] = -1
    encoder = Intensity((28, 28), 1, pixels, code)
    return Network(encoder, layers, FirstSpike(), 8, TICKS, tuple("0123456789"))


@dataclass(frozen=True)
class Case:
    """A network on a board.

    :param board: a name of `hw boards`.
    :param text: what the network is.
    :param make: makes it.
    :param lanes: as `--lanes`.
    """

    board: str
    text: str
    make: Callable[[], Network]
    lanes: int


CASES = {
    "a": Case("icebreaker", "256-60-10, 8 bits", lambda: dense(256, 60, 10), 8),
    "b": Case("icebreaker", "64-24-10, 4 bits", lambda: dense(64, 24, 10, bits=4), 24),
    "c": Case("icebreaker", "196-48-10, 6 bits", lambda: dense(196, 48, 10, bits=6), 12),
    "d": Case("hx8k-breakout", "196-48-10, 8 bits", lambda: dense(196, 48, 10), 48),
    "e": Case("hx8k-breakout", "100-32-32-10, 5 bits", lambda: dense(100, 32, 32, 10, bits=5), 16),
    "g": Case("ulx3s-25f", "256-60-10, 8 bits", lambda: dense(256, 60, 10), 8),
    "h": Case("ulx3s-25f", "196-48-10, 4 bits", lambda: dense(196, 48, 10, bits=4), 48),
    "i": Case("icepi-zero", "512-200-10, 8 bits", lambda: dense(512, 200, 10), 16),
    "j": Case("none-ecp5-25f", "64-24-10, 3 bits", lambda: dense(64, 24, 10, bits=3), 12),
    "k": Case("ulx3s-45f", "784-120-10, 8 bits", lambda: dense(784, 120, 10), 120),
    "l": Case("icebreaker", "maps of 4 and 8, 2 bits", lambda: maps(4, 8, bits=2), 4),
    "m": Case("ulx3s-25f", "maps of 4 and 8, 4 bits", lambda: maps(4, 8, bits=4), 8),
    "n": Case("icebreaker", "784-160-10, 8 bits", lambda: dense(784, 160, 10), 8),
    "o": Case("hx8k-breakout", "144-40-10, 8 bits", lambda: dense(144, 40, 10), 5),
    "q": Case("hx8k-breakout", "256-64-10, 4 bits", lambda: dense(256, 64, 10, bits=4), 32),
    "r": Case("ulx3s-25f", "100-32-32-10, 5 bits", lambda: dense(100, 32, 32, 10, bits=5), 32),
}

LOGIC = ("LC", "LUT")
"""Our names of what a family's logic is counted in."""


@dataclass(frozen=True)
class Measured:
    """What was found for a case.

    :param settings: of its build.
    :param cells: with widths, after memories were mapped.
    :param packed: what nextpnr counted, by our names.
    """

    settings: BuildSettings
    cells: dict[str, int]
    packed: dict[str, int]

    @property
    def family(self) -> Family:
        """Whose device it is for."""
        return self.settings.board.device.family

    @property
    def memory_bits(self) -> int:
        """Bits of memories made of flip-flops."""
        return bits_in_logic(self.settings.placed, self.settings.board.device)

    @property
    def logic(self) -> int:
        """What nextpnr counted of logic."""
        return next(self.packed[name] for name in LOGIC if name in self.packed)


def measure(case: Case) -> Measured:
    """Map, synthesise and pack a case."""
    board = find_board(case.board)
    machine = place(MachineParameters(case.make(), case.lanes), board)
    settings = BuildSettings(machine, board, board.clock_hz)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        top = BoardTop(settings.top(board.clock_hz), None, settings.flash)
        (folder / DESIGN).write_text(to_rtlil(top, board.device))
        if board.pin_file is not None:
            (folder / board.pin_file.name).write_bytes(board.pin_file.read_bytes())
        synthesis, routing = stages(board, board.clock_hz, settings.job)
        synthesis.run(folder, kept=False)
        command = [find_tool(routing.tool), "--pack-only", *routing.arguments]
        said = run_tool(command, folder).said
    counts = dict(re.findall(r"Info:\s+(\w+):\s*(\d+)/", said))
    names = board.device.family.resources
    packed = {name: int(counts[cell]) for name, cell in names.items() if cell in counts}
    return Measured(settings, map_memories(settings), packed)


def row(case: Case, found: Measured) -> str:
    """Return the row of a table in a page."""
    family = found.family
    estimate = logic(found.cells, family, found.memory_bits)
    blocks = found.cells.get(family.block_cell, 0)
    error = f"{estimate / found.logic - 1:+.0%}"
    start = f"| {case.board} | {case.text} | {case.lanes} | {estimate} | {found.logic} | {error} "
    return f"{start}| {blocks} | {found.packed['block RAM']} |"


def fit(found: list[Measured]) -> list[float]:
    """Return the costs of a bit, none negative, with the least relative errors."""
    kinds = [ADDERS, MULTIPLEXERS, CONDITIONS, FLIP_FLOPS]
    counts = [bits(each.cells) for each in found]
    table = np.array([[*(count[kind] for kind in kinds), 0] for count in counts], float)
    kept = np.array([each.memory_bits for each in found])
    table[:, 3:] = np.stack([table[:, 3] - kept, kept], axis=1)
    memories = [
        each.family.lut_ram_luts * each.cells.get(each.family.lut_ram_cell, 0) for each in found
    ]
    wanted = np.array([each.logic for each in found], float)
    table, right = table / wanted[:, None], (wanted - memories) / wanted

    used = [index for index in range(table.shape[1]) if table[:, index].any()]
    while True:
        costs = np.zeros(table.shape[1])
        costs[used] = np.linalg.lstsq(table[:, used], right, rcond=None)[0]
        if (costs >= 0).all():
            return [round(float(cost), 3) for cost in costs]
        used = [index for index in used if costs[index] > 0]


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("names", nargs="*", default=["b", "j"], help=f"of {', '.join(CASES)}; all")
    parser.add_argument("--fit", action="store_true", help="fit the costs of a bit")
    arguments = parser.parse_args()
    names = list(CASES) if arguments.names == ["all"] else arguments.names

    print("| board | network | lanes | logic, estimated | packed | error | block RAM | packed |")
    print("|---|---|---|---|---|---|---|---|")
    found: list[Measured] = []
    for name in names:
        case = choose(CASES, name, "names")
        found.append(measure(case))
        print(row(case, found[-1]), flush=True)

    for family in sorted({each.family.name for each in found}) if arguments.fit else ():
        part = [each for each in found if each.family.name == family]
        if len(part) < 4:
            raise InputError(f"--fit: {family} has {len(part)} designs; give at least four.")
        print(f"{family}: adder, multiplexer, condition, flip-flop, memory {fit(part)}")
    return 0


if __name__ == "__main__":
    run_command(main)
