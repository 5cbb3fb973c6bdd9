"""What every head shares: a linear layer that knows its task."""

import keras

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.heads.losses import FocalLoss, LogitAdjustedLoss, TruthLoss

# Arguments of a Dense layer that a head, which follows from its task, does not keep.
OF_DENSE = {
    *(f"{of}_{what}" for of in ("kernel", "bias") for what in ("initializer", "regularizer")),
    *("kernel_constraint", "bias_constraint", "activity_regularizer"),
    *("activation", "use_bias", "lora_rank", "lora_alpha"),
}
KINDS_OF_LOSS = ("focal", "logit_adjusted")


class Head(keras.layers.Dense):
    """The output layer of a model, and what its task implies.

    It is the layer itself, so a model that was saved and loaded knows its heads. Its logits are
    float32, whatever the precision of the layers before.

    A subclass says its `task`, and writes `answer`, `usual_loss` and `weighted_metrics`, and
    `priors` where the task has classes.

    Args:
        units: int, the number of logits.
        biased: bool, whether logits have biases of their own.
        **kwargs: `name`, `dtype` and `trainable` of a Keras layer.

    Call arguments:
        x: float tensor `(batch, dim)`.

    Returns:
        float32 tensor `(batch, outputs)`.
    """

    task = None
    # Whether what it gives for a row are probabilities that sum to 1.
    exclusive = False

    def __init__(self, units, biased=True, **kwargs):
        unknown = sorted(set(kwargs) & OF_DENSE)
        if unknown:
            raise argument_error(
                f"A head has no argument {unknown[0]!r}",
                "name, dtype and trainable",
                kind=TypeError,
                **{unknown[0]: kwargs[unknown[0]]},
            )
        # As the activation of a Dense layer `answer` holds for its quantized forms, too.
        options = {"name": "probabilities", "dtype": "float32", **kwargs}
        super().__init__(units, activation=self.answer, use_bias=biased, **options)

    def answer(self, logits):
        """Turns logits `(batch, units)` into what the model gives, `(batch, outputs)`."""
        raise NotImplementedError

    def usual_loss(self):
        """A new loss, the one that is taken where no other is asked for."""
        raise NotImplementedError

    def weighted_metrics(self):
        """New metrics, a list; `metrics` alone is a property of every Keras layer."""
        raise NotImplementedError

    def priors(self, labels):
        """How frequent the classes are among labels, in the form that the losses take."""
        raise NotImplementedError

    def loss(self, kind=None, priors=None):
        """Makes a loss for labels in the form of the task.

        Args:
            kind: None for the usual one, "focal", "logit_adjusted", or a `keras.losses.Loss`.
            priors: what `self.priors(labels)` returns, for "logit_adjusted".

        Returns:
            `keras.losses.Loss`.

        Raises:
            ValueError: for an unknown kind, wrong priors, and a kind that needs classes where
                there are none.
        """
        if isinstance(kind, TruthLoss) and kind.task != self.task:
            raise argument_error(
                f"A loss for {kind.task} cannot judge a head of {self.task}",
                f"a loss for {self.task}",
                f"Make it with task={self.task!r}." if self.task != "regression" else "",
                loss=kind,
            )
        if isinstance(kind, keras.losses.Loss):
            return kind
        if kind is None:
            return self.usual_loss()
        check_choice("kind of loss", KINDS_OF_LOSS, "Any keras.losses.Loss will do.", loss=kind)
        return self.loss_of_kind(kind, priors)

    def loss_of_kind(self, kind, priors):
        """Makes one of the losses against imbalance, by its name."""
        return FocalLoss(self.task) if kind == "focal" else LogitAdjustedLoss(priors, self.task)

    def get_config(self):
        """The arguments of a Keras layer; those of a Dense layer follow from the task."""
        return keras.layers.Layer.get_config(self)
