"""Models that are asked, compiled for the backend that Keras runs on."""

import keras
import tensorflow as tf


def compiled(model, signature=None, training=None):
    """Compiles a model for being asked.

    On TensorFlow it is a graph, which sees the weights as they are when it is asked; on JAX they
    are those of the last `look`, since `model.fit` takes them out of the model while it trains.

    Args:
        model: a `keras.Model`, or on TensorFlow any function from its inputs.
        signature: the `tf.TensorSpec` of the inputs, in a list or a dict, where it is known.
        training: bool; None leaves it to the model.

    Returns:
        A function from tensors `(batch, ...)`, in the structure of the inputs, to tensors or
        arrays in that of the outputs. Its `look(signature)` is called ahead of batches of any size.

    Raises:
        TypeError: on JAX, for what is no `keras.Model`, or one that reads strings.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Rescaling(3.0)])
        >>> ask = compiled(model)
        >>> ask.look(tf.TensorSpec((None, 2)))
        >>> keras.ops.convert_to_numpy(ask(tf.ones((1, 2)))).tolist()
        [[3.0, 3.0]]
    """
    if keras.backend.backend() == "jax":
        from fusionkeras.training.distribution.jax import CompiledByJax

        return CompiledByJax(model, training)
    return _CompiledByTensorFlow(model, signature, training)


class _CompiledByTensorFlow:
    def __init__(self, model, signature, training):
        run = model if training is None else lambda inputs: model(inputs, training=training)
        known = {} if signature is None else {"input_signature": [signature], "autograph": False}
        self._run = tf.function(run, **known, reduce_retracing=True)

    def look(self, signature):
        """Traces for batches of any size; else each size would be traced anew."""
        self._run.get_concrete_function(signature)

    def __call__(self, inputs):
        return self._run(inputs)
