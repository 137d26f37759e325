"""Lattice iCE40."""

from hw.fpga.device import Device

UP5K = Device("ice40", "up5k", luts=5280, blocks=30, block_bits=4096, spram_bits=1 << 20)
HX8K = Device("ice40", "hx8k", luts=7680, blocks=32, block_bits=4096)
