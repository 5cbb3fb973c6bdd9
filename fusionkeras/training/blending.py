"""The losses of the branches, weighed by how each of them generalises."""

import keras
import numpy as np

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.objectives import Unimodal

# How much of all weight is shared out equally.
SHARED = 0.1


class GradientBlending(keras.callbacks.Callback):
    """Weighs the losses of fusion and branches by gain over overfitting, squared.

    For a model with the auxiliary objective `Unimodal`. Every `every` epochs, with `G` the fall of
    a validation loss since the last time and `O` the rise of what it exceeds the training loss by,
    `w = G / O^2` for each of the losses, scaled to the sum that the weights had at first. A tenth
    of that is shared out equally, so that a loss that got no better in validation, that of the
    fusion above all, is still learned from; where none got better, the weights stay. Of several
    heads it is the mean of their losses that is looked at, whatever their `loss_weights`.

    Args:
        every: int, the number of epochs between two changes.

    Attributes:
        history: list of `{name: weight}`, one for each change.

    Raises:
        ValueError: at the beginning of a training of a model without `Unimodal`, and at the end of
            an epoch without validation.

    Example:
        >>> import fusionkeras as fk
        >>> texts = [fk.lstm_branch(["red"], 4, units=8, name=name) for name in ("title", "text")]
        >>> model = fk.compile_classifier(fk.build_classifier(texts, auxiliary="unimodal"))
        >>> ids, labels = [np.eye(4, dtype="int32")] * 2, np.array([0, 1, 0, 1])
        >>> blending = GradientBlending()
        >>> _ = model.fit(ids, labels, epochs=3, validation_data=(ids, labels), verbose=0,
        ...               callbacks=[blending])
        >>> sorted(blending.history[0]), round(sum(blending.history[0].values()), 2)
        (['fused', 'text', 'title'], 1.6)

    Reference:
        Wang et al. 2020, "What Makes Training Multi-Modal Classification Networks Hard?"
        (https://arxiv.org/abs/1905.12681), proposition 1 and algorithm 2.
        Differs from the paper: there each branch is trained by itself from the last checkpoint to
        measure `G` and `O`; here they are those of the joint training, at no price; and no
        weight falls to 0.
    """

    def __init__(self, every=1):
        super().__init__()
        self.every = check_integer("number of epochs", every=every)
        self.history = []

    def on_train_begin(self, logs=None):
        """Finds the weights."""
        layers = [layer for layer in self.model.layers if isinstance(layer, Unimodal)]
        if not layers:
            raise argument_error(
                "There are no losses of branches to blend",
                "a model built with auxiliary='unimodal'",
                model=self.model,
            )
        self.layer, self.before = layers[0], None
        self.total = float(np.sum(self.layer.blend))

    def on_epoch_end(self, epoch, logs=None):
        """Measures, and weighs anew."""
        names = list(self.layer.trackers)
        if f"val_{names[0]}_loss" not in (logs or {}):
            raise argument_error(
                "Gradient blending measures how each branch generalises",
                "validation_data",
                logs=sorted(logs or {}),
            )
        if (epoch + 1) % self.every:
            return
        train = np.array([logs[f"{name}_loss"] for name in names])
        validation = np.array([logs[f"val_{name}_loss"] for name in names])
        if self.before is not None:
            weights = blending_weights(*self.before, train, validation)
            if weights is not None:
                self.layer.blend.assign(self.total * weights)
            self.history.append(
                dict(zip(names, np.asarray(self.layer.blend).tolist(), strict=True))
            )
        self.before = train, validation


def blending_weights(train_before, validation_before, train, validation):
    """Weights that sum to 1, from the losses at two times; None where none got better.

    Args:
        train_before: float array `(losses,)`.
        validation_before: float array `(losses,)`.
        train: float array `(losses,)`.
        validation: float array `(losses,)`.

    Example:
        >>> before, after = np.array([1.0, 1.0]), np.array([0.5, 0.8])
        >>> blending_weights(before, before, after, np.array([0.6, 0.9])).round(3).tolist()
        [0.77, 0.23]
    """
    gain = np.maximum(validation_before - validation, 0)
    overfitting = (validation - train) - (validation_before - train_before)
    # One that overfits not at all would take everything.
    weights = gain / np.maximum(np.abs(overfitting), 1e-2) ** 2
    if weights.sum() == 0:
        return None
    return (1 - SHARED) * weights / weights.sum() + SHARED / len(weights)
