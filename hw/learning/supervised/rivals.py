"""When a labelled image ends, and which outputs it is about: steps 1 and 2 of
:mod:`sim.learning.supervised`.
"""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.arithmetic import Candidate, highest
from sim.learning.supervised import Rule
from sim.network import Network


class Judge(wiring.Component):
    """Looks at the ticks at which the outputs fired.

    ``label``: the output that should be first. ``fired``: per output its tick, K + 1 if silent;
    ``tick``: the current one. ``ended``: the label's output has fired, and ``margin`` ticks have
    passed.

    ``judge`` high for a cycle finds the next rival, until there are as many as the rule wants or
    ``settled`` says in such a cycle that no output remains. ``up`` and ``down``: one bit per
    output, the label's and the rivals'; ``teaches``: there is a rival, or the label's output is
    silent. ``clear`` forgets the rivals.
    """

    label: Signal
    fired: data.View
    tick: Signal
    judge: Signal
    clear: Signal
    ended: Signal
    settled: Signal
    teaches: Signal
    up: Signal
    down: Signal

    def __init__(self, network: Network, rule: Rule):
        self.network, self.rule = network, rule
        classes = len(network.classes)
        self.bits = bits_for(network.last_tick + 1)
        super().__init__(
            {
                "label": In(bits_for(classes - 1)),
                "fired": In(data.ArrayLayout(self.bits, classes)),
                "tick": In(bits_for(network.last_tick)),
                "judge": In(1),
                "clear": In(1),
                **{name: Out(1) for name in ("ended", "settled", "teaches")},
                "up": Out(classes),
                "down": Out(classes),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: the label's tick, and a tree that finds the earliest of the others."""
        m = Module()

        classes, silent = len(self.network.classes), self.network.last_tick + 1

        label_tick = Signal(self.bits)
        with m.Switch(self.label):
            for index in range(classes):
                with m.Case(index):
                    m.d.comb += [self.up.eq(1 << index), label_tick.eq(self.fired[index])]

        # The earliest tick is the highest negative one; of equal ticks the lowest index wins.
        remaining = [
            ~self.up[index] & ~self.down[index] & (self.fired[index] != silent)
            for index in range(classes)
        ]
        outputs = [
            Candidate(remaining[index], -self.fired[index], Const(index, bits_for(index)))
            for index in range(classes)
        ]
        earliest = highest(m, outputs, self.bits + 1, classes)

        found, wanted = Signal(range(self.rule.rivals + 1)), self.rule.rivals
        m.d.comb += [
            self.ended.eq(self.tick >= label_tick + self.rule.margin),
            self.settled.eq(~earliest.exists | (found == wanted - 1)),
            self.teaches.eq(Cat(self.down).any() | earliest.exists | (label_tick == silent)),
        ]

        # One rival per cycle: a found one is in ``down``, so the tree finds the next.
        with m.If(self.clear):
            m.d.sync += [self.down.eq(0), found.eq(0)]
        with m.Elif(self.judge & earliest.exists):
            m.d.sync += [self.down.eq(self.down | (1 << earliest.lane)), found.eq(found + 1)]
        return m
