"""Training under `tf.distribute`: the weights of one device that sees the whole batch."""

import contextlib
import functools

import keras
import tensorflow as tf

from fusionkeras._checks import argument_error


def under_strategy(function):
    """A function of a model, called where the strategy of the model wants variables to be made."""

    @functools.wraps(function)
    def call(model, *arguments, **options):
        strategy = _strategy_of(model)
        with contextlib.nullcontext() if strategy is None else strategy.scope():
            return function(model, *arguments, **options)

    return call


def _strategy_of(model):
    """The strategy in whose scope a model was built; None where Keras knows of none."""
    return getattr(model, "_distribute_strategy", None)


@contextlib.contextmanager
def in_step(model, data):
    """While it lasts, `model.fit` under a strategy does on all replicas what one would do.

    Keras averages the mean losses of the replicas, so that in a last batch that does not divide
    the rows of a smaller share would count for more: here their gradients are weighed by the rows
    that each replica has. It also makes its variables from a first batch that it reduces over the
    replicas, which fails for shares of unequal size and for booleans (here: from the shapes that
    the dataset names), and reduces scalars along an axis that they lack, which fails for several
    processes (keras #20585).

    Args:
        model: compiled `keras.Model`; without a strategy nothing is changed.
        data: what it is fitted on: a `tf.data.Dataset`, or what else `model.fit` takes.

    Raises:
        ValueError: for a model that was compiled elsewhere or as `check_steps` refuses, and where
            a replica would get no row of a last batch, and the model has a BatchNormalization that
            learns: the mean of no rows is no number.
    """
    strategy = _strategy_of(model)
    if strategy is None:
        yield
        return
    _check_compiled(model, strategy)
    check_steps(model)
    _check_shares(model, strategy, data)
    mends = {"compute_loss": _weighed(model), "_maybe_symbolic_build": _built_from(model, data)}
    with replaced(model, mends), replaced(strategy, {"reduce": _reduce(strategy)}):
        yield


@contextlib.contextmanager
def replaced(owner, attributes):
    """While it lasts, an object has other attributes of its own.

    Args:
        owner: any object.
        attributes: dict of `{name: value}`.
    """
    before = {name: vars(owner)[name] for name in attributes if name in vars(owner)}
    for name, value in attributes.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name in attributes:
            delattr(owner, name)
        for name, value in before.items():
            setattr(owner, name, value)


def _weighed(model):
    """`compute_loss` whose gradient counts every row of a batch alike; its value is the same."""
    compute = model.compute_loss

    def compute_loss(x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = compute(x, y, y_pred, sample_weight, training=training)
        replica = tf.distribute.get_replica_context()
        if not training or replica is None or replica.num_replicas_in_sync == 1:
            return loss
        rows = tf.cast(tf.shape(keras.tree.flatten(x)[0])[0], loss.dtype)
        share = rows * replica.num_replicas_in_sync / replica.all_reduce("SUM", rows)
        return share * loss + tf.stop_gradient((1 - share) * loss)

    return compute_loss


def _built_from(model, data):
    """What makes the variables of metrics and losses, from shapes and not from a batch."""

    def build(iterator=None, data_batch=None):
        if iterator is not None:
            known = data if isinstance(data, tf.data.Dataset) else None
            data_batch = (known or iterator.data_adapter.get_tf_dataset()).element_spec
        with model.distribute_strategy.scope():
            model._symbolic_build(data_batch=data_batch)

    return build


def check_steps(model):
    """Raises ValueError for a compiled model whose step Keras cannot take under its strategy."""
    strategy = _strategy_of(model)
    if strategy is None or isinstance(strategy, tf.distribute.TPUStrategy):
        return
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    asked = {
        "gradient_accumulation_steps": optimizer.gradient_accumulation_steps,
        "steps_per_execution": model.steps_per_execution,
    }
    for name, steps in asked.items():
        if (steps or 1) > 1:
            raise argument_error(
                f"Keras fails with {name} under a strategy",
                f"none, or one device, for {name}",
                "Take larger batches: each is shared out among the devices.",
                **{name: steps},
            )


def _check_compiled(model, strategy):
    variables = [*model.metrics_variables, *model.optimizer.variables]
    if not all(strategy.extended.variable_created_in_scope(one.value) for one in variables):
        raise argument_error(
            "The model was built under a strategy and compiled outside of it",
            "both in the scope of one strategy",
            "Compile it in `with strategy.scope():`, or by compile_model, which does.",
            strategy=type(strategy).__name__,
        )


def _check_shares(model, strategy, data):
    source, replicas = getattr(data, "source", None), strategy.num_replicas_in_sync
    whole = source is None or source.drop_remainder
    rows = 0 if whole else source.order.size % source.batch_size
    if 0 < rows < replicas and any(map(_learns_statistics, model._flatten_layers())):
        raise argument_error(
            "The last batch leaves replicas without a row, of which BatchNormalization takes means",
            f"at least {replicas} rows in it",
            "Choose another batch size, or prepare(drop_remainder=True).",
            rows=rows,
            replicas=replicas,
        )


def _learns_statistics(layer):
    return isinstance(layer, keras.layers.BatchNormalization) and layer.trainable


def _reduce(strategy):
    """`strategy.reduce`, for which a scalar has no axis."""
    reduce = strategy.reduce

    def reduce_scalars_too(reduce_op, value, axis):
        scalar = all(one.shape.rank == 0 for one in strategy.experimental_local_results(value))
        return reduce(reduce_op, value, axis=None if scalar else axis)

    return reduce_scalars_too
