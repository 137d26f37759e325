"""From a design to a bitstream, and to the figures of what was built."""
