"""``python -m train fit``: train a network, or go on training it."""

import argparse

from sim.commands.command_line import Commands, add_command
from train.commands.options import add_checkpoint, add_settings, chosen_settings, show
from train.data import load
from train.fit import CHECKPOINT_FILE
from train.fit import run as go_on
from train.neurons import Run, Settings, start_run
from train.parallel import joined

EXAMPLE = "--out build/mnist --seed 2"


def add(commands: Commands) -> None:
    """Declare the command."""
    text = (
        "train, or go on training; "
        "`torchrun --nproc-per-node N -m train fit ...` does so in N processes"
    )
    parser = add_command(commands, "fit", text, EXAMPLE, run)
    add_settings(parser)
    add_checkpoint(parser)
    parser.add_argument("--tensorboard", action="store_true", help="log to DIR/tensorboard")


def run(arguments: argparse.Namespace) -> int:
    """Train, and show the figures of the last epoch."""
    training = train(arguments, chosen_settings(arguments), arguments.tensorboard)
    if training.processes.first:
        show(training.history[-1], arguments)
    return 0


def train(arguments: argparse.Namespace, settings: Settings, tensorboard: bool = False) -> Run:
    """Train as the command line says, alone or as one of several processes.

    :raises InputError: as in training.
    """
    split = load(settings.dataset, arguments.data)
    checkpoint = arguments.out / CHECKPOINT_FILE
    with joined() as processes:
        training = start_run(split, settings, processes)
        if not (tensorboard and processes.first):
            return go_on(training, checkpoint)

        from torch.utils.tensorboard import SummaryWriter  # slow to import, and rarely asked for

        with SummaryWriter(str(arguments.out / "tensorboard")) as writer:

            def log(row: dict[str, float]) -> None:
                for name, value in row.items():
                    writer.add_scalar(name, value, int(row["epoch"]))

            return go_on(training, checkpoint, log)
