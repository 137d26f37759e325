"""Bugs in weights that do not come with the bitstream, for ``mutants.py``: name, file, text, what takes its place."""

WORDS = [
    ("words: behind a gap counted", "hw/words.py", "(address == self.loaded)", "(address >= self.loaded)"),
    ("words: one beyond the last", "hw/words.py", "(end <= rows.depth)", "(end <= rows.depth + 1)"),
    ("words: none asked for", "hw/words.py", " & (self.where.count != 0)", ""),
    (
        "words: images before weights",
        "hw/responder.py",
        "(length == self.image_bytes) & complete)",
        "(length == self.image_bytes))",
    ),
    ("words: bytes missing", "hw/responder.py", "(exchange.size == left)", "(exchange.size >= left)"),
    ("words: bytes too many", "hw/responder.py", "(exchange.size == left)", "(exchange.size <= left)"),
    ("words: a reply too long", "hw/responder.py", "(exchange.size <= FETCH_BYTES)", "(exchange.size != 0)"),
    ("words: the host does not go first", "hw/spram.py", "Mux(host.read | host.write,", "Mux(host.write,"),
]

PRIMITIVES = [
    (
        "words: bank of the address, not of the word",
        "hw/spram.py",
        "m.d.sync += read_bank.eq",
        "m.d.comb += read_bank.eq",
    ),
]

REUSE = [
    ("reuse: digest stays", "hw/digest.py", 'list(digest.to_bytes(DIGEST_BYTES, "little"))', "[0] * DIGEST_BYTES"),
    ("reuse: structure not compared", "hw/reuse.py", "if before.get(name) != value:", "if False:"),
]

FLASH = [
    ("flash: a clock of the command short", "hw/flash.py", "bits.eq(COMMAND_BITS - 1)", "bits.eq(COMMAND_BITS - 2)"),
    ("flash: wires in reverse", "hw/flash.py", "bus.i[: self.wires]", "bus.i[: self.wires][::-1]"),
    ("flash: quad not enabled", "hw/flash.py", "if self.wires == 4 else []", "if self.wires > 4 else []"),
    ("flash: quad enabled for good", "hw/flash.py", "quad = [(VOLATILE, 8), ", "quad = [(0x06, 8), "),
    ("flash: wires not let go", "hw/flash.py", "with m.If(reads & (bits == DUMMY_BITS))", "with m.If(Const(0))"),
    ("flash: let go too early", "hw/flash.py", "reads & (bits == DUMMY_BITS)", "bits == DUMMY_BITS"),
    ("flash: held", "hw/flash.py", "Const(0b11, 2)", "Const(0b01, 2)"),
    ("flash: HOLD let go", "hw/flash.py", "driven if self.wires == 4 else Const(1)", "driven"),
    (
        "flash: begun again",
        "hw/flash.py",
        "Signal(range(len(self.first))), Signal(reset_less=True)",
        "Signal(range(len(self.first))), Signal()",
    ),
    ("flash: rows begin at the digest", "hw/flash.py", "Const(self.base + HEADER_BYTES, 24)", "Const(self.base, 24)"),
    ("flash: not waited until awake", "hw/flash.py", "with m.If(step == 0):", "with m.If(Const(0)):"),
    ("flash: no pause", "hw/flash.py", "sync += wait.eq(DESELECT_CYCLES - 1)", "sync += wait.eq(0)"),
    ("flash: other weights", "hw/top.py", "machine.flash.digest == number", "number == number"),
    ("flash: wires of the board", "hw/storage.py", "flash_wires=board.flash.wires", "flash_wires=2"),
]
