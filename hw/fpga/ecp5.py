"""Lattice ECP5."""

from hw.fpga.device import Device

ECP5_25F = Device("ecp5", "25k", luts=24288, blocks=56, block_bits=18 * 1024)
ECP5_45F = Device("ecp5", "45k", luts=43848, blocks=108, block_bits=18 * 1024)
ECP5_85F = Device("ecp5", "85k", luts=83640, blocks=208, block_bits=18 * 1024)
