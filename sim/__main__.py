"""``python -m sim``: the integer machine on the command line."""

from sim.commands.parser import main
from sim.console import run_command

if __name__ == "__main__":
    run_command(main)
