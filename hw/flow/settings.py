"""What is to be built: a network on a board, at which clock, placed how."""

from dataclasses import dataclass

from hw.boards import top
from hw.boards.table import Board, Flash
from hw.flow.placement import block_bits, fills_blocks
from hw.flow.reuse import placeholder
from hw.flow.seeds import ONE_SEED, Search
from hw.flow.toolchain import SEED, Job
from hw.parameters import MachineParameters

FASTEST = "auto"
"""Clock: whatever the routed design reaches."""

_PLACER_WHEN_CROWDED = "static"
"""nextpnr's usual placer heaps logic up far from block RAM, too tight to route (784-600-10: 48
against 60 MHz).
"""


@dataclass(frozen=True, eq=False)
class Settings:
    """What is to be built.

    :param clock_hz: of the machine; ``FASTEST``: route, then take the PLL's highest frequency below
        what was reached.
    :param baud: of the serial line.
    :param seed: of placement, the first one of those in ``search``.
    :param placer: of nextpnr; None: the one that copes with full devices where weights take most of
        the block RAM.
    :param router: of nextpnr; None: its own choice.
    :param reuse: leave room for any other weights; what was routed for others of the same structure
        is used again.
    """

    pipeline: MachineParameters
    board: Board
    clock_hz: float | str
    baud: int = top.BAUD
    seed: int = SEED
    placer: str | None = None
    router: str | None = None
    reuse: bool = False
    search: Search = ONE_SEED

    @property
    def job(self) -> Job:
        """How it is placed and routed."""
        device = self.board.device
        crowded = (
            device.family == "ecp5"
            and 2 * block_bits(self.pipeline) > device.blocks * device.block_bits
        )
        placer = self.placer or (_PLACER_WHEN_CROWDED if crowded else None)
        return Job(self.seed, placer, self.router, self.reuse)

    @property
    def placed(self) -> MachineParameters:
        """The machine that is placed: with weights that others can replace, if wanted."""
        return placeholder(self.pipeline) if self.reuse else self.pipeline

    @property
    def flash(self) -> Flash | None:
        """The board's flash, if weights lie there."""
        return None if self.pipeline.flash is None else self.board.flash

    def top(self, clock_hz: float) -> top.BoardParameters:
        """Return the board's gateware at that clock.

        Where block RAM is short, the frame buffer lies in look-up tables (ECP5), or holds one
        request instead of two (iCE40, to make room for the memory of the digest).

        :raises InputError: the clock cannot make the bit rate, or the weights cannot be exchanged.
        """
        device = self.board.device
        ecp5 = device.family == "ecp5"
        return top.BoardParameters(
            self.placed,
            int(clock_hz),
            self.baud,
            buffer_style="distributed" if ecp5 and fills_blocks(self.pipeline, device) else "auto",
            buffered=2 if ecp5 or not self.reuse else 1,
        )
