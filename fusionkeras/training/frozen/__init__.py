"""Frozen encoders run once: the cut through a model, and the store of their features.

`split` cuts a model, by walking its `graph` and asking the `frontier` what is frozen, which
`tracing` finds out; `masks` carries what Keras hands on beside tensors. An `encoder` is a frozen
part as it is now, with its `fingerprint`. `features` keeps what it gives in the store that a
`cache` names, the `store` in a folder or `segments` at an address: `table_features` for the rows of
a table, `tensor_features` for arrays and other datasets; `shorten` and `fold` make the one pass
fast. `inputs` joins all of it for `fit`.
"""

from fusionkeras.training.frozen.cache import FeatureCache
from fusionkeras.training.frozen.encoder import NotCachedError
from fusionkeras.training.frozen.inputs import open_frozen, with_features
from fusionkeras.training.frozen.split import split_frozen

__all__ = ["FeatureCache", "NotCachedError", "open_frozen", "split_frozen", "with_features"]
