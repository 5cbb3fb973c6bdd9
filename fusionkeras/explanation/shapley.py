"""What each branch contributes: exact Shapley values."""

import itertools
import math

import numpy as np

# All subsets of the branches are asked.
MOST_BRANCHES = 6


def subsets(count):
    """All subsets of `count` branches: bool `(2 ** count, count)`, none first, all last."""
    return np.array(list(itertools.product([False, True], repeat=count)))


def shapley_weights(count):
    """The matrix that makes Shapley values of the scores of all subsets.

    `phi_i = sum_S |S|! (n - |S| - 1)! / n! (v(S with i) - v(S))`, over the subsets without `i`.
    They add up to `v(all) - v(none)`.

    Args:
        count: int, the number of branches `n`.

    Returns:
        float32 `(count, 2 ** count)`, for scores in the order of `subsets`.

    Reference:
        Shapley 1953, "A Value for n-Person Games", equation 12.

    Example:
        >>> shapley_weights(2) @ [0, 3, 1, 6]  # none, the second, the first, both
        array([2., 4.])
    """
    every = subsets(count)
    sizes = every.sum(axis=1)
    weights = np.zeros((count, len(every)))
    for branch in range(count):
        inside = every[:, branch]
        for row, (size, there) in enumerate(zip(sizes, inside, strict=True)):
            others = size - there
            share = math.factorial(others) * math.factorial(count - others - 1)
            weights[branch, row] = (1 if there else -1) * share / math.factorial(count)
    return weights
