"""Answers requests: whole frames in, pixels to the machine, registers and results out."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.events import pixel, result
from hw.frame import HEAD, Kind
from sim.network import Network

VALUE_BYTES = 4
"""Bytes of a register."""

_HEAD_BITS = 8 * HEAD.size


def result_bytes(network: Network) -> int:
    """Return the bytes of a packed result, lowest first."""
    return -(-result(network).size // 8)


class Responder(wiring.Component):
    """One request after the other.

    ``i``: content of whole frames (:class:`hw.link.Receiver`). ``o``: content of replies, ``last`` on the last byte.
    ``pixels`` and ``results``: to and from the machine. ``address``, ``value``, ``known``: of the register file.

    A request that this board does not do is read to its end and refused.
    """

    i: stream.Interface
    o: stream.Interface
    pixels: stream.Interface
    results: stream.Interface
    address: Signal
    value: Signal
    known: Signal

    def __init__(self, network: Network):
        self.image_bytes = network.encoder.image_shape[0] * network.encoder.image_shape[1]
        self.answer_bytes = max(VALUE_BYTES, result_bytes(network))
        self.result_bytes = result_bytes(network)
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(data.StructLayout({"byte": 8, "last": 1}))),
                "pixels": Out(stream.Signature(pixel())),
                "results": In(stream.Signature(result(network))),
                "address": Out(8),
                "value": In(32),
                "known": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: a register that collects the head and later gives the reply away, and the sequence of a request."""
        m = Module()
        self.content = content = Signal(_HEAD_BITS + 8 * self.answer_bytes)
        self.left = left = Signal(16)  # bytes of payload that are still to come, and bytes of the reply to go
        head, kind, length = content[:_HEAD_BITS], content[16:24], content[24:40]
        place = Signal(range(HEAD.size))
        m.d.comb += [self.address.eq(self.i.payload), self.pixels.payload.intensity.eq(self.i.payload)]
        m.d.comb += self.pixels.payload.last.eq(left == 1)
        with m.FSM():
            with m.State("HEAD"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += [head.eq(Cat(head[8:], self.i.payload)), place.eq(place + 1)]
                    with m.If(place == HEAD.size - 1):
                        m.d.sync += place.eq(0)
                        m.next = "ROUTE"
            with m.State("ROUTE"):
                m.d.sync += left.eq(length)
                m.next = "REFUSE"
                with m.If((kind == Kind.READ.value) & (length == 1)):
                    m.next = "READ"
                with m.If((kind == Kind.CLASSIFY.value) & (length == self.image_bytes)):
                    m.next = "PIXELS"
            with m.State("READ"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += left.eq(0)
                    m.next = "REFUSE"
                    with m.If(self.known):
                        self._answer(m, kind, self.value, VALUE_BYTES)
            with m.State("PIXELS"):
                m.d.comb += [self.pixels.valid.eq(self.i.valid), self.i.ready.eq(self.pixels.ready)]
                with m.If(self.i.valid & self.i.ready):
                    m.d.sync += left.eq(left - 1)
                    with m.If(left == 1):
                        m.next = "RESULT"
            with m.State("RESULT"):
                m.d.comb += self.results.ready.eq(1)
                with m.If(self.results.valid):
                    self._answer(m, kind, Value.cast(self.results.payload), self.result_bytes)
            with m.State("REFUSE"):
                m.d.comb += self.i.ready.eq(left != 0)
                with m.If(left == 0):
                    self._answer(m, Const(Kind.REFUSED.value, 8), Const(0, 1), 0)
                with m.Elif(self.i.valid):
                    m.d.sync += left.eq(left - 1)
            with m.State("ANSWER"):
                m.d.comb += [self.o.valid.eq(1), self.o.payload.byte.eq(content[:8]), self.o.payload.last.eq(left == 1)]
                with m.If(self.o.ready):
                    m.d.sync += [content.eq(content >> 8), left.eq(left - 1)]
                    with m.If(left == 1):
                        m.next = "HEAD"
        return m

    def _answer(self, m: Module, kind: Value, payload: Value, size: int) -> None:
        """Begin a reply to the present request; its sequence stays where it is."""
        m.d.sync += self.content[16:].eq(Cat(kind, Const(size, 16), payload))
        m.d.sync += self.left.eq(HEAD.size + size)
        m.next = "ANSWER"
