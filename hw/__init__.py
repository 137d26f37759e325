"""The integer machine as gateware: stream components in Amaranth that equal :mod:`sim` on every
image.

Begin with :mod:`hw.machine.pipeline`, the layers and the steps of an image, and
:mod:`hw.machine.neurons`, where state changes; what travels between parts is in :mod:`hw.events`.
:mod:`hw.boards.top` puts the machine on a board, :mod:`hw.flow.build` makes its bitstream, and
:mod:`hw.bench.simulate` compares the gateware with :mod:`sim`.
"""
