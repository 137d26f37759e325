"""Plants known bugs, one at a time, in a copy of the source, and demands that a test turns red:
``make mutants``.

A survivor is a bug that our tests would let pass. A mutant whose text is no longer in its file
fails too: follow the source. example: python tests/mutants.py --only queue
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import board_mutants
import leaky_mutants
import learning_mutants
import window_mutants
from sim.console import run_command
from sim.errors import InputError

ROOT = Path(__file__).parent.parent
COPIED = ("hw", "sim", "tests", "pyproject.toml")
HARDWARE = (
    "test_hw_machine_layer.py",
    "test_hw_machine_machine.py",
    "test_hw_encoders_intensity.py",
    "test_hw_machine_pipeline.py",
    "test_agreement.py",
)
"""After the test of the mutated file itself, if no others are given."""

SOFTWARE = (
    "test_sim_intensity.py",
    "test_sim_neuron.py",
    "test_sim_bounds.py",
    "test_sim_first_spike.py",
    "test_sim_pipeline.py",
    "test_sim_fixed_point.py",
    "test_sim_batch.py",
    "test_hw_machine_pipeline.py",
)
LEAKY = (
    "test_sim_bounds.py",
    "test_sim_batch.py",
    "test_sim_events.py",
    "test_sim_intensity.py",
    "test_sim_most_spikes.py",
    "test_sim_peak.py",
    "test_sim_pool.py",
)
LEAKY_HARDWARE = (
    "test_hw_arithmetic.py",
    "test_hw_machine_own_rows.py",
    "test_hw_machine_neuron.py",
    "test_hw_readouts_peak.py",
    "test_hw_readouts_most_spikes.py",
    "test_agreement.py::test_every_boundary_of_what_chance_seldom_draws_equals_sim",
    "test_agreement.py::test_every_boundary_of_leaky_neurons_equals_sim",
)
LEARNING = ("test_hw_learning_supervised_learner.py",)
WORDS = (
    "test_hw_storage_spram.py::test_loaded_rows_are_given_at_the_pace_of_block_ram",
    "test_hw_link_responder.py",
    "test_hw_link_words.py",
)
FLASH = (
    "test_hw_flow_placement.py",
    "test_hw_storage_flash.py",
    "test_hw_boards_top.py::test_weights_of_another_network_are_refused",
)
REUSE = ("test_hw_flow_reuse.py", "test_hw_boards_digest.py")
PROOF = ("test_hw_proofs.py::test_no_width_is_too_small",)


def own_test(file: str) -> str:
    """Return the name of the test of a source file: quick, and close to the bug."""
    return f"test_{'_'.join(Path(file).with_suffix('').parts)}.py"


@dataclass(frozen=True)
class Mutant:
    """One bug: ``new`` in place of the only ``old`` in ``file``; ``tests`` are those that should
    notice, in the order in which they run.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = ()

    @property
    def chosen_tests(self) -> tuple[str, ...]:
        """``tests``, or the file's own and ``HARDWARE``."""
        return self.tests or tuple(dict.fromkeys((own_test(self.file), *HARDWARE)))


