"""Labels of one head as classes, whatever the task."""

import numpy as np

from fusionkeras.data.targets import is_labelled


class Classes:
    """Which rows have which classes.

    Args:
        task: "classification", "ordinal" or "multilabel".
        labels: array as a `Table` holds it.
        names: list of str.
    """

    def __init__(self, task, labels, names):
        self.names = names
        self.known = is_labelled(labels, task)
        self._labels, self._several = labels, task == "multilabel"

    def counts(self):
        """The number of rows of each class, int64 array `(classes,)`."""
        if self._several:
            return np.sum(self._labels == 1, axis=0)
        return np.bincount(self._labels[self.known], minlength=len(self.names))

    def has_any(self, places):
        """Which rows have one of the classes at `places`: bool array `(rows,)`."""
        if self._several:
            return (self._labels[:, places] == 1).any(axis=1)
        return np.isin(self._labels, places)

    def of(self, row):
        """The set of the classes of a row."""
        if self._several:
            return set(np.flatnonzero(self._labels[row] == 1).tolist())
        return {int(self._labels[row])}

    def codes(self):
        """A number for each row that is the same where the labels are: int array `(rows,)`."""
        if self._several:
            return np.unique(self._labels, axis=0, return_inverse=True)[1].reshape(-1)
        return self._labels


def classes_of(rows):
    """The heads of `Rows` that have classes, `{head: Classes}`."""
    return {
        head: Classes(task, labels, names)
        for head, (task, labels, names) in rows.heads().items()
        if names
    }
