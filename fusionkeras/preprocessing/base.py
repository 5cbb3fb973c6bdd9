"""What every preprocessor shares: raw columns in, the tensors of one branch out."""

import keras
import tensorflow as tf

from fusionkeras._checks import argument_error


class Preprocessor(keras.layers.Layer):
    """Turns raw columns (strings, encoded pictures) into the input tensors of one encoder.

    The same layer runs inside `tf.data` while training and stands in front of the model in what
    is saved and served, so training and serving cannot differ. It uses core TensorFlow ops only:
    a process that imports nothing but `tensorflow` can run what is exported.

    A subclass writes `transform`, and declares with `output_specs` what comes out of it, because
    `keras.saving.load_model` calls a layer symbolically. A value that is missing (an empty
    string) comes out as the in-band mark of absence, which `present` reads.

    Args:
        columns: list of str, the raw columns that are read.

    Call arguments:
        columns: dict of `{column: tensor}`; string tensors of shape `(batch,)`, or `()` for one
            row. Surplus columns are ignored.

    Returns:
        A dict of `{tensor name: tensor}`, of shape `(batch, ...)`, or `(...)` for one row.

    Raises:
        ValueError: when a column is missing.
    """

    # Which edition of the computation this is: raised where the same arguments begin to give other
    # tensors, so that nothing that was kept of the former is taken for the latter.
    edition = 1

    def __init__(self, columns, **kwargs):
        # Strings and dicts pass as they are: Keras must neither convert nor cast them.
        super().__init__(**{"autocast": False, **kwargs})
        self.columns = list(columns)
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.supports_jit = False  # strings stay on the CPU
        self.built = True  # without weights; on JAX Keras would try it on strings to find any

    @property
    def files(self):
        """List of str, those of the columns that hold encoded files, such as pictures."""
        return []

    def transform(self, columns):
        """Maps `{column: (batch,) tensor}` to `{tensor name: (batch, ...) tensor}`."""
        raise NotImplementedError

    def output_specs(self):
        """Declares the outputs: `{tensor name: (shape without batch, dtype)}`."""
        raise NotImplementedError

    def present(self, tensors):
        """Tells, from the outputs, in which rows the modality is there: `(batch,)` bool."""
        raise NotImplementedError

    def call(self, columns):
        """Maps raw columns to tensors, for a batch or for one row."""
        own = self._own(columns)
        if any(value.shape.rank != 0 for value in own.values()):
            return self.transform(own)
        batched = {name: tf.expand_dims(value, 0) for name, value in own.items()}
        return {name: tf.squeeze(value, 0) for name, value in self.transform(batched).items()}

    def compute_output_spec(self, columns):
        """The static answer: no op runs, so it holds before any table is loaded."""
        self._check_columns(columns)
        batch = columns[self.columns[0]].shape[:1]
        return {
            name: keras.KerasTensor((*batch, *shape), dtype=dtype)
            for name, (shape, dtype) in self.output_specs().items()
        }

    def _own(self, columns):
        self._check_columns(columns)
        return {name: tf.convert_to_tensor(columns[name]) for name in self.columns}

    def _check_columns(self, columns):
        missing = [name for name in self.columns if name not in columns]
        if missing:
            raise argument_error(
                f"The preprocessor {self.name!r} misses the column {missing[0]!r}",
                f"a dict with the columns {self.columns}",
                columns=sorted(columns),
            )
