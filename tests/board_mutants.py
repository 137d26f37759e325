"""Bugs in weights that do not come with the bitstream, for ``mutants.py``: name, file, text, what
takes its place.
"""

WORDS = [
    (
        "words: behind a gap counted",
        "hw/link/words.py",
        "(address == self.loaded)",
        "(address >= self.loaded)",
    ),
    (
        "words: one beyond the last",
        "hw/link/words.py",
        "(end <= rows.depth)",
        "(end <= rows.depth + 1)",
    ),
    ("words: none asked for", "hw/link/words.py", " & (self.where.count != 0)", ""),
    (
        "words: images before weights",
        "hw/link/responder.py",
        "(length == self.image_bytes) & complete)",
        "(length == self.image_bytes))",
    ),
    (
        "words: bytes missing",
        "hw/link/responder.py",
        "(exchange.size == remaining)",
        "(exchange.size >= remaining)",
    ),
    (
        "words: bytes too many",
        "hw/link/responder.py",
        "(exchange.size == remaining)",
        "(exchange.size <= remaining)",
    ),
    (
        "words: a reply too long",
        "hw/link/responder.py",
        "(exchange.size <= FETCH_BYTES)",
        "(exchange.size != 0)",
    ),
    (
        "words: the host does not go first",
        "hw/storage/spram.py",
        "Mux(host.read | host.write,",
        "Mux(host.write,",
    ),
]

PRIMITIVES = [
    (
        "words: bank of the address, not of the word",
        "hw/storage/spram.py",
        "m.d.sync += read_bank.eq",
        "m.d.comb += read_bank.eq",
    ),
]

REUSE = [
    (
        "reuse: digest stays",
        "hw/boards/digest.py",
        'list(digest.to_bytes(DIGEST_BYTES, "little"))',
        "[0] * DIGEST_BYTES",
    ),
    (
        "reuse: structure not compared",
        "hw/flow/reuse.py",
        "if before.get(name) != value:",
        "if False:",
    ),
]

FLASH = [
    (
        "flash: a clock of the command short",
        "hw/storage/flash.py",
        "bits.eq(COMMAND_BITS - 1)",
        "bits.eq(COMMAND_BITS - 2)",
    ),
    (
        "flash: wires in reverse",
        "hw/storage/flash.py",
        "bus.i[: self.wires]",
        "bus.i[: self.wires][::-1]",
    ),
    (
        "flash: quad not enabled",
        "hw/storage/flash.py",
        "if self.wires == 4 else []",
        "if self.wires > 4 else []",
    ),
    (
        "flash: quad enabled for good",
        "hw/storage/flash.py",
        "quad = [(VOLATILE, 8), ",
        "quad = [(0x06, 8), ",
    ),
    (
        "flash: wires not let go",
        "hw/storage/flash.py",
        "with m.If(reads & (bits == DUMMY_BITS))",
        "with m.If(Const(0))",
    ),
    (
        "flash: let go too early",
        "hw/storage/flash.py",
        "reads & (bits == DUMMY_BITS)",
        "bits == DUMMY_BITS",
    ),
    ("flash: held", "hw/storage/flash.py", "Const(0b11, 2)", "Const(0b01, 2)"),
    (
        "flash: HOLD let go",
        "hw/storage/flash.py",
        "driven if self.wires == 4 else Const(1)",
        "driven",
    ),
    (
        "flash: begun again",
        "hw/storage/flash.py",
        "Signal(range(len(self.first))), Signal(reset_less=True)",
        "Signal(range(len(self.first))), Signal()",
    ),
    (
        "flash: rows begin at the digest",
        "hw/storage/flash.py",
        "Const(self.base + HEADER_BYTES, 24)",
        "Const(self.base, 24)",
    ),
    (
        "flash: not waited until awake",
        "hw/storage/flash.py",
        "with m.If(step == 0):",
        "with m.If(Const(0)):",
    ),
    (
        "flash: no pause",
        "hw/storage/flash.py",
        "sync += wait.eq(DESELECT_CYCLES - 1)",
        "sync += wait.eq(0)",
    ),
    (
        "flash: other weights",
        "hw/boards/top.py",
        "machine.flash.digest == digest",
        "digest == digest",
    ),
    (
        "flash: wires of the board",
        "hw/flow/placement.py",
        "flash(board.flash.wires)",
        "flash(2)",
    ),
]
