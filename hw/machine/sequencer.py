"""The steps of an image, in the order that :mod:`sim.pipeline` states: advance, decide, fire,
deliver.
"""

from typing import Any

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.events import Kind, Status, event, outcome, verdict
from hw.learning.port import ImagePort
from hw.parameters import fires_at_start
from sim.encoders.events import Events
from sim.network import Network


class Sequencer(wiring.Component):
    """Leads all layers through an image, tick by tick.

    ``i``: events of images. ``o``: the outcome of each image; the layers forget the image in the
    cycle it is taken. ``event``: the events due at this tick, for the first layer. ``rejected``: an
    event out of range or out of order is ignored in this cycle. ``tick``: the current one.

    ``clear``, ``advance``, ``deliver`` make the layers begin an image, begin a tick, exchange
    events; ``busy``: a layer still works on a row or a fold; ``pending``: it still has spikes of
    this tick to send. ``verdict``: of the readout, once per advance, or, of one that does not end
    images, at the last tick; until it comes nothing of the tick is delivered. Where neurons may
    fire at tick 0 an image begins with an advance to that tick. ``running``: an image is in the
    machine. ``discard``: it has ended, the rest of its events is ignored.

    With ``overlaps`` some layers fire on while the layers that they feed take events; ``settling``:
    a layer that does not is at work on its folds.

    With ``learning`` there is also ``learner``, see :class:`hw.learning.port.ImagePort`: an image
    that ``learns`` runs on past its decision until ``ended``, and then teaches.
    """

    i: stream.Interface
    o: stream.Interface
    event: stream.Interface
    verdict: stream.Interface
    tick: Signal
    rejected: Signal
    busy: Signal
    pending: Signal
    clear: Signal
    advance: Signal
    deliver: Signal
    running: Signal
    discard: Signal
    settling: Signal
    learner: Any

    def __init__(self, network: Network, learning: bool = False, overlaps: bool = False):
        self.network, self.learning, self.overlaps = network, learning, overlaps
        self.eager = fires_at_start(network)
        outputs = ("rejected", "clear", "advance", "deliver", "running", "discard")
        classes = len(network.classes)
        super().__init__(
            {
                "i": In(stream.Signature(event(network))),
                "o": Out(stream.Signature(outcome(network))),
                "event": Out(stream.Signature(bits_for(network.encoder.inputs - 1))),
                "verdict": In(stream.Signature(verdict(classes), always_ready=True)),
                "tick": Out(bits_for(network.last_tick)),
                "busy": In(1),
                "pending": In(1),
                **{name: Out(1) for name in outputs},
                **({"settling": In(1)} if overlaps else {}),
                **({"learner": Out(ImagePort(network))} if learning else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: what the event at the head is, and the states of an image."""
        m = Module()

        head: data.View = self.i.payload

        # The beat at the head: a spike that may not come now, one of this tick, or neither.
        spike, bad, due = Signal(), Signal(), Signal()
        out_of_range = head.neuron >= self.network.encoder.inputs
        if isinstance(self.network.encoder, Events):
            out_of_range = head.bad
        m.d.comb += [
            spike.eq(self.i.valid & (head.kind == Kind.SPIKE)),
            bad.eq(spike & (out_of_range | (head.tick < self.tick))),
            due.eq(spike & ~bad & (head.tick == self.tick)),
            self.event.payload.eq(head.neuron),
        ]

        # An image begins with its first beat, not when the one before it has ended.
        begun = Signal()
        opening = self.deliver
        if self.eager:
            opening = Signal()
            m.d.comb += opening.eq(self.deliver | self.advance)
        m.d.comb += self.running.eq(begun | (opening & self.i.valid))
        m.d.sync += begun.eq(self.running & ~self.clear)

        held, ends = self._take_verdict(m)
        dropped = self._build_outcome(m)
        if self.learning:
            self._show_image(m)

        first = "BEGIN" if self.eager else "DELIVER"
        with m.FSM():
            with m.State("START"):
                m.d.comb += self.clear.eq(1)
                m.next = first

            # The layers come to tick 0 when the image's first beat does.
            if self.eager:
                with m.State("BEGIN"), m.If(self.i.valid & ~self.busy):
                    m.d.comb += self.advance.eq(1)
                    m.next = "DECIDE"

            # Step 4 of a tick, and the end of it: with the next tick's first beat at the head and
            # every layer at rest, all advance.
            with m.State("DELIVER"):
                with m.If(ends):
                    m.next = "FINISH"
                with m.Elif(~held):
                    m.d.comb += [
                        self.deliver.eq(1),
                        self.rejected.eq(bad),
                        self.event.valid.eq(due),
                        self.i.ready.eq(bad | (due & self.event.ready)),
                    ]
                    with m.If(self.i.valid & (head.kind == Kind.ABORT)):
                        m.d.sync += dropped.eq(1)
                        m.next = "FINISH"
                    with m.Elif(self.i.valid & ~bad & ~due & ~self.busy & ~self.pending):
                        with m.If(self.tick == self.network.last_tick):
                            m.next = "FINISH"
                            self._learn_if(m, Const(1))
                        with m.Else():
                            m.d.comb += self.advance.eq(1)
                            m.d.sync += self.tick.eq(self.tick + 1)
                            m.next = "DECIDE"

            # Steps 1 to 3: layers integrate, the readout looks at the outputs' folds. An output
            # layer of fewer folds than others may end the image while they still integrate.
            with m.State("DECIDE"):
                with m.If(ends):
                    m.next = "FINISH"
                with m.Elif(~(self.settling if self.overlaps else self.busy)):
                    m.next = "DELIVER"
                    if self.learning:
                        self._learn_if(m, self.learner.ended)

            if self.learning:
                with m.State("LEARN"):
                    # The verdict of this tick, whose spikes nobody reads any more, may be on its
                    # way.
                    m.d.comb += [self.learner.teach.eq(~held), self.discard.eq(1)]
                    with m.If(self.learner.taught):
                        m.next = "FINISH"

            # Beats are ignored as long as the outcome waits, if it is not the image's last one.
            with m.State("FINISH"):
                m.d.comb += [
                    self.o.valid.eq(1),
                    self.clear.eq(self.o.ready),
                    self.discard.eq(1),
                    self.i.ready.eq(self.o.ready),
                ]
                with m.If(self.o.ready):
                    m.d.sync += self.tick.eq(0)
                    m.next = "DISCARD"
                    with m.If(self.i.valid & ~spike):
                        m.next = first

            with m.State("DISCARD"):
                m.d.comb += [self.discard.eq(1), self.i.ready.eq(1)]
                with m.If(self.i.valid & ~spike):
                    m.next = first
        return m

    def _take_verdict(self, m: Module) -> tuple[Value, Value]:
        """Keep what the readout says; return whether the tick's verdict is still to come, and
        whether the image ends now.

        Both come from flip-flops with a gate or two behind: what is delivered waits for them.
        """
        awaited, held, ends = Signal(), Signal(), Signal()
        said: data.View = self.verdict.payload
        m.d.comb += [
            held.eq(awaited & ~self.verdict.valid),
            ends.eq(self.verdict.valid & said.ended),
        ]
        if self.learning:
            with m.If(self.learner.learns):  # it runs on; ``self.decided`` keeps that it had ended
                m.d.comb += ends.eq(0)

        # A readout that does not end images is asked once.
        asked = self.advance
        if not self.network.early:
            asked = self.advance & self.deliver & (self.tick == self.network.last_tick - 1)
        with m.If(asked):
            m.d.sync += awaited.eq(1)
        with m.Elif(self.verdict.valid):
            m.d.sync += awaited.eq(0)

        # The first verdict that ends the image is its decision; without any, the last one is.
        self.decided = Signal()
        decision, decision_tick = Signal.like(said.winner), Signal.like(self.tick)
        with m.If(self.clear):
            m.d.sync += self.decided.eq(0)
        with m.Elif(self.verdict.valid & ~self.decided):
            m.d.sync += [self.decided.eq(said.ended), decision.eq(said.winner)]
            if self.learning:
                m.d.sync += decision_tick.eq(self.tick)

        m.d.comb += [self.o.payload.decision.eq(decision), self.o.payload.tick.eq(self.tick)]
        if self.learning:
            with m.If(self.decided):
                m.d.comb += self.o.payload.tick.eq(decision_tick)
        return held, ends

    def _build_outcome(self, m: Module) -> Signal:
        """Say how the image ended; return what remembers that it was broken off."""
        dropped = Signal()
        status = self.o.payload.status
        m.d.comb += status.eq(Status.TIMED_OUT if self.network.early else Status.DECIDED)
        with m.If(self.decided):
            m.d.comb += status.eq(Status.DECIDED)
        with m.If(dropped):
            m.d.comb += status.eq(Status.DROPPED)

        with m.If(self.clear):
            m.d.sync += dropped.eq(0)
        return dropped

    def _learn_if(self, m: Module, ended: Value) -> None:
        """Teach next, if the image has a lesson and has ``ended``."""
        if self.learning:
            with m.If(self.learner.learns & ended):
                m.next = "LEARN"

    def _show_image(self, m: Module) -> None:
        """Let the learner see the image."""
        m.d.comb += [
            self.learner.running.eq(self.running),
            self.learner.tick.eq(self.tick),
            self.learner.now.eq(self.tick + self.advance),
            self.learner.delivered.eq(self.event.valid & self.event.ready),
            self.learner.neuron.eq(self.event.payload),
            self.learner.finish.eq(self.o.valid & self.o.ready),
        ]
