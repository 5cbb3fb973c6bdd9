"""Who trains together, as the environment tells."""

import re

import pytest
from loopback import tf_config

from fusionkeras.training.distribution.cluster import Cluster, find_cluster
from fusionkeras.training.distribution.meeting import meet

TWO = {"worker": ["one:1", "two:2"]}
SLURM = {
    "SLURM_STEP_NODELIST": "gpu[1-2],big",
    "SLURM_STEP_TASKS_PER_NODE": "1(x2),2",
    "SLURM_PROCID": "3",
}
KUBERNETES = {
    "JOB_COMPLETION_INDEX": "0",
    "HOSTNAME": "train-posts-0",
    "FUSIONKERAS_WORKERS": "2",
    "FUSIONKERAS_SERVICE": "trainers",
}


@pytest.mark.parametrize(
    ("environ", "addresses", "index"),
    [
        (tf_config(TWO, "worker", 1), ["one:1", "two:2"], 1),
        (tf_config({"chief": ["c:1"], **TWO}, "worker", 1), ["c:1", "one:1", "two:2"], 2),
        (tf_config({**TWO, "chief": ["c:1"]}, "chief", 0), ["c:1", "one:1", "two:2"], 0),
        (SLURM, ["gpu1:2222", "gpu2:2222", "big:2222", "big:2223"], 3),
        (KUBERNETES, ["train-posts-0.trainers:2222", "train-posts-1.trainers:2222"], 0),
        ({**SLURM, **tf_config(TWO, "worker", 0)}, ["one:1", "two:2"], 0),
    ],
    ids=["workers", "chief and workers", "chief", "slurm", "kubernetes", "TF_CONFIG first"],
)
def test_the_processes_stand_in_the_environment(environ, addresses, index):
    assert find_cluster(environ) == Cluster(tuple(addresses), index)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        tf_config({"worker": ["one:1"]}, "worker", 0),
        {"HOSTNAME": "posts-0"},
        {"TF_CONFIG": "{}"},
        {"JOB_COMPLETION_INDEX": "0"},  # an indexed job whose processes know nothing of each other
    ],
)
def test_one_process_is_no_cluster(environ):
    assert find_cluster(environ) is None


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"TF_CONFIG": "{"}, "cannot be read from TF_CONFIG.*Expected TF_CONFIG, or the variables"),
        (
            tf_config({**TWO, "ps": ["p:1"]}, "worker", 0),
            r"jobs \{'worker': .*, 'ps': \['p:1'\]\}, task",
        ),
        (tf_config(TWO, "evaluator", 0), "cannot be read from TF_CONFIG"),
        (tf_config(TWO, "worker", 2), "index 2 of 2 of its job"),
        (tf_config({"worker": "one:1"}, "worker", 0), "cannot be read from TF_CONFIG"),
        (tf_config({"worker": ["one:1"] * 2}, "worker", 0), "has an address twice"),
        ({**SLURM, "SLURM_PROCID": "4"}, "none of the cluster of SLURM_STEP_NODELIST.*from 0 to 3"),
        ({**SLURM, "SLURM_STEP_TASKS_PER_NODE": "1"}, "3 hosts, and numbers of tasks for 1"),
        ({**SLURM, "SLURM_STEP_TASKS_PER_NODE": "many"}, "cannot be read from SLURM_STEP_NODELIST"),
        ({**KUBERNETES, "HOSTNAME": "posts"}, "does not end in the index"),
        (
            {name: KUBERNETES[name] for name in KUBERNETES if name != "FUSIONKERAS_SERVICE"},
            "from FUSIONKERAS_WORKERS .'FUSIONKERAS_SERVICE' is missing",
        ),
    ],
)
def test_what_cannot_be_is_said(environ, message):
    with pytest.raises(ValueError, match=message):
        find_cluster(environ)


def test_an_address_of_another_machine_cannot_be_listened_on():
    with pytest.raises(ValueError, match=re.escape("cannot listen where the others look for it")):
        meet(Cluster(("127.0.0.1:99999", "127.0.0.1:1"), 0), timeout=0)
