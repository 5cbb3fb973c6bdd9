"""One rank of several."""

import keras

from fusionkeras.heads.ordinal import rank_probabilities
from fusionkeras.models.answers.base import Answer
from fusionkeras.models.answers.naming import check_count, check_names, likeliest, named


@keras.saving.register_keras_serializable("fusionkeras")
class NamedRanks(Answer):
    """Turns the output of an ordinal head into one probability a rank and the likeliest's name.

    Args:
        class_names: list of str, at least two, distinct, in the order of the ranks.
        head: as in `Answer`.
        **kwargs: `name` and `dtype` of a Keras layer.

    Call arguments:
        scores: float32 `(batch, ranks - 1)`, `P(rank > k)`.

    Returns:
        `{"label": string (batch,), "probabilities": float32 (batch, ranks)}`.
    """

    task = "ordinal"

    def __init__(self, class_names, head="", **kwargs):
        super().__init__(head, **kwargs)
        self.class_names = check_names(class_names)

    def build(self, scores_shape):
        """Checks that there is a name for every rank."""
        check_count(self.class_names, scores_shape[-1] + 1)
        self.built = True

    def answer(self, scores):
        """Names the likeliest rank."""
        probabilities = rank_probabilities(scores)
        return {
            "label": likeliest(self.class_names, probabilities),
            "probabilities": probabilities,
        }

    def specs(self):
        """A name, and a probability a rank."""
        return named(self.class_names)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "class_names": list(self.class_names)}
