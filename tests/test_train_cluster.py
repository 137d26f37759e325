"""Workers on this machine, or a scheduler that is there: one sentence if neither can be."""

import pytest
from distributed import LocalCluster

from sim.errors import InputError
from train.sweep.cluster import connect


def test_workers_are_processes_of_one_thread():
    with connect(2) as client:
        assert sorted(client.nthreads().values()) == [1, 1]
        assert client.submit(sum, [2, 3]).result() == 5
    assert client.status == "closed"


def test_a_scheduler_that_is_there_is_used_and_left_running():
    options = {"n_workers": 1, "threads_per_worker": 3, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**options, processes=False) as cluster:
        for _ in range(2):
            with connect(1, cluster.scheduler_address) as client:
                assert list(client.nthreads().values()) == [3]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0,), "--workers: must be at least 1, not 0."),
        ((1, "tcp://127.0.0.1:1"), "--scheduler tcp://127.0.0.1:1: does not answer; start one"),
        ((1, "tls://127.0.0.1:1"), "--scheduler tls://127.0.0.1:1: does not answer; start one"),
        ((1, "nonsense://"), "--scheduler nonsense://: does not answer; start one"),
    ],
)
def test_what_cannot_be_reached_is_one_sentence(monkeypatch, arguments, sentence):
    monkeypatch.setattr("train.sweep.cluster.CONNECT_SECONDS", 1)
    with pytest.raises(InputError) as error, connect(*arguments):
        pass
    assert str(error.value).startswith(sentence)
