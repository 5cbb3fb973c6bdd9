"""Frozen features for the rows of a table: one pass over what is distinct in it."""

import json

import numpy as np
import tensorflow as tf

from fusionkeras.data.feeding.inputs import columns_of, make_reader, parts_of, preprocess
from fusionkeras.data.feeding.pipeline import mapped
from fusionkeras.data.feeding.rowcache import weakly
from fusionkeras.training.frozen.features import (
    DIGEST_SIZE,
    FrozenGroup,
    batch_size,
    digest_of,
    progress_bar,
)
from fusionkeras.training.frozen.shorten import shorten

NAMES = ("name", "column", "output")


class TableFeatures:
    """The features of one frozen encoder for the rows of a table.

    Rows with the same cells share an input, and files with the same bytes share their features.

    Args:
        encoder: `FrozenEncoder`.
        source: `Source` of a dataset that `prepare` made.
        store: `FeatureStore`.
        dtype: "float32" or "float16".
        views: int, how many random views of an input are kept; 0 where nothing is random.
    """

    def __init__(self, encoder, source, store, dtype, views=0):
        table = source.table
        self.parts = {
            name: part
            for wanted in encoder.inputs  # in their order, as the encoder reads them
            for name, part in parts_of(source.preprocessor).items()
            if wanted in part.output_specs()
        }
        self.columns = columns_of(self.parts)
        self.group = FrozenGroup(
            encoder,
            store,
            dtype,
            json.dumps([self._describe(part, encoder.inputs) for part in self.parts.values()]),
            views,
            [_flag(column) for column in self.columns],
        )
        self.places, self._inputs_of_rows = _distinct(table, self.columns)
        self._digests = []
        self._table, self._read = table, make_reader(table, self.columns)
        self._by_tensors = not all(map(_is_ours, self.parts.values()))

    def look(self, index=0, processes=1, put_together=None):
        """Hashes every distinct input; returns how many bytes their features take.

        Args:
            index: int, the number of this process.
            processes: int, how many share the work: each hashes every `processes`-th.
            put_together: a function from the hashes of this process, uint8 `(rows, bytes)`, and
                the number of all, to those of all, in order.

        Returns:
            int.
        """
        numbers, found = np.arange(len(self.places)), []
        for _, raw, tensors, _ in self._batches(numbers[index::processes], self._by_tensors):
            found += self._digest(raw, tensors)
        if processes > 1:
            own = np.frombuffer(b"".join(found), np.uint8).reshape(-1, DIGEST_SIZE)
            found = [row.tobytes() for row in put_together(own, len(numbers))]
        self._digests = found
        return self.group.size(len(set(found)))

    def fill(self, verbose=0, index=0, processes=1):
        """Computes what the store does not have yet, after `look`.

        Args:
            verbose: int; 0 shows no progress bar.
            index: int, the number of this process.
            processes: int, how many share the work: each computes what is its own by its key.

        Returns:
            int, how many inputs went through the encoder.
        """

        def is_own(key):
            return int.from_bytes(key[:8], "big") % processes == index

        views = range(max(self.group.views, 1))
        return sum(self._fill_view(view, verbose, is_own) for view in views)

    def provide(self, places, epochs):
        """The features of rows, in a graph: `(tensors, good)`, as `batches_of` wants them."""
        flags = [_flag(column) for column in self.columns]
        tensors = self.group.in_graph(weakly(self._fetch), [places, epochs], flags)
        return tensors, {column: tensors.pop(_flag(column)) for column in self.columns}

    def _describe(self, part, inputs):
        """What a preprocessor does, which columns it reads and which inputs it gives; no names."""
        config = {key: value for key, value in part.get_config().items() if key not in NAMES}
        reads = [self.columns.index(column) for column in part.columns]
        gives = [inputs.index(name) if name in inputs else -1 for name in part.output_specs()]
        return [type(part).__name__, part.edition, config, reads, gives]

    def _digest(self, raw, tensors):
        """Hashes of what enters, one a row: raw columns, or the tensors that were made of them."""
        names = self.group.inputs if self._by_tensors else self.columns
        columns = [(tensors if self._by_tensors else raw)[name].numpy() for name in names]
        return [digest_of(row) for row in zip(*columns, strict=True)]

    def _batches(self, numbers, preprocessed=True):
        """Reads distinct inputs: batches of `(numbers, raw columns, tensors, good)`."""
        numbers = tf.data.Dataset.from_tensor_slices(np.asarray(numbers, np.int64))
        return mapped(numbers.batch(batch_size()), lambda some: self._make(some, preprocessed))

    def _make(self, numbers, preprocessed=True):
        raw, readable = self._read(tf.gather(self.places, numbers))
        made = preprocess(self.parts, raw, readable) if preprocessed else ({}, {})
        return numbers, raw, *made

    def _fill_view(self, view, verbose, is_own):
        keys = [self.group.key(digest, view) for digest in self._digests]
        there = self.group.store.contains(keys)
        missing = {
            key: number for number, key in enumerate(keys) if key not in there and is_own(key)
        }
        if not missing:
            return 0
        order, extract = self._shortened(np.fromiter(missing.values(), np.int64))
        bar = progress_bar(self.group, len(order), verbose)
        for batch in self._batches(order):
            self._save(batch, [view] * len(batch[0]), extract)
            bar.add(len(batch[0]))
        return len(order)

    def _save(self, batch, views, extract, must=True):
        """Computes the features of a batch, and keeps them under what has been read just now.

        A file may have changed since it was hashed; from here on it counts as what it is.
        """
        numbers, raw, tensors, good = batch
        digests = self._digest(raw, tensors)
        for number, digest in zip(numbers.numpy(), digests, strict=True):
            self._digests[number] = digest
        features = extract(tensors) | {_flag(key): good[key].numpy() for key in self.columns}
        keys = [self.group.key(digest, view) for digest, view in zip(digests, views, strict=True)]
        return self.group.save(keys, features, must)

    def _shortened(self, numbers):
        """The order in which to take inputs, and the function that computes their features."""
        if self.group.views:
            return numbers, self.group.extract
        empty = {column: tf.constant([b""]) for column in self.columns}
        padding = {
            name: tensor.numpy()[0]
            for part in self.parts.values()
            for name, tensor in part(empty).items()
        }

        def read(some):
            return (tensors for _, _, tensors, _ in self._batches(some))

        return shorten(self.group, padding, numbers, read)

    def _fetch(self, rows, epochs):
        numbers = self._inputs_of_rows[rows]
        views = (epochs + rows) % max(self.group.views, 1)  # each row sees one after another
        keys = [
            self.group.key(self._digests[number], int(view))
            for number, view in zip(numbers, views, strict=True)
        ]

        def make(places):
            batch = self._make(tf.constant(numbers[places]))
            own = [int(view) for view in views[places]]
            return self._save(batch, own, self.group.extract, must=False)

        return self.group.records(keys, make)


def _flag(column):
    """The name of the bool in a record that says whether a modality is there."""
    return f"{column} is there"


def _is_ours(part):
    return type(part).__module__.startswith("fusionkeras.")


def _distinct(table, columns):
    """The first place of each distinct combination of cells, and which one each row has."""
    import pandas as pd

    cells = pd.DataFrame({column: table.columns[column].distinct()[1] for column in columns})
    numbers = cells.groupby(columns, sort=False, dropna=False).ngroup().to_numpy()
    _, places = np.unique(numbers, return_index=True)
    return places, numbers
