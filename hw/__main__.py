"""``python -m hw``: the gateware and its boards on the command line."""

from sim.console import run_command


def main() -> int:
    """Run :func:`hw.commands.parser.main`, imported only here, so that a package that is missing is
    one sentence.
    """
    from hw.commands.parser import main as command_line

    return command_line()


if __name__ == "__main__":
    run_command(main)
