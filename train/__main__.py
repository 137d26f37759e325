"""``python -m train``: training on the command line."""

from sim.console import run_command


def main() -> int:
    """Run :func:`train.commands.parser.main`, imported only here, so that a package that is missing
    is one sentence.
    """
    from train.commands.parser import main as command_line

    return command_line()


if __name__ == "__main__":
    run_command(main)
