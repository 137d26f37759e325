"""Puts the state of every fold back to its start, where events do not come to all of them."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class Sweep(wiring.Component):
    """Counts the folds once after each ``clear``, from the following cycle on.

    ``busy``: in this cycle ``fold`` gets its start. ``phase``: which of the start words that is, as
    these repeat from position to position.

    :param folds: of the layer, 2 or more.
    :param period: start words, a divisor of ``folds``.
    """

    clear: Signal
    busy: Signal
    fold: Signal
    phase: Signal

    def __init__(self, folds: int, period: int = 1):
        self.folds, self.period = folds, period
        super().__init__(
            {
                "clear": In(1),
                "busy": Out(1),
                "fold": Out(range(folds)),
                "phase": Out(range(period)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build: two counters that end together."""
        m = Module()

        with m.If(self.clear):
            m.d.sync += [self.busy.eq(1), self.fold.eq(0), self.phase.eq(0)]
        with m.Elif(self.busy):
            m.d.sync += [
                self.busy.eq(self.fold != self.folds - 1),
                self.fold.eq(self.fold + 1),
                self.phase.eq(self.phase + 1),
            ]
            with m.If(self.phase == self.period - 1):
                m.d.sync += self.phase.eq(0)
        return m
