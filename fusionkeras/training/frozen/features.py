"""The features of frozen encoders, computed once for each distinct input."""

import hashlib
import json
import logging

import keras
import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error
from fusionkeras.training.frozen.encoder import NotCachedError

_LOGGER = logging.getLogger("fusionkeras")
DIGEST_SIZE = hashlib.sha256().digest_size


class FrozenGroup:
    """One frozen encoder with the store of its features.

    A record holds all features of one input. Its key is a hash of everything they depend on: the
    encoder (architecture and weights), what comes before it, how they are stored, and the content
    of the input. So nothing ever needs to be invalidated: what has changed has another key.

    Args:
        encoder: `FrozenEncoder`.
        store: `FeatureStore`.
        dtype: "float32" or "float16", in which float features are stored.
        before: str, what turns contents into the inputs of the encoder.
        views: int, how many random views of an input are kept; 0 where nothing is random.
        flags: list of str, names of further bools that a record holds.
    """

    def __init__(self, encoder, store, dtype="float32", before="", views=0, flags=()):
        self.encoder, self.store, self.views = encoder, store, views
        self.inputs = encoder.inputs
        self.specs = {
            name: (tuple(tensor.shape[1:]), keras.backend.standardize_dtype(tensor.dtype))
            for name, tensor in encoder.extractor.output.items()
        }
        fields = [
            (name, _stored(type_, dtype), shape) for name, (shape, type_) in self.specs.items()
        ]
        if any(None in shape for _, _, shape in fields):
            raise NotCachedError(f"the features of {', '.join(self.inputs)} differ in size")
        self.record = np.dtype(fields + [(name, "bool") for name in flags])
        types = [[str(field[0]), field[1]] for field in self.record.fields.values()]
        described = json.dumps([before, types, bool(views)])
        self._described = hashlib.sha256(described.encode()).digest()

    @property
    def label(self):
        """What the store says of these features."""
        return f"{', '.join(self.inputs)} ({self.record.itemsize:,} bytes each)"

    def size(self, inputs):
        """How many bytes the features of so many inputs take."""
        return inputs * max(self.views, 1) * self.record.itemsize

    def key(self, digest, view=0):
        """The key of one view of the input with a digest."""
        parts = [self.encoder.fingerprint, self._described, view.to_bytes(4, "big"), digest]
        return hashlib.sha256(b"".join(parts)).digest()

    def extract(self, inputs):
        """The features of a batch of inputs, `{name: array (batch, ...)}`."""
        return self.encoder.extract(inputs, training=bool(self.views))

    def save(self, keys, features, must=True):
        """Writes records to the store and returns them: a list of bytes.

        Where they `must` be kept it raises OSError if they cannot be; else the log says so.
        """
        records = np.empty(len(keys), self.record)
        for name in self.record.names:
            records[name] = features[name]
            _check_range(name, features[name], records[name])
        contents = [record.tobytes() for record in records]
        try:
            self.store.put(dict(zip(keys, contents, strict=True)), self.label)
        except OSError as error:
            if must:
                raise
            _LOGGER.warning("Features could not be kept: %s", error)
        return contents

    def records(self, keys, make):
        """The records of `keys`, in order, as a structured array.

        Args:
            keys: list of bytes.
            make: a function from places in `keys`, a list of int, to their records. It is called
                for those that the store does not have, or has no more; of equal ones for one.
        """
        found = self.store.get(set(keys))
        missing = {key: place for place, key in enumerate(keys) if key not in found}
        if missing:
            found |= zip(missing, make(list(missing.values())), strict=True)
        return np.frombuffer(b"".join([found[key] for key in keys]), self.record)

    def in_graph(self, fetch, arguments, flags=()):
        """Calls `fetch` from a graph: the features as tensors, and the flags.

        Args:
            fetch: a function from arrays to records.
            arguments: list of tensors.
            flags: list of str, the flags that are wanted.

        Returns:
            A dict of tensors `(batch, ...)` by name.
        """
        names = [*self.specs, *flags]
        types = [tf.as_dtype(self.record[name].base) for name in names]

        def call(*arrays):
            records = fetch(*arrays)
            return [np.ascontiguousarray(records[name]) for name in names]

        values = tf.numpy_function(call, arguments, types, stateful=False)
        tensors = {}
        for name, value in zip(names, values, strict=True):
            shape, dtype = self.specs.get(name, ((), "bool"))
            value = tf.ensure_shape(value, (arguments[0].shape[0], *shape))
            tensors[name] = tf.cast(value, dtype)
        return tensors


def digest_of(row):
    """Hashes one input, bytes or arrays, one for each column, to `DIGEST_SIZE` bytes."""
    digest = hashlib.sha256()
    for value in row:
        if not isinstance(value, bytes):
            digest.update(f"{value.dtype}{value.shape}".encode())
        content = value if isinstance(value, bytes) else np.ascontiguousarray(value).tobytes()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.digest()


def _stored(dtype, float_dtype):
    """The type in which a feature is stored: floats as asked for, never wider than they are."""
    if not keras.backend.is_float_dtype(dtype):
        return dtype
    return "float16" if dtype == "float16" else float_dtype


def _check_range(name, features, stored):
    if np.dtype(stored.dtype).kind == "f" and not np.isfinite(stored).all():
        if np.isfinite(features).all():
            raise argument_error(
                f"The feature {name!r} is too large for float16",
                "a cache of dtype 'float32'",
                "Pass cache=FeatureCache(dtype='float32').",
                largest=float(np.abs(features).max()),
            )


def batch_size():
    """How many inputs go through an encoder at once: a processor gains nothing from more."""
    return 128 if tf.config.list_physical_devices("GPU") else 32


def progress_bar(group, total, verbose):
    """The progress bar of one pass; silent where there is nothing to compute."""
    shown = int(bool(verbose) and total > 0)
    if shown:
        print(f"Computing the frozen features of {group.label}")
    return keras.utils.Progbar(total, verbose=shown, unit_name="input")
