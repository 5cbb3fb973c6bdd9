"""What was found of one candidate."""

import dataclasses

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

    def rank(self, metric):
        """What the better of two has more of: the metric on validation rows, then less loss."""
        goodness = metric.better(float(self.validation.mean()))
        return goodness, -float(self.validation_loss.mean())

    def line(self, metric):
        """What is printed when it is finished."""
        seeds = " ".join(f"{value:.3f}" for value in self.validation)
        return (
            f"{self.name}: {metric.name} on the validation rows {self.validation.mean():.4f} "
            f"({seeds}), {self.seconds:.1f} s a training"
        )
