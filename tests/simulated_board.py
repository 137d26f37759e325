"""Boards in a simulator, at the other end of a line: time passes only while the host waits."""

import random
import threading
from contextlib import contextmanager
from unittest.mock import patch

from amaranth.sim import Simulator

from hw.bench.emulate import CLOCK_HZ as VIRTUAL_CLOCK_HZ
from hw.bench.emulate import SLICE_CYCLES as SERVED_CYCLES
from hw.bench.emulate import Terminal, VirtualBoard, serve
from hw.bench.flash_chip import complete
from hw.boards.top import BoardParameters, Top
from hw.link.client import Board
from hw.link.serial_line import SerialLine
from hw.link.uart import BITS, bit_cycles
from hw.parameters import MachineParameters
from hw.rows import SPRAM
from sim import batch

SLICE_CYCLES = 200
MOST_SLICES = 25
"""Between two looks of the host at what has come."""

VIRTUAL_SLICE_CYCLES = 5_000
PERIOD_S = 1e-6
CLOCK_HZ = 1_000_000


def parameters_of(network, lanes=1, spram=None):
    machine = MachineParameters(network, lanes)
    if spram is not None:
        machine = machine.with_placement(spram, SPRAM)
    return BoardParameters(machine, clock_hz=CLOCK_HZ, baud=CLOCK_HZ // 4)


def learning_board(network, rule):
    """A board in a simulator that learns by a rule, if there is one, at two lanes."""
    lanes = min(2, max(layer.fan_out for layer in network.layers))
    parameters = BoardParameters(MachineParameters(network, lanes, rule), CLOCK_HZ, CLOCK_HZ // 4)
    return Board(SimulatedLine(parameters), network)


class CountedBoard(VirtualBoard):
    """A virtual board that counts the cycles it ran."""

    cycles = 0

    def run(self, data, cycles=SERVED_CYCLES):
        self.cycles += cycles
        return super().run(data, cycles)


@contextmanager
def virtual_board(pipeline):
    """Give the port of a virtual board at a pseudo-terminal, which runs in a thread. The clock of
    every serial port is meanwhile that of the board: on a busy machine neither runs out of time.
    """
    board, terminal, stop = CountedBoard(pipeline), Terminal(), threading.Event()
    thread = threading.Thread(target=serve, args=(board, terminal, lambda: not stop.is_set()))
    thread.start()
    try:
        with patch.object(SerialLine, "seconds", lambda line: board.cycles / VIRTUAL_CLOCK_HZ):
            yield terminal.port
    finally:
        stop.set()
        thread.join()
        terminal.close()
        board.close()


def check_answers(board, network, images):
    """Every answer of a board equals sim's."""
    expected = batch.run(network, images)
    answers = list(board.classify(images))
    assert len(answers) == len(images)
    for index, answer in enumerate(answers):
        wanted = expected.to_json(index)
        assert {
            key: answer.to_json()[key] for key in ("decision", "tick", "timed_out", "events")
        } == {key: wanted[key] for key in ("decision", "tick", "timed_out", "events")}
        # What the events of a convolution look up depends on whose they are.
        alike = all(reads.min() == reads.max() for reads in network.reads_by_source)
        reads = [
            count * layer.connection.channels_out
            for count, layer in zip(wanted["events"], network.layers, strict=True)
        ]
        assert answer.reads == (sum(reads) if alike else None)
        assert answer.cycles > 0


class SimulatedLine:
    """Bytes to the pins of the whole gateware and back; ``damage`` may change what passes in either
    direction. Its clock is that of the gateware, so nothing depends on how fast it is simulated.
    """

    def __init__(self, parameters: BoardParameters, damage=lambda data: data):
        self.divisor = bit_cycles(parameters.clock_hz, parameters.baud)
        self.top, self.damage = complete(Top(parameters), parameters.pipeline), damage
        self.sent, self.received, self.cycles = bytearray(), bytearray(), 0
        self.simulator = Simulator(self.top)
        self.simulator.add_clock(PERIOD_S)
        self.simulator.add_testbench(self._wires, background=True)

    def write(self, data):
        self.sent += self.damage(data)

    def read(self, timeout_s):
        for _ in range(MOST_SLICES):
            self.cycles += SLICE_CYCLES
            self.simulator.run_until(self.cycles * PERIOD_S)
            if self.received and not self.sent:
                break
        data, self.received = bytes(self.received), bytearray()
        return self.damage(data)

    def seconds(self):
        return self.cycles * PERIOD_S

    def close(self):
        pass

    async def _wires(self, ctx):
        """Cycle by cycle, with nothing but ticks: Amaranth cannot throw away a testbench that waits
        in another way.
        """
        out, out_cycles, bits_in, wait_cycles, word = 0, 0, 0, 0, 0
        ctx.set(self.top.rx, 1)
        while True:
            if out_cycles == 0 and self.sent:
                out, out_cycles = self.sent.pop(0) << 1 | 1 << (BITS - 1), BITS * self.divisor
            bits_remaining = -(-out_cycles // self.divisor)
            ctx.set(self.top.rx, out >> (BITS - bits_remaining) & 1 if out_cycles else 1)
            out_cycles -= out_cycles > 0

            _, _, level = await ctx.tick().sample(self.top.tx)
            if not bits_in and not level:
                # half a bit after the edge is the middle of the start bit
                bits_in, wait_cycles, word = BITS, self.divisor // 2, 0
            if bits_in and wait_cycles == 0:
                word |= level << (BITS - bits_in)
                bits_in, wait_cycles = bits_in - 1, self.divisor
                if bits_in == 0:
                    assert word & 1 == 0, "a start bit is low"
                    assert word >> (BITS - 1), "a stop bit is high"
                    self.received.append(word >> 1 & 0xFF)
            wait_cycles -= wait_cycles > 0


class VirtualLine:
    """A line to a virtual board in this process; ``damage`` may change what passes in either
    direction. Its clock is that of the board.
    """

    def __init__(self, board, damage=lambda data: data):
        self.board, self.damage, self.waiting, self.cycles = board, damage, b"", 0

    def write(self, data):
        self.waiting += self.damage(data)

    def read(self, timeout_s):
        data, self.waiting = self.waiting, b""
        self.cycles += VIRTUAL_SLICE_CYCLES
        return self.damage(self.board.run(data, VIRTUAL_SLICE_CYCLES))

    def seconds(self):
        return self.cycles / VIRTUAL_CLOCK_HZ

    def close(self):
        pass


def noise(seed, rate):
    """Return what a bad line does to bytes: each is lost, doubled or changed with probability
    ``rate``.
    """
    rng = random.Random(seed)

    def damage(data):
        changed = bytearray()
        for byte in data:
            kind = rng.random() / rate
            if kind < 0.3:
                continue
            if kind < 0.6:
                changed += bytes((byte, byte))
            elif kind < 1:
                changed.append(byte ^ 1 << rng.randrange(8))
            else:
                changed.append(byte)
        return bytes(changed)

    return damage
