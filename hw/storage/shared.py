"""One memory for the weights of several layers, which take turns: for a board with one large memory
and little block RAM.
"""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import bits_for

from hw.rows import Rows, WordPort, joined
from hw.storage.block import LATENCY_CYCLES
from hw.storage.spram import SpramStore


class SharedPort(wiring.Signature):
    """What a layer asks of a memory that it shares, from the layer's side: ``i``, ``o`` and
    ``idle`` as of its own store, but ``i`` are single words.
    """

    def __init__(self, rows: Rows):
        super().__init__(
            {
                "i": Out(stream.Signature(bits_for(rows.depth - 1))),
                "o": In(stream.Signature(rows.word, always_ready=True)),
                "idle": In(1),
            }
        )


def shared_ports(layers: Mapping[int, Rows]) -> wiring.Signature:
    """Return the ports of all layers that share, from their side: ``layer_0``, ..."""
    return wiring.Signature(
        {f"layer_{index}": Out(SharedPort(rows)) for index, rows in layers.items()}
    )


class SharedStore(wiring.Component):
    """Weight words of several layers in SPRAM.

    ``layers``: the port of each. Of layers that ask in the same cycle the last one goes first; the
    others wait. ``words``: for a host that brings them all, see :func:`hw.rows.joined`.

    Latency and throughput, of all layers together, are those of a
    :class:`hw.storage.block.BlockStore`.

    :param layers: the rows of those layers, by the layer's index.
    """

    layers: Any
    words: wiring.PureInterface

    def __init__(self, layers: Mapping[int, Rows]):
        self.rows = layers
        self.joined = joined(layers)
        super().__init__({"layers": In(shared_ports(layers)), "words": In(WordPort(self.joined))})

    def elaborate(self, platform: object) -> Module:
        """Build: the store, the layer that goes first, and who gets the word that comes."""
        m = Module()

        m.submodules.store = store = SpramStore(self.joined)
        connect(m, flipped(self.words), store.words)

        # The store is always ready, so whoever asks first is served in the same cycle.
        bases, base = dict[int, int](), 0
        for index, rows in self.rows.items():
            bases[index] = base
            base += rows.depth

        free: Value = store.i.ready
        for index in reversed(list(self.rows)):
            port = getattr(self.layers, f"layer_{index}")
            m.d.comb += port.i.ready.eq(free)
            with m.If(port.i.valid & free):
                m.d.comb += [store.i.valid.eq(1), store.i.payload.eq(port.i.payload + bases[index])]
            self._answer(m, index, port.i.valid & free, store)

            remaining = Signal(name=f"free_after_{index}")
            m.d.comb += remaining.eq(free & ~port.i.valid)
            free = remaining
        return m

    def _answer(self, m: Module, index: int, asked: Value, store: SpramStore) -> None:
        """Give a layer the words that it asked for, which come LATENCY_CYCLES later."""
        port, rows = getattr(self.layers, f"layer_{index}"), self.rows[index]

        coming = Signal(LATENCY_CYCLES, name=f"coming_{index}")
        m.d.sync += coming.eq(coming << 1 | asked)
        m.d.comb += [
            port.o.valid.eq(coming[-1]),
            Value.cast(port.o.payload).eq(Value.cast(store.o.payload)[: rows.word.size]),
            port.idle.eq(coming == 0),
        ]