MUTANTS = [
    Mutant(
        "threshold missed",
        "hw/machine/neuron.py",
        "(advanced >= 0) & ~fired",
        "(advanced > 0) & ~fired",
    ),
    Mutant(
        "neuron fires again", "hw/machine/neuron.py", "(advanced >= 0) & ~fired", "advanced >= 0"
    ),
    Mutant("fired forgotten", "hw/machine/neuron.py", '"fired": fired | fires', '"fired": fires'),
    Mutant(
        "no clear, registers",
        "hw/machine/state.py",
        "with m.If(clear):",
        "with m.If(Const(0)):",
    ),
    Mutant("no clear, memory", "hw/machine/state.py", "eq(clear | (fresh & ~", "eq((fresh & ~"),
    Mutant(
        "wrong start",
        "hw/machine/state.py",
        "starts + origin + half",
        "starts + origin - 1 + half",
    ),
    Mutant(
        "current too narrow",
        "hw/machine/neurons.py",
        "signed(layer.current.bits)",
        "signed(layer.current.bits - 1)",
        PROOF,
    ),
    Mutant(
        "no sign extension",
        "hw/rows.py",
        "ArrayLayout(signed(self.layer.weight_bits)",
        "ArrayLayout((self.layer.weight_bits)",
    ),
    Mutant(
        "wrong fold",
        "hw/storage/block.py",
        "address.eq(words.address + 1)",
        "address.eq(words.address)",
    ),
    Mutant(
        "piece too early",
        "hw/storage/block.py",
        "m.d.sync += piece.eq",
        "m.d.comb += piece.eq",
    ),
    Mutant(
        "spike left over", "hw/machine/spike_queue.py", "more.eq(several(list(now)))", "more.eq(0)"
    ),
    Mutant(
        "row not waited for",
        "hw/storage/block.py",
        " & ~reading_1 & ~self.o.valid)",
        " & ~reading_1)",
    ),
    Mutant(
        "tie in a fold",
        "hw/arithmetic.py",
        "(high.value > low.value)",
        "(high.value >= low.value)",
    ),
    Mutant(
        "tie between folds",
        "hw/readouts/first_spike.py",
        "best.value > front_potential",
        "best.value >= front_potential",
    ),
    Mutant("padding wins", "hw/readouts/first_spike.py", "if lane < in_last", "if lane <= in_last"),
    Mutant(
        "output at zero missed",
        "hw/readouts/first_spike.py",
        "(lane.value >= level)",
        "(lane.value > level)",
    ),
    Mutant(
        "one tick too few",
        "hw/machine/sequencer.py",
        "with m.If(self.tick == self.network.last_tick):",
        "with m.If(self.tick == self.network.last_tick - 1):",
    ),
    Mutant(
        "index out of range", "hw/machine/sequencer.py", "head.neuron >= self", "head.neuron > self"
    ),
    Mutant("old event taken", "hw/machine/sequencer.py", " | (head.tick < self.tick)", ""),
    Mutant(
        "spikes not waited for",
        "hw/machine/sequencer.py",
        "~self.busy & ~self.pending",
        "~self.busy",
    ),
    Mutant(
        "decision not waited for",
        "hw/machine/sequencer.py",
        "with m.Elif(~(self.settling if self.overlaps else self.busy)):",
        "with m.Else():",
    ),
    Mutant(
        "verdict not waited for",
        "hw/machine/sequencer.py",
        "held.eq(awaited & ~self.verdict.valid)",
        "held.eq(0)",
    ),
    Mutant(
        "verdict of the tick before",
        "hw/machine/sequencer.py",
        "m.d.sync += awaited.eq(1)",
        "m.d.sync += awaited.eq(0)",
    ),
    Mutant(
        "earlier fold forgotten",
        "hw/readouts/first_spike.py",
        "ended.eq(fires | (earlier & ended))",
        "ended.eq(fires)",
    ),
    Mutant("lost in a full queue", "hw/machine/spike_queue.py", "folds + 1)", "folds)"),
    Mutant(
        "lost when stalled",
        "hw/machine/spike_queue.py",
        "take.eq(~self.o.valid | self.o.ready)",
        "take.eq(1)",
    ),
    Mutant(
        "chunk left out",
        "hw/machine/spike_queue.py",
        "remaining_1.eq(remaining_1 & ~(1 << chunk_1))",
        "remaining_1.eq(0)",
    ),
    Mutant(
        "chunk not waited for",
        "hw/machine/spike_queue.py",
        "self.pending.eq(some_1 | self.o.valid)",
        "self.pending.eq(some_1)",
    ),
    Mutant(
        "chunk not forgotten",
        "hw/machine/spike_queue.py",
        "[remaining_1.eq(0), self.o.valid.eq(0)]",
        "remaining_1.eq(0)",
    ),
    Mutant("late advance overtaken", "hw/machine/layer.py", " | neurons.late", ""),
    Mutant(
        "weight before its control signals",
        "hw/machine/neurons.py",
        "m.d.sync += weight_1.eq(self.weight)",
        "m.d.comb += weight_1.eq(self.weight)",
    ),
    Mutant(
        "lanes of another group",
        "hw/storage/wide.py",
        "self.rows.part(first, ",
        "self.rows.part(0, ",
    ),
    Mutant(
        "highest first",
        "hw/arithmetic.py",
        "Mux(low_any, low_index, high_index | half)",
        "Mux(high_any, high_index | half, low_index)",
    ),
    Mutant(
        "read on the decision tick",
        "hw/machine/pipeline.py",
        "before.o.valid & sequencer.deliver",
        "before.o.valid",
    ),
    Mutant("counts not cleared", "hw/machine/counters.py", "                events.eq(0),\n", ""),
    Mutant("a cycle too few", "hw/machine/counters.py", "eq(cycles + 1)", "eq(cycles)"),
    Mutant("drops not counted", "hw/machine/counters.py", "self.dropped + (", "self.dropped & ("),
    Mutant(
        "ticks out of order",
        "hw/encoders/intensity.py",
        "(when.tick < self.later.tick)",
        "(when.tick > self.later.tick)",
    ),
    Mutant(
        "pixels not discarded",
        "hw/encoders/intensity.py",
        "with m.If(self.discard):",
        "with m.If(Const(0)):",
    ),
    Mutant(
        "pixel kept at the wrong place",
        "hw/encoders/intensity.py",
        "writer.addr.eq(self.neuron)",
        "writer.addr.eq(self.neuron ^ 1)",
    ),
    Mutant(
        "pooled sum not divided",
        "hw/encoders/pixels.py",
        "(reader.data + pair) >> 2",
        "(reader.data + pair) >> 1",
    ),
    Mutant(
        "short image unnoticed",
        "hw/encoders/pixels.py",
        "last & (position != self.pixels - 1)",
        "last & (position == self.pixels)",
    ),
    Mutant(
        "sim: threshold missed",
        "sim/neuron.py",
        "else self.potential >= level",
        "else self.potential > level",
        SOFTWARE,
    ),
    Mutant(
        "sim: neuron fires again",
        "sim/neuron.py",
        "self.fired &= self.spikes < self.neuron.most_spikes",
        "self.fired &= self.spikes <= self.neuron.most_spikes",
        SOFTWARE,
    ),
    Mutant(
        "sim: output at its level missed in the batch",
        "sim/readouts/first_spike.py",
        "potential.max() >= level",
        "potential.max() > level",
        SOFTWARE,
    ),
    Mutant(
        "sim: tie to the last",
        "sim/readouts/first_spike.py",
        "int(np.argmax(output.potential))",
        "int(np.flatnonzero(output.potential == output.potential.max())[-1])",
        SOFTWARE,
    ),
    Mutant(
        "sim: one tick too few",
        "sim/pipeline.py",
        "range(network.last_tick + 1)",
        "range(network.last_tick)",
        SOFTWARE,
    ),
    Mutant(
        "sim: a tick without advance", "sim/pipeline.py", "if tick > 0", "if tick > 1", SOFTWARE
    ),
    Mutant(
        "sim: pooling rounds up",
        "sim/encoders/intensity.py",
        "total // 4",
        "(total + 2) // 4",
        SOFTWARE,
    ),
    Mutant(
        "sim: one bit short", "sim/fixed_point.py", ".bit_length() + 1", ".bit_length()", SOFTWARE
    ),
    Mutant(
        "sim: a tick too few in the bounds",
        "sim/bounds.py",
        "ticks = max(last - min(premise.first_tick, last), 0)",
        "ticks = max(last - 1 - min(premise.first_tick, last), 0)",
        SOFTWARE,
    ),
    *(
        Mutant(*bug, ("test_sim_supervised.py", "test_sim_supervised_batch.py"))
        for bug in learning_mutants.SOFTWARE
    ),
    *(
        Mutant(*bug, tuple(dict.fromkeys((own_test(bug[1]), *LEARNING))))
        for bug in learning_mutants.HARDWARE
    ),
    *(Mutant(*bug, ("test_hw_link_responder.py",)) for bug in learning_mutants.LINK),
    *(Mutant(*bug) for bug in window_mutants.ALL),
    *(Mutant(*bug, SOFTWARE) for bug in window_mutants.SOFTWARE),
    *(Mutant(*bug, LEAKY) for bug in leaky_mutants.SOFTWARE),
    *(Mutant(*bug, LEAKY_HARDWARE) for bug in leaky_mutants.HARDWARE),
    *(Mutant(*bug) for bug in leaky_mutants.MASK),
    *(Mutant(*bug) for bug in leaky_mutants.EVENTS),
    *(Mutant(*bug, ("test_hw_link_event_bytes.py",)) for bug in leaky_mutants.EVENT_LINK),
    *(Mutant(*bug, WORDS) for bug in board_mutants.WORDS),
    *(Mutant(*bug, ("test_hw_storage_spram.py",)) for bug in board_mutants.PRIMITIVES),
    *(Mutant(*bug, REUSE) for bug in board_mutants.REUSE),
    *(Mutant(*bug, FLASH) for bug in board_mutants.FLASH),
]


