"""The preprocessors of all branches as one layer."""

import keras

from fusionkeras.preprocessing.base import Preprocessor


@keras.saving.register_keras_serializable("fusionkeras")
class JointPreprocessor(Preprocessor):
    """Runs one preprocessor a branch over the same raw columns and joins their tensors.

    Args:
        preprocessors: dict of `{branch: Preprocessor}`.

    Call arguments:
        columns: dict of `{column: string tensor (batch,)}`.

    Returns:
        A dict of `{tensor name: tensor}`: the inputs of the model, by name.

    Example:
    >>> import tensorflow as tf
    >>> from fusionkeras.preprocessing.text import WordIds
    >>> joint = JointPreprocessor({"text": WordIds(["red"], sequence_length=2)})
    >>> joint({"text": tf.constant(["red"])})["text_token_ids"].numpy().tolist()
    [[2, 0]]
    """

    def __init__(self, preprocessors, **kwargs):
        parts = {
            name: keras.saving.deserialize_keras_object(part) if isinstance(part, dict) else part
            for name, part in preprocessors.items()
        }
        columns = dict.fromkeys(column for part in parts.values() for column in part.columns)
        super().__init__(columns=columns, **kwargs)
        self.preprocessors = parts

    @property
    def files(self):
        """Joins what the preprocessors name, each column once."""
        return list(dict.fromkeys(x for part in self.preprocessors.values() for x in part.files))

    def transform(self, columns):
        """Joins what the preprocessors give."""
        return {
            name: tensor
            for part in self.preprocessors.values()
            for name, tensor in part(columns).items()
        }

    def output_specs(self):
        """Joins what the preprocessors declare."""
        return {
            name: spec
            for part in self.preprocessors.values()
            for name, spec in part.output_specs().items()
        }

    def present(self, tensors):
        """A dict of `{branch: (batch,) bool}`."""
        return {name: part.present(tensors) for name, part in self.preprocessors.items()}

    def get_config(self):
        """The constructor's arguments, the preprocessors serialized."""
        parts = {
            name: keras.saving.serialize_keras_object(part)
            for name, part in self.preprocessors.items()
        }
        return {**super().get_config(), "preprocessors": parts}
