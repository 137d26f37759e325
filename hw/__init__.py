"""The integer machine as gateware: stream components in Amaranth that equal :mod:`sim` on every
image.
"""
