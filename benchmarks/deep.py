"""CPU seconds of one training epoch of a deep first-spike network, from a number of its steps.

Processor time, user and system, of this process and its threads, so that a busy machine changes it
little; the first steps, in which loops are compiled or read, are not counted.
"""

import json
import os
from dataclasses import replace

import torch

from sim.commands.command_line import Parser, whole
from train.data import Split, batches, load
from train.fit import Training, steps_per_epoch
from train.settings import TrainSettings

UNCOUNTED = 3
"""Steps before the clock starts."""

RECIPE = TrainSettings(hidden=(400, 400), warp=0.3)


def cpu_seconds(split: Split, settings: TrainSettings, steps: int) -> dict[str, float]:
    """Train ``steps`` batches; return the user and system seconds that an epoch would take."""
    training = Training(split, settings)
    order = batches(len(split.train), settings.batch, torch.Generator().manual_seed(settings.seed))
    before = os.times()

    for index, chosen in zip(range(UNCOUNTED + steps), order, strict=False):
        if index == UNCOUNTED:
            before = os.times()
        training._step(chosen, None, 0.0, index)

    after = os.times()
    scale = steps_per_epoch(split.train, settings.batch) / steps
    return {
        "user_s": (after.user - before.user) * scale,
        "system_s": (after.system - before.system) * scale,
    }


def main() -> None:
    parser = Parser(
        description=__doc__, epilog="example: python benchmarks/deep.py --hidden 400,400"
    )
    parser.add_numbers("--hidden", metavar="N,N", default=RECIPE.hidden, help="hidden layers")
    parser.add_argument("--steps", type=whole(), default=50, help="steps measured (50)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    settings = replace(RECIPE, hidden=arguments.hidden)
    found = cpu_seconds(load("mnist"), settings, arguments.steps)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['user_s']:.1f} s user, {found['system_s']:.1f} s system for an epoch")


if __name__ == "__main__":
    main()
