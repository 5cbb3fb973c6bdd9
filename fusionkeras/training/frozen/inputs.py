"""Data for a model with frozen encoders, with their features in place of their inputs."""

import contextlib
import logging

import keras
import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error
from fusionkeras.data.feeding.inputs import parts_of
from fusionkeras.data.feeding.pipeline import batches_of, mapped
from fusionkeras.data.feeding.rowcache import weakly
from fusionkeras.training.distribution.processes import processes, put_together, wait_for_all
from fusionkeras.training.frozen.cache import as_cache
from fusionkeras.training.frozen.encoder import FrozenEncoder, NotCachedError
from fusionkeras.training.frozen.fingerprint import CannotFingerprint, fingerprint
from fusionkeras.training.frozen.split import cut
from fusionkeras.training.frozen.table_features import TableFeatures
from fusionkeras.training.frozen.tensor_features import TensorFeatures, features_of_arrays

_LOGGER = logging.getLogger("fusionkeras")
# What of a model of a class of its own may read its inputs in training.
STEPS = ("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics")


def open_frozen(model, cache, views=0, together=False):
    """Prepares a model to be fed with features.

    Args:
        model: a functional `keras.Model`.
        cache: True, a path or a `FeatureCache`.
        views: int, how many random views of an input are kept.
        together: bool, whether all processes do so at once, and can share the work out.

    Returns:
        `FrozenInputs`, or None where no frozen encoder is worth it.

    Raises:
        NotCachedError: with the reason.
    """
    weights = getattr(model, "non_trainable_variables", ())
    if not views and not any(len(weight.shape) > 1 for weight in weights):
        return None
    own = [name for name in STEPS if getattr(type(model), name) is not getattr(keras.Model, name)]
    if own:
        raise NotCachedError(
            f"{type(model).__name__} has a {own[0]} of its own, which reads inputs"
        )
    try:
        parts = cut(model, keep_random=bool(views))
    except TypeError as error:
        raise NotCachedError("only the graph of a functional model can be split") from error
    if not parts.worthwhile and parts.reasons:
        raise NotCachedError("; ".join(parts.reasons))
    for reason in parts.reasons:
        _LOGGER.warning("Not all frozen layers are computed once: %s", reason)
    views = _views_of_groups(model, parts, views)
    if not parts.worthwhile:
        return None
    return FrozenInputs(model, parts, as_cache(cache), views, together)


def _views_of_groups(model, parts, count):
    """How many views each group has: where it holds nothing random, it has none."""
    if not count:
        return [0] * len(parts.groups)
    try:
        steady = [fingerprint(group.extractor) for group in cut(model).groups]
        views = [0 if fingerprint(g.extractor) in steady else count for g in parts.groups]
    except CannotFingerprint as reason:
        raise NotCachedError(str(reason)) from reason
    if not any(views):
        raise argument_error(
            "Nothing random comes ahead of a frozen encoder",
            "views=0, or a layer of random augmentation in the model",
            views=count,
        )
    return views


@contextlib.contextmanager
def with_features(model, data, cache=True, opener=open_frozen):
    """For asking a model: data of `prepare` with features, which the model answers meanwhile.

    Args:
        model: a `keras.Model`.
        data: a `tf.data.Dataset`; one that `prepare` did not make stays as it is.
        cache: as in `fit`.
        opener: `open_frozen`, or for asking several times a function that remembers what it gave;
            the model's weights stay as they are meanwhile.

    Yields:
        `tf.data.Dataset`, to be read while this lasts.
    """
    frozen, fed = None, contextlib.nullcontext()
    if cache is not False and hasattr(data, "source") and fits(model, data.source):
        try:
            frozen = opener(model, cache)
            if frozen is not None:
                data, fed = frozen.replace(data), frozen.fed()
        except (NotCachedError, OSError) as reason:
            _LOGGER.info("Frozen encoders run: %s.", reason)
    try:
        with fed:
            yield data
    finally:
        if frozen is not None:
            frozen.let_go()


def fits(model, source):
    """Whether a dataset of `prepare` holds the inputs of a model."""
    specs = source.preprocessor.output_specs()
    return all(tensor.name in specs for tensor in getattr(model, "inputs", ()))


