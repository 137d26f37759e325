"""What is to be built: a network on a board, at which clock, placed how."""

from dataclasses import dataclass

from hw.boards.table import Board, Flash
from hw.boards.top import BoardParameters
from hw.flow.placement import block_bits, fills_blocks
from hw.flow.reuse import placeholder
from hw.flow.seeds import ONE_SEED, Search
from hw.flow.selections import expected
from hw.flow.toolchain import SEED, Job
from hw.link.uart import BAUD
from hw.parameters import MachineParameters

FASTEST = "auto"
"""Clock: whatever the routed design reaches."""


@dataclass(frozen=True, eq=False)
class BuildSettings:
    """What is to be built.

    :param pipeline: network, lanes, and where the weights are stored.
    :param board: what it is built for.
    :param clock_hz: of the machine; ``FASTEST``: route, then take the PLL's highest frequency below
        what was reached.
    :param baud: of the serial line.
    :param seed: of placement, the first one of those in ``search``.
    :param placer: of nextpnr; None: the one that copes with full devices where weights take most of
        the block RAM.
    :param router: of nextpnr; None: its own choice.
    :param reuse: leave room for any other weights; what was routed for others of the same structure
        is used again.
    :param search: how many seeds are tried, and where.
    """

    pipeline: MachineParameters
    board: Board
    clock_hz: float | str
    baud: int = BAUD
    seed: int = SEED
    placer: str | None = None
    router: str | None = None
    reuse: bool = False
    search: Search = ONE_SEED

    @property
    def job(self) -> Job:
        """How it is placed and routed."""
        device = self.board.device
        crowded = 2 * block_bits(self.pipeline) > device.blocks * device.block_bits

        return Job(
            self.seed,
            self.placer or (device.family.crowded_placer if crowded else None),
            self.router,
            self.reuse,
            expected(self.pipeline, self.reuse),
        )

    @property
    def placed(self) -> MachineParameters:
        """The machine that is placed: with weights that others can replace, if wanted."""
        return placeholder(self.pipeline) if self.reuse else self.pipeline

    @property
    def flash(self) -> Flash | None:
        """The board's flash, if weights are stored there."""
        return None if self.pipeline.flash_layer is None else self.board.flash

    def top(self, clock_hz: float) -> BoardParameters:
        """Return the board's gateware at that clock.

        Where block RAM is short, the frame buffer is stored in look-up tables, or, in families
        whose look-up tables make no memory, holds one request instead of two (to make room for the
        memory of the digest, or the state of a convolution).

        :raises InputError: the clock cannot make the bit rate, or the weights cannot be exchanged.
        """
        device = self.board.device
        lut_ram = bool(device.family.lut_ram_cell)
        short = fills_blocks(self.pipeline, device)

        return BoardParameters(
            self.placed,
            int(clock_hz),
            self.baud,
            buffer_style="distributed" if lut_ram and short else "auto",
            buffered=2 if lut_ram or (self.pipeline.dense and not self.reuse) else 1,
        )
