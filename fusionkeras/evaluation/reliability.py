"""Whether probabilities mean what they say: of the answers given at .8, four in five are right."""

import dataclasses

import numpy as np

from fusionkeras._checks import check_integer

BINS = 15  # as in Guo et al. 2017


@dataclasses.dataclass(frozen=True)
class Reliability:
    """What a reliability diagram shows: rows in bins of equal width by their probability.

    Attributes:
        edges: float array `(bins + 1,)`, from 0 to 1; a bin holds its upper edge, and the first
            one 0 as well.
        confidence: float array `(bins,)`, the mean probability of the rows; NaN without rows.
        accuracy: float array `(bins,)`, the share of rows in which it came true; NaN without rows.
        rows: int array `(bins,)`.

    Example:
        >>> found = reliability([0.9, 0.8, 0.6, 0.6], [True, True, True, False], bins=2)
        >>> found.rows.tolist(), round(found.expected_calibration_error, 3)
        ([0, 4], 0.025)
    """

    edges: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    rows: np.ndarray

    @property
    def expected_calibration_error(self):
        """The mean of `|accuracy - confidence|` over the bins, each with the share of its rows.

        Reference:
            Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks",
            equation 3.
        """
        some = self.rows > 0
        gaps = np.abs(self.accuracy[some] - self.confidence[some])
        return float(np.sum(self.rows[some] * gaps) / np.sum(self.rows))


def reliability(probabilities, true, bins=BINS):
    """Puts rows into bins by their probability.

    Args:
        probabilities: float array `(rows,)`.
        true: bool array `(rows,)`, whether what has that probability came true.
        bins: int.

    Returns:
        `Reliability`.

    Raises:
        ValueError: for less than one bin.
    """
    edges = np.linspace(0, 1, check_integer("number of bins", bins=bins) + 1)
    probabilities = np.asarray(probabilities, float)
    places = np.searchsorted(edges[1:-1], probabilities)
    rows, confidence, accuracy = (
        np.bincount(places, weights, minlength=bins)
        for weights in (None, probabilities, np.asarray(true, float))
    )
    share = np.where(rows > 0, 1 / np.maximum(rows, 1), np.nan)
    return Reliability(edges, confidence * share, accuracy * share, rows)
