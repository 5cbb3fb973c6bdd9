"""What is served: raw columns in, label and probabilities out."""

import keras
import tensorflow as tf

from fusionkeras._checks import argument_error
from fusionkeras.models.classifier import check_branches
from fusionkeras.preprocessing.joint import JointPreprocessor


def build_preprocessor(branches):
    """Builds the layer that turns raw columns into the inputs of a model of these branches.

    Args:
        branches: list of `Branch`, each with a preprocessor.

    Returns:
        A `JointPreprocessor`: a dict of raw columns in, a dict of named tensors out.

    Raises:
        ValueError: when a branch takes arrays only.

    Example:
        >>> from fusionkeras.branches import lstm_branch
        >>> preprocessor = build_preprocessor([lstm_branch(["red"], sequence_length=2)])
        >>> preprocessor({"text": tf.constant(["Red!"])})["text_token_ids"].numpy().tolist()
        [[2, 0]]
    """
    branches = check_branches(branches)
    for branch in branches:
        if branch.preprocessor is None:
            raise argument_error(
                f"The branch {branch.name!r} takes arrays only",
                "a branch with a preprocessor",
                "Give lstm_branch a vocabulary, not its size.",
                branch=branch.name,
            )
    return JointPreprocessor({branch.name: branch.preprocessor for branch in branches})


def end_to_end(model, preprocessor, class_names):
    """Joins preprocessor and classifier into one model: raw columns in, label out.

    It shares the layers of both, so what is served is what was trained.

    Args:
        model: a classifier of `build_classifier`.
        preprocessor: the `JointPreprocessor` of the same branches.
        class_names: list of str, the names of the classes, in the order of their ids.

    Returns:
        A functional `keras.Model` from string tensors `(batch,)`, one a raw column (encoded
        pictures, UTF-8 texts), to `{"label": string (batch,), "probabilities": float32
        (batch, num_classes)}`.

    Raises:
        ValueError: when `class_names` are not as many as the model's classes.

    Example:
        >>> from fusionkeras.branches import lstm_branch
        >>> from fusionkeras.models import build_classifier
        >>> branch = lstm_branch(["red"], sequence_length=2)
        >>> model = build_classifier([branch], num_classes=3)
        >>> serving = end_to_end(model, build_preprocessor([branch]), ["a", "b", "c"])
        >>> serving({"text": tf.constant(["red", "green"])})["probabilities"].shape
        TensorShape([2, 3])
    """
    _check_preprocessor(model, preprocessor)
    columns = {name: keras.Input((), dtype="string", name=name) for name in preprocessor.columns}
    # The same layers without the optimizer, which has no place in what is served.
    bare = keras.Model(model.inputs, model.output, name=model.name)
    answers = NamedProbabilities(class_names, name="answer")(bare(preprocessor(columns)))
    return keras.Model(list(columns.values()), answers, name="serving")


def _check_preprocessor(model, preprocessor):
    specs = getattr(preprocessor, "output_specs", dict)()
    missing = [tensor.name for tensor in model.inputs if tensor.name not in specs]
    if missing:
        raise argument_error(
            f"The preprocessor does not give the model's input {missing[0]!r}",
            "what build_preprocessor makes of the branches of the model",
            preprocessor=preprocessor,
        )


@keras.saving.register_keras_serializable("fusionkeras")
class NamedProbabilities(keras.layers.Layer):
    """Turns a classifier's output into one probability a class and the name of the likeliest.

    Args:
        class_names: list of str, at least two, distinct.

    Call arguments:
        scores: float32 `(batch, 1)`, the probability of the second of two classes, or
            `(batch, num_classes)`.

    Returns:
        `{"label": string (batch,), "probabilities": float32 (batch, num_classes)}`.
    """

    def __init__(self, class_names, **kwargs):
        super().__init__(**kwargs)
        names = class_names if isinstance(class_names, str) else list(class_names)
        distinct = len(set(names)) == len(names) >= 2
        if not distinct or isinstance(names, str) or not all(isinstance(x, str) for x in names):
            raise argument_error(
                "Wrong class names", "two or more distinct names", class_names=names
            )
        self.class_names = names
        self.supports_jit = False  # strings stay on the CPU

    def build(self, scores_shape):
        """Checks that there is a name for every class."""
        classes = max(scores_shape[-1], 2)
        if len(self.class_names) != classes:
            raise argument_error(
                f"The model tells {classes} classes apart",
                f"{classes} class names",
                class_names=self.class_names,
            )
        self.built = True

    def call(self, scores):
        """Names the likeliest class."""
        if scores.shape[-1] == 1:
            scores = tf.concat([1 - scores, scores], axis=-1)
        label = tf.gather(tf.constant(self.class_names), tf.argmax(scores, axis=-1))
        return {"label": label, "probabilities": scores}

    def compute_output_spec(self, scores):
        """The static answer."""
        batch = scores.shape[0]
        return {
            "label": keras.KerasTensor((batch,), dtype="string"),
            "probabilities": keras.KerasTensor((batch, len(self.class_names)), dtype="float32"),
        }

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "class_names": list(self.class_names)}
