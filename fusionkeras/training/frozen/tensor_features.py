"""Frozen features of tensors: arrays, and the batches of any dataset."""

import numpy as np

from fusionkeras.training.frozen.features import FrozenGroup, batch_size, digest_of, progress_bar


class TensorFeatures(FrozenGroup):
    """The features of one frozen encoder for inputs that are tensors already.

    Args:
        encoder: `FrozenEncoder`.
        store: `FeatureStore`.
        dtype: "float32" or "float16".
    """

    def __init__(self, encoder, store, dtype):
        super().__init__(encoder, store, dtype, before="tensors")

    def keys_of(self, columns):
        """The keys of rows, given an array `(batch, ...)` for each input of the encoder."""
        return [self.key(digest_of(row)) for row in zip(*columns, strict=True)]

    def make(self, keys, columns, rows, must=True):
        """Computes and keeps the records of some rows; a list of bytes."""
        inputs = zip(self.inputs, columns, strict=True)
        features = self.extract({name: column[rows] for name, column in inputs})
        return self.save([keys[row] for row in rows], features, must)

    def records_of(self, *columns):
        """Finds, or computes, the records of a batch."""
        keys = self.keys_of(columns)
        return self.records(keys, lambda rows: self.make(keys, columns, rows, must=False))


def features_of_arrays(group, keys, columns, verbose):
    """Features of all rows of arrays, computed once for each distinct row.

    Args:
        group: `TensorFeatures`.
        keys: list of bytes, the keys of the rows.
        columns: list of arrays `(rows, ...)`, one for each input of the encoder.
        verbose: int; 0 shows no progress bar.

    Returns:
        dict of `{feature name: array (rows, ...)}`.
    """
    there, size = group.store.contains(keys), batch_size()
    missing = list({key: row for row, key in enumerate(keys) if key not in there}.values())
    bar = progress_bar(group, len(missing), verbose)
    for start in range(0, len(missing), size):
        rows = missing[start : start + size]
        group.make(keys, columns, rows)
        bar.add(len(rows))
    arrays = {name: np.empty((len(keys), *spec[0]), spec[1]) for name, spec in group.specs.items()}
    for start in range(0, len(keys), size):
        some = keys[start : start + size]
        part = [column[start : start + size] for column in columns]
        records = group.records(
            some, lambda rows, some=some, part=part: group.make(some, part, rows)
        )
        for name, array in arrays.items():
            array[start : start + len(some)] = records[name]
    return arrays
