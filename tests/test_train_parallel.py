"""Several processes train one network: each step is that of one process, and all stay
bit-identical.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import distributed, multiprocessing

from pretend_device import DEVICE, pretended
from sim.errors import InputError
from small_data import yin_yang
from train.checkpoint import CHECKPOINT_FILE
from train.data import Part, Split, split
from train.evaluate import evaluate
from train.exact import causal
from train.fit import Training, fit
from train.parallel import ALONE, Processes, joined
from train.settings import TrainSettings

RECIPE = TrainSettings(
    dataset="yin-yang",
    hidden=(20,),
    bright=(224, 160, 96),
    bright_ticks=(0, 1, 2),
    dark_tick=3,
    epochs=3,
    batch=63,
    warp=0.5,
    input_noise=0.1,
    inputs=3,
    late_cost=0.1,
    alive_cost=0.05,
)
"""All that is drawn, all terms of the loss, pruning, and a batch that two processes cannot halve.
"""

STEPS = [RECIPE, replace(RECIPE, gradient_limit=1e-3), replace(RECIPE, bits=())]
SMALL = split(yin_yang(1200))
ONE_BATCH = Split(
    SMALL.name,
    SMALL.classes,
    Part(*(field[:63] for field in vars(SMALL.train).values())),
    *[SMALL.test] * 2,
)
COUNT = 2


def after_one_step(recipe, processes=ALONE):
    """Loss and gradients of one step, as the optimiser gets them."""
    training = Training(ONE_BATCH, recipe, processes)
    training.history.append({})  # so this is the second epoch, in which inputs go and spikes cost
    loss = training.run_epoch()["loss"]
    return [torch.tensor(loss), *(weight.grad for weight in training.network.weights)]


def result(training):
    weights = [weight.detach() for weight in training.network.weights]
    return {
        "history": training.history,
        "thresholds": training.network.thresholds,
        "weights": weights,
    }


def refused(call, *arguments):
    with pytest.raises(InputError) as error:
        call(*arguments)
    return str(error.value)


def train_with_others(rank, folder):
    """What each of the processes does; its results go to a file."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=COUNT
    )
    processes = Processes(rank, COUNT, torch.device("cpu"))
    found = {"steps": [after_one_step(recipe, processes) for recipe in STEPS]}
    whole = fit(SMALL, RECIPE, processes=processes)
    part = Training(SMALL, RECIPE, processes)
    part.run_epoch()
    if processes.first:
        part.save(folder / "two")
    distributed.barrier()
    found |= {
        "whole": result(whole),
        "resumed": result(fit(SMALL, RECIPE, folder / "two", processes=processes)),
    }
    found["from one"] = result(fit(SMALL, RECIPE, folder / "one", processes=processes))
    with torch.no_grad():
        part.network.weights[1][0, 0] += 1e-6 * rank
    found["differs"] = refused(part.check_alike)
    if processes.first:
        found["left alone"] = refused(processes.add, [1])
    torch.save(found, folder / f"rank{rank}")
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The results of all processes, and the folder of their checkpoints."""
    folder = tmp_path_factory.mktemp("parallel")
    alone = Training(SMALL, RECIPE)
    alone.run_epoch()
    alone.save(folder / "one")
    multiprocessing.get_context("forkserver").set_forkserver_preload(
        ["test_train_parallel", "torch._dynamo"]
    )
    multiprocessing.start_processes(train_with_others, (folder,), COUNT, start_method="forkserver")
    return [torch.load(folder / f"rank{rank}") for rank in range(COUNT)], folder


def assert_same(first, second):
    assert first["history"] == second["history"]
    assert first["thresholds"] == second["thresholds"]
    assert all(torch.equal(*pair) for pair in zip(first["weights"], second["weights"], strict=True))


@pytest.mark.parametrize("index", range(len(STEPS)))
def test_a_step_is_that_of_one_process(trained, index):
    expected = after_one_step(STEPS[index])
    for found in trained[0]:
        for one, many in zip(expected, found["steps"][index], strict=True):
            torch.testing.assert_close(many, one, rtol=0, atol=1e-6 * float(one.abs().max()))


@pytest.mark.parametrize("run", ["whole", "resumed", "from one"])
def test_all_processes_hold_the_same_network(trained, run):
    first, second = (found[run] for found in trained[0])
    assert len(first["history"]) == RECIPE.epochs
    assert_same(first, second)


def test_a_resumed_run_equals_an_uninterrupted_one(trained):
    first, _ = trained[0]
    assert_same(first["whole"], first["resumed"])


def test_another_number_of_processes_goes_on(trained):
    found, folder = trained
    training = fit(SMALL, RECIPE, folder / "two")
    assert training.epoch == RECIPE.epochs
    assert training.history[0] == found[0]["whole"]["history"][0]
    assert (
        found[0]["from one"]["history"][0] != training.history[0]
    )  # it was trained by one process


def test_validation_is_shared_and_exact(trained):
    found, folder = trained
    restored = Training(SMALL, RECIPE)
    restored.restore(folder / "one")
    expected = evaluate(restored.network, SMALL.validation)
    assert expected.items() <= found[0]["from one"]["history"][-1].items()


def test_processes_that_differ_stop(trained):
    sentence = "torchrun: the processes differ in their networks after epoch 1; "
    assert all(found["differs"].startswith(sentence) for found in trained[0])


def test_a_process_that_ends_is_not_waited_for(trained):
    assert trained[0][0]["left alone"].startswith(
        "torchrun: another process of this training ended"
    )


@pytest.mark.parametrize(
    "recipe", [RECIPE, replace(RECIPE, bits=(), hidden=(10, 8)), replace(RECIPE, hidden=())]
)
def test_every_tensor_of_a_step_is_on_the_device(recipe, tmp_path, monkeypatch):
    """A pretended GPU refuses what a real one would, and computes as the CPU does by tensors."""
    monkeypatch.setattr(causal, "is_compiled", lambda device: False)
    expected = fit(ONE_BATCH, recipe)
    processes = replace(ALONE, device=DEVICE)
    with pretended():
        found = fit(ONE_BATCH, recipe, processes=processes)
    assert_same(result(found), result(expected))
    begun = Training(ONE_BATCH, recipe)
    begun.run_epoch()
    begun.save(tmp_path / "begun")
    with pretended():
        resumed = Training(ONE_BATCH, recipe, processes)
        resumed.restore(tmp_path / "begun")
        rows = [resumed.run_epoch() for _ in range(resumed.epoch, recipe.epochs)]
    assert rows == expected.history[1:]


def test_torchrun_trains_one_network(tmp_path):
    """Only one of the processes prints and writes."""
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={COUNT}",
    ]
    options = [
        "--dataset",
        "yin-yang",
        "--hidden",
        "20",
        "--epochs",
        "2",
        "--warp",
        "0",
        "--dark-tick",
        "3",
    ]
    command = [*torchrun, "-m", "train", "fit", *options, "--out", str(tmp_path), "--json", "-"]
    root = Path(__file__).parent.parent
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["epoch"] == 2
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_FILE]


@given(st.integers(0, 1000), st.integers(1, 64))
def test_shares_cover_all_evenly(count, processes):
    shares = [
        range(count)[Processes(rank, processes, ALONE.device).share(count)]
        for rank in range(processes)
    ]
    assert [index for share in shares for index in share] == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_batch_needs_an_image_per_process():
    sentence = refused(Training, SMALL, replace(RECIPE, batch=2), replace(ALONE, count=3))
    assert (
        sentence
        == "torchrun: 3 processes cannot share a batch of 2 images; start fewer, or raise --batch."
    )


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert "this machine has 2; give --nproc-per-node 2" in refused(joined().__enter__)
