"""Both ends of the serial line between a host and a board."""
