"""The steps of an image, in the order that :mod:`sim.pipeline` states: advance, decide, fire,
deliver.
"""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.events import Kind, Status, event, outcome
from sim.network import Network


class Sequencer(wiring.Component):
    """Leads all layers through an image, tick by tick.

    ``i``: events of images. ``o``: the outcome of each image; the layers forget the image in the
    cycle it is taken. ``event``: the events due at this tick, for the first layer. ``rejected``: an
    event out of range or out of order is passed over in this cycle. ``tick``: the present one.

    ``clear``, ``advance``, ``deliver`` tell the layers to begin an image, to begin a tick, to
    exchange events; ``busy`` and ``pending`` tell whether any layer still works on a row or a fold,
    or still has spikes of this tick to send. ``verdict`` comes once per tick: an output fires;
    ``winner`` is right from the next cycle on. ``running``: an image is in the machine. ``skip``:
    it has ended, the rest of its events is passed over.

    With ``learning``, an image that ``learns`` runs on past its decision until ``ended``; then
    ``teach`` asks for what :class:`hw.learning.supervised.learner.Learner` does with it, until
    ``taught``.
    """

    i: stream.Interface
    o: stream.Interface
    event: stream.Interface
    verdict: stream.Interface
    winner: Signal
    tick: Signal
    rejected: Signal
    busy: Signal
    pending: Signal
    clear: Signal
    advance: Signal
    deliver: Signal
    running: Signal
    skip: Signal
    learns: Signal
    ended: Signal
    taught: Signal
    teach: Signal

    def __init__(self, network: Network, learning: bool = False):
        self.network, self.learning = network, learning
        asked = (
            {"learns": In(1), "ended": In(1), "taught": In(1), "teach": Out(1)} if learning else {}
        )
        super().__init__(
            {
                "i": In(stream.Signature(event(network))),
                "o": Out(stream.Signature(outcome(network))),
                "event": Out(stream.Signature(bits_for(network.encoder.inputs - 1))),
                "verdict": In(stream.Signature(1, always_ready=True)),
                "winner": In(bits_for(len(network.classes) - 1)),
                "tick": Out(bits_for(network.last_tick)),
                "busy": In(1),
                "pending": In(1),
                **{
                    name: Out(1)
                    for name in ("rejected", "clear", "advance", "deliver", "running", "skip")
                },
                **asked,
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: what the event at the head is, and the states of an image."""
        m = Module()
        head: data.View = self.i.payload
        spike, bad, due, begun = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            spike.eq(self.i.valid & (head.kind == Kind.SPIKE)),
            bad.eq(
                spike & ((head.neuron >= self.network.encoder.inputs) | (head.tick < self.tick))
            ),
            due.eq(spike & ~bad & (head.tick == self.tick)),
            self.event.payload.eq(head.neuron),
            self.running.eq(begun | (self.deliver & self.i.valid)),
            self.o.payload.tick.eq(self.tick),
            self.o.payload.decision.eq(self.winner),
        ]
        if self.learning:
            self._keep_decision(m)
        m.d.sync += begun.eq(self.running & ~self.clear)
        with m.FSM():
            with m.State("START"):
                m.d.comb += self.clear.eq(1)
                m.next = "DELIVER"
            with m.State("DELIVER"):
                m.d.comb += [
                    self.deliver.eq(1),
                    self.rejected.eq(bad),
                    self.event.valid.eq(due),
                    self.i.ready.eq(bad | (due & self.event.ready)),
                ]
                with m.If(self.i.valid & (head.kind == Kind.ABORT)):
                    m.d.sync += self.o.payload.status.eq(Status.DROPPED)
                    m.next = "FINISH"
                with m.Elif(self.i.valid & ~bad & ~due & ~self.busy & ~self.pending):
                    with m.If(self.tick == self.network.last_tick):
                        m.d.sync += self.o.payload.status.eq(Status.TIMED_OUT)
                        m.next = "FINISH"
                        if self.learning:
                            self._learn_late(m)
                    with m.Else():
                        m.d.comb += self.advance.eq(1)
                        m.d.sync += self.tick.eq(self.tick + 1)
                        m.next = "DECIDE"
            with m.State("DECIDE"):
                with m.If(self.verdict.valid & self.verdict.payload):
                    m.d.sync += self.o.payload.status.eq(Status.DECIDED)
                    m.next = "FINISH"
                with m.Elif(~self.busy):
                    m.next = "DELIVER"
                if self.learning:
                    self._run_on(m)
            if self.learning:
                with m.State("LEARN"):
                    m.d.comb += [self.teach.eq(1), self.skip.eq(1)]
                    with m.If(self.taught):
                        m.next = "FINISH"
            with m.State("FINISH"):
                m.d.comb += [
                    self.o.valid.eq(1),
                    self.clear.eq(self.o.ready),
                    self.skip.eq(1),
                    self.i.ready.eq(self.o.ready),
                ]
                with m.If(self.o.ready):
                    m.d.sync += self.tick.eq(0)
                    m.next = "SKIP"
                    with m.If(self.i.valid & ~spike):
                        m.next = "DELIVER"
            with m.State("SKIP"):
                m.d.comb += [self.skip.eq(1), self.i.ready.eq(1)]
                with m.If(self.i.valid & ~spike):
                    m.next = "DELIVER"
        return m

    def _keep_decision(self, m: Module) -> None:
        """Keep what was decided first, and when, while an image that learns runs on."""
        first, tick, decision = Signal(), Signal.like(self.tick), Signal.like(self.winner)
        self.decided = Signal()
        m.d.sync += first.eq(0)
        with m.If(self.clear):
            m.d.sync += self.decided.eq(0)
        with m.Elif(self.verdict.valid & self.verdict.payload & ~self.decided):
            m.d.sync += [self.decided.eq(1), first.eq(1), tick.eq(self.tick)]
        with m.If(first):
            m.d.sync += decision.eq(self.winner)
        with m.If(self.decided):
            m.d.comb += self.o.payload.tick.eq(tick)
        with m.If(self.decided & ~first):
            m.d.comb += self.o.payload.decision.eq(decision)

    def _run_on(self, m: Module) -> None:
        """An image that learns goes on after its decision, and ends when every layer has come to
        rest.
        """
        with m.If(self.learns):
            m.next = "DECIDE"
            with m.If(~self.busy):
                m.next = "DELIVER"
            with m.If(~self.busy & self.ended):
                m.next = "LEARN"

    def _learn_late(self, m: Module) -> None:
        """An image that learns may be decided, though its time is out."""
        with m.If(self.learns):
            m.next = "LEARN"
            with m.If(self.decided):
                m.d.sync += self.o.payload.status.eq(Status.DECIDED)