def survives(mutant: Mutant) -> bool:
    """Run the mutant's tests on a mutated copy; no failure: it survives."""
    with tempfile.TemporaryDirectory() as scratch:
        for name in COPIED:
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, Path(scratch) / name)
        file = Path(scratch) / mutant.file
        file.write_text(file.read_text().replace(mutant.old, mutant.new))
        tests = [f"tests/{test}" for test in mutant.chosen_tests]
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        # those too that take long: a bug that one network in a hundred meets is a bug
        command += ["-m", "not board and (not slow or many)"]
        command += ["--hypothesis-profile", "unshrunk", *tests]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise InputError(f"{mutant.name}: pytest itself fails; {done.stdout[-500:]}")
    return done.returncode == 0


def main() -> int:
    """Run all mutants and report the survivors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="only mutants with TEXT in name or file"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="mutants at the same time (1)"
    )
    arguments = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if arguments.only in mutant.name + mutant.file]
    for mutant in chosen:
        if (ROOT / mutant.file).read_text().count(mutant.old) != 1:
            raise InputError(
                f"{mutant.name}: {mutant.file} does not hold this once: {mutant.old!r}; "
                "follow the source."
            )
    survivors = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for mutant, alive in zip(chosen, pool.map(survives, chosen), strict=True):
            print(
                f"{'SURVIVES' if alive else 'found':9} {mutant.file:18} {mutant.name}", flush=True
            )
            survivors += [mutant] * alive
    print(f"{len(chosen)} mutants, {len(survivors)} survive")
    return 1 if survivors else 0


if __name__ == "__main__":
    run_command(main)
