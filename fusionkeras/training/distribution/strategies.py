"""The strategies of `tf.distribute` by their names."""

import json
import os

import tensorflow as tf

from fusionkeras._checks import argument_error, check_choice, check_tensorflow
from fusionkeras.training.distribution.cluster import TERMS, find_cluster
from fusionkeras.training.distribution.meeting import meet

STRATEGIES = ("auto", "mirrored", "multiworker", "tpu")


def build_strategy(strategy="auto", timeout=600):
    """Finds the strategy that a model is built under, to train on more than one device.

    What is built and compiled in `with strategy.scope():` is trained by `fk.fit` on all its
    devices: each batch is shared out among them, and the weights are those of one device that
    sees the whole batch, to rounding (layers that look at a whole batch, such as
    BatchNormalization where it learns and contrastive objectives, see their share of it). Of
    several processes each runs the same program; see `find_cluster` for how they are told of each
    other. Make it before anything else is computed: TensorFlow meets the others only then.

    Args:
        strategy: "mirrored", all GPUs of this machine; "multiworker", all processes of the
            cluster that the environment tells; "tpu", a Cloud TPU, as far as Keras supports it;
            or "auto": the cluster if there is one, else the GPUs if they are more than one, else
            TensorFlow's default, one device.
        timeout: float, in seconds, how long other processes are waited for.

    Returns:
        `tf.distribute.Strategy`.

    Raises:
        ValueError: for another name, on another backend than TensorFlow, for "multiworker" without
            a cluster, "tpu" without a TPU, and for processes that do not come, by their names.

    Example:
        >>> import fusionkeras as fk
        >>> strategy = build_strategy("auto")
        >>> with strategy.scope():
        ...     branch = fk.lstm_branch(["red", "blue"], sequence_length=2)
        ...     model = fk.compile_classifier(fk.build_classifier([branch]))
        >>> strategy.num_replicas_in_sync
        1
    """
    check_choice("strategy", STRATEGIES, strategy=strategy)
    check_tensorflow("Strategies")
    return _BUILD[_automatic() if strategy == "auto" else strategy](timeout)


def _automatic():
    if find_cluster() is not None:
        return "multiworker"
    return "mirrored" if len(tf.config.list_physical_devices("GPU")) > 1 else "default"


def _default(timeout):
    return tf.distribute.get_strategy()


def _mirrored(timeout):
    return tf.distribute.MirroredStrategy()


def _multiworker(timeout):
    cluster = find_cluster()
    if cluster is None:
        raise argument_error(
            "The environment tells of no other process to train with",
            TERMS,
            "Start every process with them, or take 'mirrored' for the GPUs of one machine.",
            strategy="multiworker",
        )
    meet(cluster, timeout)
    os.environ["TF_CONFIG"] = json.dumps(cluster.config())
    return tf.distribute.MultiWorkerMirroredStrategy()


def _tpu(timeout):
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver()
    except ValueError as error:
        raise argument_error(
            f"There is no TPU to train on ({error})", "a Cloud TPU", strategy="tpu"
        ) from error
    tf.config.experimental_connect_to_cluster(resolver)
    tf.tpu.experimental.initialize_tpu_system(resolver)
    return tf.distribute.TPUStrategy(resolver)


_BUILD = {
    "default": _default,
    "mirrored": _mirrored,
    "multiworker": _multiworker,
    "tpu": _tpu,
}
