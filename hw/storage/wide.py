"""The words of a layer with more lanes than one address net may drive."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.broadcast import REPLICA
from hw.rows import Rows
from hw.storage.block import BlockWords


class WideWords(wiring.Component):
    """The words of a layer with many lanes: each ``group`` of lanes has memories and an address
    register of its own.

    ``word`` is that of the last ``address`` but one.
    """

    address: Signal
    word: data.View

    def __init__(self, rows: Rows, group: int):
        self.rows, self.group = rows, group
        super().__init__({"address": In(bits_for(rows.depth - 1)), "word": Out(rows.word)})

    def elaborate(self, platform: object) -> Module:
        """Build: the groups."""
        m = Module()
        bits = self.rows.layer.weight_bits

        for first in range(0, self.rows.lanes, self.group):
            rows = self.rows.part(first, min(self.group, self.rows.lanes - first))
            m.submodules[f"lane_{first}"] = words = BlockWords(rows)

            # The register is before the memory: it is the address that has a long way.
            address_1 = Signal.like(self.address, name=f"address_{first}", attrs=REPLICA)
            m.d.sync += address_1.eq(self.address)
            m.d.comb += words.address.eq(address_1)

            m.d.comb += Value.cast(self.word)[first * bits :][: rows.word.size].eq(words.word)
        return m
