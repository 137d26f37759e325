"""``python -m train``: training on the command line."""

from sim.command import run_command


def main() -> int:
    """Run :func:`train.command_line.main`, imported only here, so that a package that is missing is one sentence."""
    from train.command_line import main as command_line

    return command_line()


if __name__ == "__main__":
    run_command(main)
