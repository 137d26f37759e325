"""Boards in a simulator, at the other end of a line: time passes only while the host waits."""

import random
import threading
from contextlib import contextmanager

from amaranth.sim import Simulator

from hw.bench.emulate import Terminal, VirtualBoard, serve
from hw.bench.flash_chip import complete
from hw.boards.top import BoardParameters, Top
from hw.link.uart import BITS, bit_cycles
from hw.parameters import MachineParameters
from hw.rows import SPRAM
from sim import batch

SLICE_CYCLES = 200
PERIOD_S = 1e-6
CLOCK_HZ = 1_000_000


def parameters_of(network, lanes=1, spram=None):
    machine = MachineParameters(network, lanes)
    if spram is not None:
        machine = machine.with_placement(spram, SPRAM)
    return BoardParameters(machine, clock_hz=CLOCK_HZ, baud=CLOCK_HZ // 4)


@contextmanager
def virtual_board(pipeline):
    """Give the port of a virtual board at a pseudo-terminal, which runs in a thread."""
    board, terminal, stop = VirtualBoard(pipeline), Terminal(), threading.Event()
    thread = threading.Thread(target=serve, args=(board, terminal, lambda: not stop.is_set()))
    thread.start()
    yield terminal.port
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
        assert answer.reads == sum(
            count * layer.fan_out
            for count, layer in zip(wanted["events"], network.layers, strict=True)
        )
        assert answer.cycles > 0


class SimulatedLine:
    """Bytes to the pins of the whole gateware and back; ``damage`` may change what passes in either
    direction.
    """

    def __init__(self, parameters: BoardParameters, damage=lambda data: data):
        self.divisor = bit_cycles(parameters.clock_hz, parameters.baud)
        self.top, self.damage = complete(Top(parameters), parameters.pipeline), damage
        self.sent, self.received, self.time = bytearray(), bytearray(), 0
        self.simulator = Simulator(self.top)
        self.simulator.add_clock(PERIOD_S)
        self.simulator.add_testbench(self._wires, background=True)

    def write(self, data):
        self.sent += self.damage(data)

    def read(self, timeout_s):
        for _ in range(25):
            self.time += SLICE_CYCLES
            self.simulator.run_until(self.time * PERIOD_S)
            if self.received and not self.sent:
                break
        data, self.received = bytes(self.received), bytearray()
        return self.damage(data)

    def close(self):
        pass

    async def _wires(self, ctx):
        """Cycle by cycle, with nothing but ticks: Amaranth cannot throw away a testbench that waits
        in another way.
        """
        out, out_left, inside, in_wait, in_bits = 0, 0, 0, 0, 0
        ctx.set(self.top.rx, 1)
        while True:
            if out_left == 0 and self.sent:
                out, out_left = self.sent.pop(0) << 1 | 1 << (BITS - 1), BITS * self.divisor
            ctx.set(
                self.top.rx, out >> (BITS - -(-out_left // self.divisor)) & 1 if out_left else 1
            )
            out_left -= out_left > 0
            _, _, level = await ctx.tick().sample(self.top.tx)
            if not inside and not level:
                inside, in_wait, in_bits = BITS, self.divisor // 2, 0
            if inside and in_wait == 0:
                in_bits |= level << (BITS - inside)
                inside, in_wait = inside - 1, self.divisor
                if inside == 0:
                    assert in_bits & 1 == 0, "a start bit is low"
                    assert in_bits >> (BITS - 1), "a stop bit is high"
                    self.received.append(in_bits >> 1 & 0xFF)
            in_wait -= in_wait > 0


class VirtualLine:
    """A line to a virtual board in this process; ``damage`` may change what passes in either
    direction.
    """

    def __init__(self, board, damage=lambda data: data):
        self.board, self.damage, self.waiting = board, damage, b""

    def write(self, data):
        self.waiting += self.damage(data)

    def read(self, timeout_s):
        data, self.waiting = self.waiting, b""
        return self.damage(self.board.run(data, 5_000))

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
