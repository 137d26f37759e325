"""What goes into a board: a serial line on one side, the machine on the other."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockDomain, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.cdc import ResetSynchronizer
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.boards.digest import Digest
from hw.boards.flash_pins import connect_pins, flash_pins
from hw.boards.table import Flash
from hw.fpga.family import Dividers
from hw.link.frame import MOST_PAYLOAD
from hw.link.framing import Buffer, Receiver, Sender
from hw.link.registers import RegisterFile, rule_registers, to_load
from hw.link.responder import Responder, request_bytes
from hw.link.uart import BAUD, UartReceiver, UartTransmitter, bit_cycles
from hw.machine.machine import Machine
from hw.parameters import MachineParameters
from hw.storage import flash_port
from sim.errors import require


@dataclass(frozen=True, eq=False)
class BoardParameters:
    """Everything that a board's gateware depends on, the board's pins apart.

    :param pipeline: network and lanes, and how it is built.
    :param clock_hz: of the machine.
    :param baud: bits per second of the serial line.
    :param buffer_style: memory that holds requests, see :class:`hw.link.framing.Buffer`.
    :param buffered: requests that it has room for, at least: with two, one is answered while the
        next one comes.
    :raises InputError: the clock cannot make that bit rate, or an image is larger than a frame.
    """

    pipeline: MachineParameters
    clock_hz: int
    baud: int = BAUD
    buffer_style: str = "auto"
    buffered: int = 2

    def __post_init__(self) -> None:
        bit_cycles(self.clock_hz, self.baud)
        needed = request_bytes(self.pipeline)
        problem = (
            f"a request of {needed} bytes is larger than a frame of the link, which has at most "
            f"{MOST_PAYLOAD}; take smaller images"
        )
        require(needed <= MOST_PAYLOAD, "image_shape", problem)

    @property
    def request_bytes(self) -> int:
        """Room that the longest request takes."""
        return Buffer.room(request_bytes(self.pipeline))

    @property
    def buffer(self) -> Buffer:
        """Memory that holds requests."""
        return Buffer(1 << (self.buffered * self.request_bytes).bit_length(), self.buffer_style)

    @property
    def window(self) -> int:
        """Requests that may be on their way at once, of any kind; one byte of the buffer always
        stays free.
        """
        return (self.buffer.bytes - 1) // self.request_bytes


class Top(wiring.Component):
    """The whole gateware of a board but its clock: ``rx`` and ``tx`` are the serial line, idle
    high.

    ``flash``: see :class:`hw.storage.flash.FlashPort`.
    """

    rx: Signal
    tx: Signal
    flash: Any

    def __init__(self, parameters: BoardParameters):
        self.parameters = parameters
        flash = flash_port(parameters.pipeline)
        super().__init__({"rx": In(1), "tx": Out(1), "flash": Out(flash)})

    def elaborate(self, platform: object) -> Module:
        """Build: line, frames, requests, machine."""
        m = Module()

        parameters = self.parameters
        divisor = bit_cycles(parameters.clock_hz, parameters.baud)
        m.submodules.uart_receiver = uart_receiver = UartReceiver(divisor)
        m.submodules.receiver = receiver = Receiver(parameters.buffer)
        m.submodules.responder = responder = Responder(parameters.pipeline)
        m.submodules.machine = machine = Machine(parameters.pipeline)
        m.submodules.sender = sender = Sender(Buffer.room(responder.answer_bytes))
        m.submodules.uart_transmitter = uart_transmitter = UartTransmitter(divisor)
        m.submodules.registers = registers = RegisterFile(self._constants(m, machine))

        # The way of a request and of its reply.
        connect(m, uart_receiver.o, receiver.i)
        connect(m, receiver.o, responder.i)
        connect(m, responder.pixels, machine.i)
        connect(m, machine.o, responder.results)
        connect(m, responder.o, sender.i)
        connect(m, sender.o, uart_transmitter.i)

        # What the host reaches inside the machine, and the pins of the flash.
        connect(m, responder.host, machine.host)
        connect(m, machine.flash, flipped(self.flash))
        m.d.comb += [
            uart_receiver.rx.eq(self.rx),
            self.tx.eq(uart_transmitter.tx),
            registers.address.eq(responder.address),
            responder.value.eq(registers.value),
            responder.known.eq(registers.known),
            registers.damaged.eq(receiver.damaged),
            registers.dropped.eq(machine.dropped),
            registers.loaded.eq(responder.loaded),
            registers.lessons.eq(responder.lessons),
            registers.generator.eq(responder.generator),
        ]
        return m

    def _constants(self, m: Module, machine: Machine) -> dict[str, int | Value]:
        """Return the registers that do not count, by name."""
        parameters, pipeline = self.parameters, self.parameters.pipeline

        # The weights may change without the structure: then their digest is stored with them.
        digest: int | Value = pipeline.network.digest
        if pipeline.exchangeable:
            m.submodules.digest = memory = Digest(pipeline.network.digest)
            digest = memory.value

        # A host takes 0 for the digest of weights that it must not use.
        if pipeline.flash_layer is not None:
            digest = Mux(machine.flash.digest == digest, digest, 0)

        return {
            "digest": digest,
            "clock_hz": parameters.clock_hz,
            "window": parameters.window,
            "lanes": int(pipeline.lanes),
            "to_load": to_load(pipeline.loaded_layer, pipeline.shared_layers),
            **rule_registers(pipeline.rule),
        }


class BoardTop(wiring.Component):
    """What is synthesised: :class:`Top` and its clock. Ports are named as in the pin files:
    ``clk``, ``rx``, ``tx``, and those of the flash if weights are there; see
    :mod:`hw.boards.flash_pins`.

    :param dividers: of the PLL that makes the machine's clock; None: it is ``clk`` itself.
    :param flash: the board's; None: no weights are there.
    """

    clk: Signal
    rx: Signal
    tx: Signal

    def __init__(
        self, parameters: BoardParameters, dividers: Dividers | None, flash: Flash | None = None
    ):
        self.parameters, self.dividers, self.flash = parameters, dividers, flash
        super().__init__({"clk": In(1), "rx": In(1), "tx": Out(1), **flash_pins(flash)})

    def elaborate(self, platform: object) -> Module:
        """Build: the clock, held in reset until the PLL has locked."""
        m = Module()

        domain: Any = ClockDomain("sync", reset_less=self.dividers is None)
        m.domains += domain
        # Without a PLL flip-flops start with the bitstream's values, and nothing resets them.
        if self.dividers is None:
            m.d.comb += domain.clk.eq(self.clk)
        else:
            locked = Signal()
            m.submodules.pll = self.dividers.instance(self.clk, domain.clk, locked)
            m.submodules.reset = ResetSynchronizer(~locked)

        m.submodules.top = top = Top(self.parameters)
        m.d.comb += [top.rx.eq(self.rx), self.tx.eq(top.tx)]
        if self.flash is not None:
            connect_pins(m, top.flash.bus, self, self.flash)
        return m
