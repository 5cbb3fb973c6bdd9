"""Where encoders that learn begin, for each seed."""

import keras
import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.models import build_preprocessor


class Starts:
    """The branches of a comparison, and what their learning encoders begin with.

    Frozen encoders are the same throughout. Those that learn are put back ahead of each training:
    to what they held at first, or, where a function makes the branches, to what it makes with the
    seed set.

    Args:
        branches: list of `Branch`, or a function without arguments that makes it.
        seeds: list of int.

    Example:
        >>> import fusionkeras as fk
        >>> starts = Starts(lambda: [fk.lstm_branch(["red"], sequence_length=2)], [0, 1])
        >>> starts.restore(0)
        >>> first = starts.branches[0].encoder.get_weights()
        >>> starts.restore(1)
        >>> bool((first[0] == starts.branches[0].encoder.get_weights()[0]).all())
        False
    """

    def __init__(self, branches, seeds):
        make = branches if callable(branches) else None
        self.branches = self._make(make, seeds[0]) if make else branches
        self.preprocessor = build_preprocessor(self.branches)  # raises where it is no branch
        self.branches = list(self.branches)
        first = [np.array(variable) for variable in _learning(self.branches)]
        self._values = dict.fromkeys(seeds, first)
        for seed in seeds[1:] if make and first else ():
            made = _learning(self._make(make, seed))
            self._values[seed] = [np.array(variable) for variable in made]
            _check_alike(first, self._values[seed])

    def restore(self, seed):
        """Puts the encoders that learn to where they begin with a seed."""
        for variable, value in zip(_learning(self.branches), self._values[seed], strict=True):
            variable.assign(value)

    def _make(self, make, seed):
        keras.utils.set_random_seed(seed)
        return make()


def _learning(branches):
    """The variables of the encoders that learn, random seeds included."""
    encoders = [branch.encoder for branch in branches if branch.encoder.trainable_variables]
    return [variable for encoder in encoders for variable in encoder.variables]


def _check_alike(first, values):
    shapes = [value.shape for value in values]
    if shapes != [value.shape for value in first]:
        raise argument_error(
            "The function makes other branches each time",
            "encoders of the same shapes",
            branches=shapes,
        )
