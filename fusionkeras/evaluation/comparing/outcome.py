"""What was found of one candidate."""

import dataclasses
import math

import numpy as np


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One candidate over all seeds.

    Attributes:
        name: str, that of the fusion, or `<branch> alone`.
        branches: tuple of str, the branches that it reads.
        validation: float array `(seeds,)`, the metric on the validation rows.
        validation_loss: float array `(seeds,)`, the loss there, of the weights that were kept.
        labels: array `(rows, ...)`, those of the test rows.
        counts: bool array `(rows,)`, whether a test row can be judged.
        answers: float array `(seeds, rows, ...)`, what was said of the test rows.
        best: int, the place of the seed that is best on the validation rows.
        learning: int, how many weights learn.
        parameters: int, all weights.
        epochs: float, the mean number of epochs that were gone through.
        seconds: float, the median over the seeds of the time of a training.
        latency: float, milliseconds for one row.
    """

    name: str
    branches: tuple
    validation: np.ndarray
    validation_loss: np.ndarray
    labels: np.ndarray
    counts: np.ndarray
    answers: np.ndarray
    best: int
    learning: int
    parameters: int
    epochs: float
    seconds: float
    latency: float

    @property
    def diverged(self):
        """With how many seeds it has diverged: the loss or an answer is no finite number."""
        answers = self.answers[:, self.counts].reshape(len(self.answers), -1)
        numbers = np.column_stack([self.validation, self.validation_loss, answers])
        return int(np.sum(~np.isfinite(numbers).all(axis=1)))

    def rank(self, metric):
        """As the function `rank`, of the means over the seeds; last where one has diverged."""
        loss = math.nan if self.diverged else float(self.validation_loss.mean())
        return rank(metric.better(float(self.validation.mean())), loss)

    def line(self, metric):
        """What is printed when it is finished."""
        if self.diverged:
            return f"{self.name}: diverged with {self.diverged} of {len(self.validation)} seeds"
        seeds = " ".join(f"{value:.3f}" for value in self.validation)
        return (
            f"{self.name}: {metric.name} on the validation rows {self.validation.mean():.4f} "
            f"({seeds}), {self.seconds:.1f} s a training"
        )


def rank(goodness, loss):
    """What the better of two has more of: the metric on validation rows, then less loss.

    Where one of them is no finite number, training has diverged, and all else is better.
    """
    is_sound = math.isfinite(goodness) and math.isfinite(loss)
    return (goodness, -loss) if is_sound else (-math.inf, -math.inf)
