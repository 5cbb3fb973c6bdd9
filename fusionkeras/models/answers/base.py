"""What every answer shares."""

import keras


class Answer(keras.layers.Layer):
    """Turns the output of one head into an answer: core TensorFlow ops only, also strings.

    A subclass says its `task`, and writes `answer` and `specs`.

    Args:
        head: str, the name of the head where there are several; the keys of its answer begin
            with `<head>_`.
        **kwargs: `name` and `dtype` of a Keras layer.

    Call arguments:
        scores: float32 `(batch, outputs)`, as the head of the task gives it.

    Returns:
        A dict of tensors `(batch, ...)`.
    """

    task = None
    class_names = None
    thresholds = None
    unsure = None

    def __init__(self, head="", **kwargs):
        # No mixed precision here: a quantity in bfloat16 has three digits.
        super().__init__(**{"dtype": "float32", **kwargs})
        self.head = head
        self.supports_jit = False  # strings stay on the CPU

    def answer(self, scores):
        """The answer, `{key: tensor}`."""
        raise NotImplementedError

    def specs(self):
        """Declares the answer: `{key: (shape without batch, dtype)}`."""
        raise NotImplementedError

    def call(self, scores):
        """The answer, its keys with the name of the head."""
        return {self._key(key): tensor for key, tensor in self.answer(scores).items()}

    def compute_output_spec(self, scores):
        """The static answer."""
        return {
            self._key(key): keras.KerasTensor((scores.shape[0], *shape), dtype=dtype)
            for key, (shape, dtype) in self.specs().items()
        }

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "head": self.head}

    def _key(self, key):
        return f"{self.head}_{key}" if self.head else key
