"""One frozen part of a model: what it computes, and a graph that computes it."""

import keras
import numpy as np
import tensorflow as tf

from fusionkeras.training.frozen.fingerprint import CannotFingerprint, fingerprint
from fusionkeras.training.frozen.fold import fold
from fusionkeras.training.running import compiled

# By how much a row may differ, relatively, alone and in a batch.
ROUNDING = 1e-3


class NotCachedError(Exception):
    """Why the features of a model cannot be kept for some data."""


class FrozenEncoder:
    """The extractor of a group; data for training and for validation share it.

    Args:
        group: `Group` of `cut`.

    Raises:
        NotCachedError: where what it computes cannot be told from what another one computes.
    """

    def __init__(self, group):
        self.inputs, self.extractor = group.inputs, group.extractor
        self._stamp = None
        self.look_at_weights()

    def look_at_weights(self):
        """Takes the weights as they are now; returns whether they are others than before."""
        stamp = [float(keras.ops.sum(weight)) for weight in self.extractor.weights]
        if stamp == self._stamp:
            return False
        try:
            self.fingerprint = fingerprint(self.extractor)
        except CannotFingerprint as reason:
            raise NotCachedError(str(reason)) from reason
        self._stamp, self._graphs, self._rows_tried = stamp, {}, False
        return True

    def extract(self, inputs, training=False):
        """The features of a batch of inputs, `{name: array (batch, ...)}`."""
        if training not in self._graphs:
            self._graphs[training] = self._compiled(training)
        tensors = [
            tf.cast(inputs[name], tensor.dtype)
            for name, tensor in zip(self.inputs, self.extractor.inputs, strict=True)
        ]
        features = self._run(tensors, training)
        if not (training or self._rows_tried) and len(tensors[0]) > 1:
            _check_alone(self._run([tensor[:1] for tensor in tensors], training), features)
            self._rows_tried = True
        return features

    def _run(self, tensors, training):
        features = self._graphs[training](tensors)
        return {name: _as_array(value) for name, value in features.items()}

    def _compiled(self, training):
        """A graph that runs the extractor.

        BatchNorm is folded: measured, 1.2 times as fast on ResNet50, 1.7 times on MobileNetV2.
        """
        specs = [tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in self.extractor.inputs]
        return compiled(fold(self.extractor), specs, training)


def _check_alone(alone, features):
    """What depends on the other rows of its batch cannot be kept: the first is tried alone."""
    for name, value in alone.items():
        among = features[name][0]
        if not np.allclose(value[0], among, rtol=ROUNDING, atol=ROUNDING * np.abs(among).max()):
            raise NotCachedError(
                f"a row of {name!r} is not the same alone and among others of a batch"
            )


def _as_array(tensor):
    return np.asarray(tf.cast(tensor, tf.float32) if tensor.dtype == tf.bfloat16 else tensor)
