"""What units, activation, loss and metrics a task implies."""

import dataclasses

import keras

from fusionkeras._checks import argument_error, check_integer


@dataclasses.dataclass(frozen=True)
class ClassificationHead:
    """The last layer of a classifier, its loss and its metrics.

    Two classes give one sigmoid, more a softmax; both in float32, whatever the precision of the
    layers before.

    Args:
        num_classes: int, at least 2.

    Example:
        >>> ClassificationHead(num_classes=2).units, ClassificationHead(num_classes=5).units
        (1, 5)
    """

    num_classes: int

    def __post_init__(self):
        check_integer("number of classes", 2, num_classes=self.num_classes)

    @property
    def is_binary(self):
        """Whether one probability tells it all."""
        return self.num_classes == 2

    @property
    def units(self):
        """The number of outputs."""
        return 1 if self.is_binary else self.num_classes

    def layer(self, name="probabilities"):
        """A new output layer."""
        activation = "sigmoid" if self.is_binary else "softmax"
        return keras.layers.Dense(self.units, activation=activation, dtype="float32", name=name)

    def loss(self):
        """A new loss for integer labels `(batch,)`."""
        if self.is_binary:
            return keras.losses.BinaryCrossentropy()
        return keras.losses.SparseCategoricalCrossentropy()

    def metrics(self):
        """New metrics for integer labels `(batch,)`."""
        if self.is_binary:
            return [keras.metrics.BinaryAccuracy(name="accuracy")]
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]


def head_of(model):
    """The head that a classifier was built with, read from the shape of its output."""
    output = getattr(model, "output", None)
    if not isinstance(output, keras.KerasTensor) or len(output.shape) != 2:
        raise argument_error(
            "This model is no classifier of fusionkeras",
            "one output (batch, classes)",
            output=output,
        )
    return ClassificationHead(max(output.shape[-1], 2))