class FrozenInputs:
    """Turns data of a model into data of its learning part.

    Args:
        model: functional `keras.Model`.
        parts: `Cut` of it.
        cache: `FeatureCache`.
        views: list of int, how many random views of an input each group keeps for training.
        together: bool, as for `open_frozen`.
    """

    def __init__(self, model, parts, cache, views, together=False):
        self.model, self.parts, self.views = model, parts, views
        self.encoders = [FrozenEncoder(group) for group in parts.groups]
        self.store, self.dtype = cache.open(), cache.dtype
        self._processes = processes(model) if together else (0, 1)
        self._kept = []  # what graphs refer to weakly
        self._has_arrays = False
        self._claimed = 0

    @contextlib.contextmanager
    def fed(self):
        """While it lasts, the model answers features too, without running its frozen part.

        Everything else about it is as it was, so that `model.fit`, its callbacks, metrics and
        optimizer are Keras' own, and a callback may save it or ask it for a prediction.
        """
        model, learner, call = self.model, self.parts.learner, self.model.call
        names = {tensor.name for tensor in learner.inputs}
        features = {name for group in self.parts.groups for name in group.extractor.output}

        def call_with_features(inputs, training=None, mask=None):
            if isinstance(inputs, dict) and features & set(inputs):
                return learner({name: inputs[name] for name in names}, training=training)
            return call(inputs, training=training, mask=mask)

        spec = model.__dict__.get("_manual_input_spec", model)
        model.call, model.input_spec = call_with_features, None
        _forget_traces(model)
        try:
            yield
        finally:
            del model.call
            del model._manual_input_spec
            if spec is not model:
                model.input_spec = spec
            _forget_traces(model)

    def replace(self, data, training=False, verbose=0):
        """Data with features: a dataset of `prepare`, any other `tf.data.Dataset`, or arrays."""
        views = self.views if training else [0] * len(self.views)
        if isinstance(data, tf.data.Dataset):
            if hasattr(data, "source") and fits(self.model, data.source):
                return self.of_source(data.source, views, verbose)
            return self._from_dataset(data, views)
        if not isinstance(data, (np.ndarray, tf.Tensor, list, tuple, dict)):
            raise NotCachedError(f"they cannot be recognised in a {type(data).__name__}")
        return self._from_arrays(data, views, verbose)

    def look_at_weights(self):
        """Goes on with the frozen weights as they are now: a callback may have restored others."""
        changed = [encoder.inputs for encoder in self.encoders if encoder.look_at_weights()]
        if changed and self._has_arrays:
            raise argument_error(
                "Frozen weights have changed since their features were computed",
                "the same weights throughout a training on arrays",
                "Restore them before fit, or pass cache=False.",
                inputs=changed[0],
            )

    def of_source(self, source, views=None, verbose=0):
        """The dataset that a `Source` describes, with features; as `replace`, but from less."""
        views = [0] * len(self.views) if views is None else views
        if source.mix is not None:
            raise NotCachedError(f"{source.mix.name!r} mixes the pictures anew in every epoch")
        groups = [
            TableFeatures(encoder, source, self.store, self.dtype, own)
            for encoder, own in zip(self.encoders, views, strict=True)
        ]
        for group in groups:
            self._claim(group.look(*self._processes, self._put_together))
        if self._processes[1] > 1:
            for group in groups:
                group.fill(verbose, *self._processes)
            wait_for_all("frozen features", self.model)
        for group in groups:
            group.fill(verbose)  # all of it, or what others have kept in another folder
        self._kept += groups
        raw = set(self.parts.raw)
        provided = {name for group in groups for name in group.parts}
        needed = {
            name
            for name, part in parts_of(source.preprocessor).items()
            if raw & set(part.output_specs())
        }

        def provide(places, epochs):
            tensors, good = {}, {}
            for group in groups:
                features, there = group.provide(places, epochs)
                tensors, good = {**tensors, **features}, {**good, **there}
            return tensors, good

        return batches_of(source, provided - needed, provide)

    def let_go(self):
        """Forgets the data that were replaced; they can be read no more."""
        self._kept, self._claimed = [], 0

    def _from_dataset(self, data, views):
        if any(views):
            raise NotCachedError("views are kept for data of prepare only")
        groups = self._groups()
        self._kept += groups

        def convert(*batch):
            x, *others = batch if len(batch) > 1 else (batch[0],)
            inputs = self._by_name(x)
            features = {name: inputs[name] for name in self.parts.raw}
            for group in groups:
                arguments = [inputs[name] for name in group.inputs]
                features |= group.in_graph(weakly(group.records_of), arguments)
            return (features, *others)

        return mapped(data, convert)

    def _from_arrays(self, data, views, verbose):
        if any(views):
            raise NotCachedError("views are kept for data of prepare only")
        inputs = {name: _as_array(name, value) for name, value in self._by_name(data).items()}
        features = {name: inputs[name] for name in self.parts.raw}
        for group in self._groups():
            columns = [inputs[name] for name in group.inputs]
            keys = group.keys_of(columns)
            self._claim(group.size(len(set(keys))))
            features |= features_of_arrays(group, keys, columns, verbose)
        self._has_arrays = True
        return features

    def _claim(self, size):
        """Raises where the features of this training would push each other out of the store."""
        self._claimed += size
        if self._claimed > self.store.max_bytes:
            raise NotCachedError(
                f"their features take {self._claimed:,} bytes, more than the cache may hold; pass "
                f"cache=FeatureCache(max_bytes=...), now {self.store.max_bytes:,}"
            )

    def _put_together(self, own, total):
        return put_together(own, total, self.model)

    def _groups(self):
        return [TensorFeatures(encoder, self.store, self.dtype) for encoder in self.encoders]

    def _by_name(self, x):
        """The model's inputs by name, from the structures in which Keras takes them."""
        names = [tensor.name for tensor in self.model.inputs]
        if isinstance(x, dict):
            keys = self.model._inputs_struct if isinstance(self.model._inputs_struct, dict) else {}
            keys = {tensor.name: key for key, tensor in keys.items()} or {n: n for n in names}
            if all(key in x for key in keys.values()):
                return {name: x[key] for name, key in keys.items()}
        else:
            values = x if isinstance(x, (list, tuple)) else [x]
            if len(values) == len(names):
                return dict(zip(names, values, strict=True))
        raise NotCachedError(f"the data do not name the inputs {names}")


def _as_array(name, value):
    if not isinstance(value, (np.ndarray, tf.Tensor)):
        raise NotCachedError(f"the input {name!r} is a {type(value).__name__}, no array")
    return np.asarray(value)


def _forget_traces(model):
    model.train_function = model.test_function = model.predict_function = None
