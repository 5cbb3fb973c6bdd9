"""What JAX wants otherwise: models are functions of their weights, batches are whole."""

import keras
import numpy as np
from keras import tree

from fusionkeras._checks import argument_error


class CompiledByJax:
    """A model as one compiled function, for the devices of this process.

    Every size of a batch would be compiled anew. So a smaller batch than the last is filled up
    with its own rows, and those are cut off what comes out. Under a `keras.distribution` the rows
    are shared out over the devices of this process; no other process takes part.

    Args:
        model: `keras.Model` of tensors.
        training: bool; None leaves it to the model.

    Raises:
        TypeError: for what is no `keras.Model`, or one that reads strings.
    """

    def __init__(self, model, training=None):
        import jax

        strings = [x for x in getattr(model, "inputs", ()) if x.dtype == "string"]
        if not isinstance(model, keras.Model) or strings:
            raise argument_error(
                "The JAX backend asks Keras models of tensors only",
                "a model of build_model",
                "Models of end_to_end answer with KERAS_BACKEND=tensorflow.",
                TypeError,
                model=model,
            )
        options = {} if training is None else {"training": training}

        def run(learning, others, inputs):
            return model.stateless_call(learning, others, inputs, **options)

        self._model, self._run = model, jax.jit(run)
        self._rows, self._weights = 0, None

    def look(self, signature=None):
        """Takes the weights as they are now; what becomes of the model is nothing to them."""
        import jax

        everywhere, self._by_rows = _shardings()
        groups = self._model.trainable_variables, self._model.non_trainable_variables
        self._weights = [
            [jax.device_put(np.array(one.value), everywhere) for one in group] for group in groups
        ]

    def __call__(self, inputs):
        """Asks the model; arrays in the structure of its outputs."""
        import jax

        if self._weights is None:
            self.look()
        arrays = [np.asarray(x) for x in tree.flatten(inputs)]
        count = len(arrays[0])
        self._rows = max(self._rows, _up_to_multiple(count, self._by_rows.num_devices))
        filled = np.arange(self._rows) % count
        arrays = [jax.device_put(x[filled], self._by_rows) for x in arrays]
        inputs = tree.pack_sequence_as(inputs, arrays)
        outputs, self._weights[1] = self._run(*self._weights, inputs)
        return tree.map_structure(lambda x: _as_array(x)[:count], outputs)


def _shardings():
    """How weights and rows lie on the devices of this process: all of it on each, and divided."""
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec, SingleDeviceSharding

    devices = jax.local_devices()
    if keras.distribution.distribution() is None or len(devices) == 1:
        return (SingleDeviceSharding(devices[0]),) * 2
    mesh = Mesh(np.array(devices), ["rows"])
    return NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("rows"))


def _up_to_multiple(count, of):
    return -(-count // of) * of


def _as_array(value):
    """An array that NumPy knows: bfloat16 becomes float32."""
    array = np.asarray(value)
    return array.astype("float32") if array.dtype.name == "bfloat16" else array
