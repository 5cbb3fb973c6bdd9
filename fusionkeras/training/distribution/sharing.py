"""What each of several processes reads: every row once, and none besides."""

import contextlib

import keras

from fusionkeras._checks import argument_error
from fusionkeras.data.feeding.sharing import SharedOrder, without_filling
from fusionkeras.training.distribution.replicas import replaced
from fusionkeras.training.distribution.workers import in_order, part_of

STEPS = ("train_step", "test_step")


@contextlib.contextmanager
def shared_out(model, train, validation_data):
    """While it lasts, devices and processes share the batches of `prepare`.

    On TensorFlow each process reads its part. Under a `keras.distribution` of JAX, Keras divides
    a batch among devices where it can be divided, and among processes by having each of them read
    all rows; a last batch that is smaller breaks the training off, or lets processes wait for each
    other for ever. Here each process reads its own rows, a batch is filled up, and the step of
    training cuts off what fills it: so losses, metrics, BatchNorm and weights are those of the
    batch itself. Without a distribution, and for other data, Keras goes its own way.

    Args:
        model: compiled `keras.Model`.
        train: what `prepare` returns, or other data.
        validation_data: the same, or None.

    Yields:
        `(train, validation_data)`, as this process is to read them.

    Raises:
        ValueError: for pictures that are mixed, and, of several processes, for validation data
            that `prepare` did not make.
    """
    if keras.backend.backend() == "tensorflow":
        yield part_of(train, model), part_of(validation_data, model)
        return
    distribution = keras.distribution.distribution()
    if not _is_for_us(distribution, train):
        yield train, validation_data
        return
    _check_validation(distribution, validation_data)
    data = [_part(one, distribution) for one in (train, validation_data)]
    shards, distribution.auto_shard_dataset = distribution.auto_shard_dataset, False
    _build(model, train)
    try:
        with _cutting(model):
            yield data
    finally:
        distribution.auto_shard_dataset = shards


def _is_for_us(distribution, train):
    if keras.backend.backend() != "jax" or distribution is None or not hasattr(train, "source"):
        return False
    # Where the user has said so, each process has a table of its own.
    return distribution.auto_shard_dataset or distribution.num_processes == 1


def _check_validation(distribution, data):
    if distribution.num_processes > 1 and data is not None and not hasattr(data, "source"):
        raise argument_error(
            "Several processes cannot share these validation data",
            "what prepare returns, or None",
            validation_data=data,
        )


def _part(data, distribution):
    """What this process reads of a dataset of `prepare`."""
    source = getattr(data, "source", None)
    if source is None:
        return data
    replicas = distribution.num_model_replicas
    processes = min(replicas, distribution.num_processes)
    index = distribution.data_shard_id
    return in_order(data, SharedOrder(source.order, index, processes, replicas))


def _build(model, train):
    """Makes the variables of models that would take the mark of a batch for an input."""
    if not isinstance(getattr(model, "_inputs_struct", None), list):
        model._symbolic_build(data_batch=train.element_spec)


@contextlib.contextmanager
def _cutting(model):
    """While it lasts, the model's steps see the rows of a batch, and nothing that fills it up."""
    model.train_function = model.test_function = None
    try:
        with replaced(model, {name: _cut(getattr(model, name)) for name in STEPS}):
            yield
    finally:
        model.train_function = model.test_function = None


def _cut(step):
    return lambda state, batch: step(state, without_filling(batch))
