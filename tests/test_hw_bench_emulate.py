"""Virtual boards: at a terminal, and with a flash beside them."""

from hw.bench.emulate import VirtualBoard
from hw.link.client import Board
from hw.link.serial_line import SerialLine
from hw.parameters import MachineParameters
from hw.rows import SPRAM, flash
from random_networks import random_images, random_network
from simulated_board import VirtualLine, check_answers, virtual_board

SEED = 7  # the virtual board of tests/test_hw_link_client.py, compiled once for both


def test_virtual_board_at_a_terminal_decides_as_sim():
    network = random_network(SEED)
    with virtual_board(MachineParameters(network, 1).with_placement(0, SPRAM)) as port:
        for seed in (1, 2):  # hosts come and go
            with Board(SerialLine(port), network) as host:
                check_answers(host, network, random_images(network, 200, seed))


def test_the_virtual_board_reads_its_flash():
    network = random_network(9)
    board = VirtualBoard(MachineParameters(network, 1).with_placement(0, flash()))
    with Board(VirtualLine(board), network) as host:
        check_answers(host, network, random_images(network, 30, 9))
    board.close()
