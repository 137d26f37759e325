"""Bugs in what a board does with words of weights, for ``mutants.py``: name, file, text, what takes its place."""

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
