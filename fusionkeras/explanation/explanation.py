"""What is said of some rows."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Why a model answered so, row by row.

    The score that is explained is the log odds of a class, `log p / (1 - p)`, or the value of a
    regression. Branches of which nothing is known but their features have Shapley values only.

    Attributes:
        classes: list of the class that is explained in each row: str, or int for a model of
            arrays; None for regression.
        scores: float32 `(rows,)`.
        baseline: float32 `(rows,)`, the score where everything is absent.
        shapley: dict of `{branch: float32 (rows,)}`, the share of each branch in the score; they
            add up to `scores - baseline`.
        heat: dict of `{branch: float32 (rows, height, width)}`, one number a cell of the grid of
            a picture: above 0 it speaks for the class, below 0 against it (integrated gradients
            only); 0 where the picture is absent.
        words: dict of `{branch: list of list of str}`, the words of each text that were read.
        weights: dict of `{branch: list of float32 (words,)}`, one for each of them.
        without: dict of `{branch: float32 (rows,)}`, for integrated gradients the score where the
            grid, or the vectors of all words, are 0: they add up to `scores - without`. Empty for
            an exported model.
        attention: dict of `{name: float32 (rows, ...)}`, what the fusion attends to; empty where it
            does not, and for an exported model.
    """

    classes: list
    scores: np.ndarray
    baseline: np.ndarray
    shapley: dict
    heat: dict
    words: dict
    weights: dict
    without: dict
    attention: dict

    def __len__(self):
        return len(self.scores)

    def contributions(self):
        """How much each branch contributes over all rows.

        Returns:
            `{branch: {"mean": float, "mean_absolute": float}}` of its Shapley values: the first
            tells whether it speaks for the classes that are explained, the second how much it
            moves the score at all.
        """
        return {
            name: {"mean": float(np.mean(own)), "mean_absolute": float(np.mean(np.abs(own)))}
            for name, own in self.shapley.items()
        }

    def heat_over(self, branch, size):
        """The heat of pictures, as large as pictures.

        Args:
            branch: str.
            size: `(height, width)` in pixels.

        Returns:
            float32 `(rows, height, width)`, bilinear between the centres of the cells.
        """
        import tensorflow as tf

        return tf.image.resize(self.heat[branch][..., np.newaxis], size).numpy()[..., 0]


def explanation_of(found, attention=None):
    """Makes an `Explanation` of what an explainer, or an exported model, gives.

    Args:
        found: dict of arrays `(rows, ...)`, as `Explainer` says, but `explained`, a list, or
            strings, instead of `class`.
        attention: dict of arrays, or None.

    Returns:
        `Explanation`.
    """

    def ending(what):
        return {
            key.removesuffix(f"_{what}"): value
            for key, value in sorted(found.items())
            if key.endswith(f"_{what}")
        }

    tokens, weights = ending("tokens"), ending("weights")
    words = {
        name: [[word.decode() for word in row if word] for row in own]
        for name, own in tokens.items()
    }
    counted = {
        name: [row[token != b""] for row, token in zip(weights[name], own, strict=True)]
        for name, own in tokens.items()
    }
    classes = found.get("explained", [None] * len(found["score"]))
    return Explanation(
        [x.decode() if isinstance(x, bytes) else x for x in classes],
        found["score"],
        found["baseline"],
        ending("shapley"),
        ending("heat"),
        words,
        counted,
        ending("without"),
        attention or {},
    )
