"""Which processes train together, as the environment tells."""

import dataclasses
import json
import os

from fusionkeras._checks import argument_error

TERMS = "TF_CONFIG, or the variables of Slurm or of an indexed job of Kubernetes"


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The processes of one training; the first is the chief, which alone writes.

    Args:
        addresses: tuple of str, `host:port` of each process.
        index: int, which one this process is.

    Example:
    >>> cluster = Cluster(("one:2222", "two:2222"), 1)
    >>> cluster.config()["task"]
    {'type': 'worker', 'index': 1}
    """

    addresses: tuple
    index: int

    def config(self):
        """What `TF_CONFIG` holds of it, as a dict."""
        task = {"type": "worker", "index": self.index}
        return {"cluster": {"worker": list(self.addresses)}, "task": task}


def find_cluster(environ=None, port=2222):
    """Reads which processes train together from the environment.

    - `TF_CONFIG`, as TensorFlow documents it and Kubeflow sets it: jobs `chief` and `worker`.
    - Slurm: the variables that `srun` sets for every task. One task a node or more.
    - Kubernetes: the manifest of an indexed job with a headless service sets
      `FUSIONKERAS_WORKERS`, how many train together, and `FUSIONKERAS_SERVICE`, the name of the
      service; Kubernetes sets `JOB_COMPLETION_INDEX` and the name of the host, `JOB-INDEX`.

    Args:
        environ: mapping of variables; None for those of this process.
        port: int, the first that is listened on, where the environment tells none.

    Returns:
        `Cluster`, or None where the environment tells of no other process.

    Raises:
        ValueError: for variables that contradict each other or cannot be read.

    Example:
    >>> find_cluster({}) is None
    True
    >>> variables = {"JOB_COMPLETION_INDEX": "1", "HOSTNAME": "posts-1", "FUSIONKERAS_WORKERS": "2"}
    >>> find_cluster({**variables, "FUSIONKERAS_SERVICE": "trainers"})
    Cluster(addresses=('posts-0.trainers:2222', 'posts-1.trainers:2222'), index=1)
    """
    environ = os.environ if environ is None else environ
    for name, read in _READERS.items():
        if environ.get(name, "") not in ("", "{}"):
            try:
                addresses, index = read(environ, port)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                lack = f"{error} is missing" if isinstance(error, KeyError) else error
                raise argument_error(
                    f"The processes of the training cannot be read from {name} ({lack})",
                    TERMS,
                    **{name: environ[name]},
                ) from error
            return _checked(name, Cluster(tuple(addresses), index))
    return None


def _checked(name, cluster):
    if not 0 <= cluster.index < len(cluster.addresses):
        raise argument_error(
            f"This process is none of the cluster of {name}",
            f"an index from 0 to {len(cluster.addresses) - 1}",
            index=cluster.index,
        )
    if len(set(cluster.addresses)) < len(cluster.addresses):
        raise argument_error(
            f"The cluster of {name} has an address twice",
            "another host or port for each process",
            addresses=cluster.addresses,
        )
    return cluster if len(cluster.addresses) > 1 else None


def _tensorflow(environ, port):
    config = json.loads(environ["TF_CONFIG"])
    jobs, task = config["cluster"], config["task"]
    others = set(jobs) - {"chief", "worker"}
    if others or task["type"] not in jobs or not all(type(job) is list for job in jobs.values()):
        raise ValueError(f"jobs {jobs}, task {task}")
    own, index = jobs[task["type"]], int(task["index"])
    if not 0 <= index < len(own):
        raise ValueError(f"index {index} of {len(own)} of its job")
    first = len(jobs.get("chief", ())) if task["type"] == "worker" else 0
    return [*jobs.get("chief", ()), *jobs.get("worker", ())], first + index


def _slurm(environ, port):
    from tensorflow.python.distribute.cluster_resolver import slurm_cluster_resolver as slurm

    hosts = slurm.expand_hostlist(environ["SLURM_STEP_NODELIST"])
    tasks = slurm.expand_tasks_per_node(environ["SLURM_STEP_TASKS_PER_NODE"])
    if len(hosts) != len(tasks):
        raise ValueError(f"{len(hosts)} hosts, and numbers of tasks for {len(tasks)}")
    places = [
        (host, task) for host, count in zip(hosts, tasks, strict=True) for task in range(count)
    ]
    return [f"{host}:{port + task}" for host, task in places], int(environ["SLURM_PROCID"])


def _kubernetes(environ, port):
    index = int(environ["JOB_COMPLETION_INDEX"])
    job, _, ending = environ["HOSTNAME"].rpartition("-")
    if ending != str(index):
        raise ValueError(f"HOSTNAME {environ['HOSTNAME']!r} does not end in the index")
    service, workers = environ["FUSIONKERAS_SERVICE"], int(environ["FUSIONKERAS_WORKERS"])
    return [f"{job}-{worker}.{service}:{port}" for worker in range(workers)], index


_READERS = {
    "TF_CONFIG": _tensorflow,
    "SLURM_STEP_NODELIST": _slurm,
    "FUSIONKERAS_WORKERS": _kubernetes,
}
