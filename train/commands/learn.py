"""``python -m train learn``: learning in place, in integers, from random weights or an exported
network.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from sim.commands import options
from sim.commands.command_line import STANDARD_OUTPUT, Commands, add_command, real, whole
from sim.commands.learnt import write_learnt
from sim.console import progress_bar
from sim.data import dataset
from sim.errors import InputError
from sim.file import NETWORK_FILE, load
from sim.files import atomic_path
from sim.learning.schedule import default_rule
from sim.learning.supervised import Rule
from sim.network import Network
from train.commands.options import add_restart, say_epoch
from train.learning.curve import figures, plot, table
from train.learning.in_place import LearnSettings, Point, State
from train.learning.in_place import run as learn
from train.learning.random_network import random_network

EXAMPLE = "--dataset mnist --hidden 600 --shift 1 --out build/learned"

SCRATCH_SKIP, ADAPT_SKIP = (0, 230), (192, 243)
"""``--skip`` from random weights, and from a trained network, which large steps would first
unlearn.
"""

RULE = ("margin", "reach", "rivals", "noise_bits")
"""Options that change a constant of the rule."""

CHECKPOINT_FILE = "learning.checkpoint"
CURVE_FILE = "learning.svg"


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = add_command(commands, "learn", "learn in place, in integers", EXAMPLE, run)
    options.add_out(parser, "network, vectors, checkpoint, curve")
    parser.add_argument(
        "--from", dest="source", type=Path, metavar="DIR", help="adapt this network (else: random)"
    )
    parser.add_numbers(
        "--hidden", default=(600,), metavar="N", help="hidden neurons when from random (600)"
    )
    parser.add_numbers(
        "--bright", default=(127,), metavar="N,N", help="levels when from random (127)"
    )

    options.add_dataset(parser)
    options.add_limit(parser)
    options.add_epochs(parser, default=20, low=0)
    options.add_seed(parser, "weights, order, shifts and draws")
    counts = {
        "--shift": "augment: shifts of up to N pixels (0)",
        "--stuck": "change: the N busiest rows stuck at 0",
    }
    for name, text in counts.items():
        parser.add_argument(name, type=whole(0), default=0, metavar="N", help=text)
    parser.add_argument(
        "--turn", type=real, default=0.0, metavar="DEG", help="change: all images turned"
    )

    rule = {
        "--margin": ("TICKS", "of the rule (3/4 of ticks_per_unit)"),
        "--reach": ("N", "of the rule (1/4 of the hidden threshold)"),
        "--rivals": ("N", "of the rule, most outputs whose weights an image lowers (1)"),
        "--noise-bits": ("N", "of the rule (6)"),
    }
    for name, (metavar, text) in rule.items():
        parser.add_argument(name, type=whole(), metavar=metavar, help=text)
    text = f"{_pair(SCRATCH_SKIP)} from random, else {_pair(ADAPT_SKIP)}"
    options.add_skip(parser, None, text)
    add_restart(parser)
    options.add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Learn, then write the network, its vectors and the learning curve.

    :raises InputError: an argument, the network, the data or a checkpoint cannot be used.
    """
    data = dataset.load(arguments.dataset, arguments.data)
    data.check_trainable()
    start = _start(arguments, data)
    skip = arguments.skip or (SCRATCH_SKIP if arguments.source is None else ADAPT_SKIP)
    settings = LearnSettings(
        network=f"{start.digest:08x}",
        dataset=arguments.dataset,
        rule=_rule(arguments, start),
        epochs=arguments.epochs,
        seed=arguments.seed,
        shift=arguments.shift,
        turn=arguments.turn,
        stuck=arguments.stuck,
        limit=arguments.limit,
        skip=skip,
    )

    checkpoint = arguments.out / CHECKPOINT_FILE
    if arguments.restart:
        checkpoint.unlink(missing_ok=True)

    def report(point: Point) -> None:
        say_epoch({"epoch": point.epoch, "accuracy": point.validation}, settings.epochs)

    with progress_bar() as bar:
        task = bar.add_task("learning", total=settings.epochs * settings.count(data))
        state = learn(
            settings, start, data, checkpoint, lambda count: bar.advance(task, count), report
        )

    found = figures(settings, state)
    network = replace(state.network, provenance=_provenance(settings, state))
    write_learnt(arguments.out, network, data.test_images, found)
    with atomic_path(arguments.out / CURVE_FILE) as temporary:
        plot(state.curve).savefig(temporary, format="svg")
    options.show(found, arguments.json, lambda: Console().print(table(state.curve)))
    if arguments.json != STANDARD_OUTPUT:
        print(f"network: {arguments.out / NETWORK_FILE}", file=sys.stderr)
    return 0


def _pair(skip: tuple[int, int]) -> str:
    return ",".join(map(str, skip))


def _start(arguments: argparse.Namespace, data: dataset.Dataset) -> Network:
    """Return the network to start from.

    :raises InputError: it cannot be read, or a random one cannot be as it is asked for.
    """
    if arguments.source is not None:
        return load(arguments.source)
    if len(arguments.hidden) != 1:
        raise InputError(
            f"--hidden: what learns in place has one hidden layer, not {len(arguments.hidden)}."
        )
    return random_network(data, arguments.hidden[0], arguments.seed, arguments.bright)


def _rule(arguments: argparse.Namespace, start: Network) -> Rule:
    chosen = {name: getattr(arguments, name) for name in RULE}
    given = {name: value for name, value in chosen.items() if value is not None}
    return replace(default_rule(start), **given)


def _provenance(settings: LearnSettings, state: State) -> dict[str, object]:
    last = state.curve[-1]
    return {
        "command": "train learn",
        "settings": settings.to_json(),
        "accuracy": {"validation": last.validation, "test": last.test},
    }
