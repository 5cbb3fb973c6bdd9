"""Training."""

import dataclasses
import logging

import keras
import tensorflow as tf

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.data.feeding.pipeline import batches_of
from fusionkeras.training.distribution.replicas import in_step
from fusionkeras.training.distribution.sharing import shared_out
from fusionkeras.training.distribution.workers import callbacks_of_worker, fed
from fusionkeras.training.frozen import NotCachedError, open_frozen
from fusionkeras.training.imbalance import check_losses
from fusionkeras.training.leading import led
from fusionkeras.training.mirroring import warn_of_mirroring

_LOGGER = logging.getLogger("fusionkeras")


def fit(
    model,
    train,
    validation_data=None,
    epochs=1,
    callbacks=None,
    cache=True,
    views=0,
    **kwargs,
):
    """Trains a compiled model: `model.fit`, but frozen encoders run once.

    What is frozen and draws nothing gives the same features for the same input in every epoch.
    They are computed once for each distinct input, kept on disk under a key made of everything
    they depend on, and found there by every later training; `model.fit` then sees them in place
    of the inputs. Everything else is Keras' own: the History, the callbacks, which see and save
    the full model, validation, weights of rows. The weights that are reached are those of
    `model.fit` on the same batches, to rounding. Where nothing is frozen it is `model.fit`; where
    something is but cannot be kept, it is as well, and the log says why. As Keras asks, compile
    again after you froze or unfroze layers. Data of `prepare` are gone through in the order of
    the epoch that Keras names, so from `initial_epoch` on. Where the model mirrors pictures and
    texts of the table tell left from right, a warning counts them.

    Args:
        model: a compiled `keras.Model`.
        train: what `prepare` returns, or anything that `model.fit` takes as `x`.
        validation_data: as in `model.fit`.
        epochs: int, the number of passes over `train`.
        callbacks: list of `keras.callbacks.Callback`; with `fk.Resume` among them a training that
            was broken off goes on in the middle of its epoch.
        cache: True for the user's cache folder, another folder or an address, a `FeatureCache`,
            or False: frozen encoders run in every epoch.
        views: int; where random layers (flips, crops) come ahead of a frozen encoder, so many
            random views of each input are kept, and each epoch sees the next one. With 0 these
            encoders run in every epoch.
        **kwargs: further arguments of `model.fit`. For data of `prepare`, `class_weight` is what
            `prepare` takes; for a single head it may have class ids in place of names.

    Returns:
        The `keras.callbacks.History`.

    Raises:
        ValueError: for views where nothing is random, class weights said twice, a loss against
            imbalance that `prepare` was told of and the model lacks, and whatever `model.fit`
            raises.

    Example:
        >>> import fusionkeras as fk, pandas as pd
        >>> table = pd.DataFrame({"text": ["red", "blue"] * 5, "label": ["warm", "cold"] * 5})
        >>> data = fk.read_table(table, {"text": "text"}, label="label", files=())
        >>> branch = fk.lstm_branch(["red", "blue"], sequence_length=2)
        >>> model = fk.compile_classifier(fk.build_classifier([branch]))
        >>> train = fk.prepare(data.train, fk.build_preprocessor([branch]), shuffle=True)
        >>> sorted(fit(model, train, epochs=1, verbose=0).history)
        ['accuracy', 'loss']
    """
    check_integer("number of views", 0, views=views)
    if isinstance(train, tf.data.Dataset):
        kwargs.setdefault("shuffle", False)  # a dataset shuffles itself; Keras warns otherwise
    # Keras remembers the epoch that BackupAndRestore went on from, and would begin every later
    # fit of this model there, whatever initial_epoch says.
    model._initial_epoch = None
    if hasattr(train, "source"):
        train = _weighted(train, kwargs.pop("class_weight", None))
        check_losses(model, train.source.imbalance)
        warn_of_mirroring(model, train.source)
    callbacks = callbacks_of_worker(keras.tree.flatten(callbacks or []), model)
    callbacks = [*callbacks, _BuildOptimizer()]
    options = {"epochs": epochs, **kwargs}
    with shared_out(model, train, validation_data) as (train, validation_data):
        return _fit(model, train, validation_data, callbacks, cache, views, options)


def _fit(model, train, validation_data, callbacks, cache, views, options):
    source, verbose = getattr(train, "source", None), options.get("verbose", "auto")
    try:
        frozen = open_frozen(model, cache, views, together=True) if cache is not False else None
        if frozen is not None:
            features = frozen.replace(train, training=True, verbose=verbose)
            validation = _replace_validation(frozen, validation_data, verbose)
    except (NotCachedError, OSError) as reason:
        _LOGGER.warning("Frozen encoders run in every epoch: %s.", reason)
        frozen = None
    if frozen is None:
        with in_step(model, train), led(source, train, callbacks) as callbacks:
            data = {"x": fed(train, model), "validation_data": fed(validation_data, model)}
            return model.fit(callbacks=callbacks, **data, **options)
    callbacks.append(_Watch(frozen))
    with frozen.fed(), in_step(model, features), led(source, features, callbacks) as callbacks:
        data = {"x": fed(features, model), "validation_data": fed(validation, model)}
        return model.fit(callbacks=callbacks, **data, **options)


class _Watch(keras.callbacks.Callback):
    """Sees to it that no feature of other weights is used: `BackupAndRestore` sets weights."""

    def __init__(self, frozen):
        super().__init__()
        self.frozen = frozen

    def on_epoch_begin(self, epoch, logs=None):
        """Looks at the weights behind all other callbacks."""
        self.frozen.look_at_weights()


class _BuildOptimizer(keras.callbacks.Callback):
    """Makes the optimizer's variables ahead of the first step, behind callbacks that load weights.

    TensorFlow traces a function that makes variables twice, and tracing the step of training
    takes longer than many small trainings do. A step of one's own may use other weights.
    """

    def on_train_begin(self, logs=None):
        """Makes them, unless they are there."""
        model, optimizer = self.model, self.model.optimizer
        if type(model).train_step is not keras.Model.train_step or not model.trainable_weights:
            return
        if isinstance(optimizer, keras.optimizers.Optimizer) and not optimizer.built:
            with model.distribute_strategy.scope():
                optimizer.build(model.trainable_weights)


def _weighted(train, class_weight):
    """The dataset with class weights, if any, which Keras refuses beside weights of rows."""
    source = train.source
    if class_weight is None:
        return train
    if source.class_weight is not None:
        raise argument_error(
            "The data have class weights already",
            "class_weight in prepare or in fit",
            class_weight=class_weight,
        )
    if isinstance(class_weight, dict) and isinstance(source.table.class_names, list):
        names = dict(enumerate(source.table.class_names))
        class_weight = {names.get(key, key): weight for key, weight in class_weight.items()}
    return batches_of(dataclasses.replace(source, class_weight=class_weight))


def _replace_validation(frozen, data, verbose):
    if data is None or isinstance(data, tf.data.Dataset):
        return data if data is None else frozen.replace(data, verbose=verbose)
    if not isinstance(data, (list, tuple)):
        raise NotCachedError(f"validation data are a {type(data).__name__}")
    return (frozen.replace(data[0], verbose=verbose), *data[1:])
