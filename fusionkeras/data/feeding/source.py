"""What a dataset was made from."""

from dataclasses import dataclass, field

from fusionkeras.data.feeding.order import Order, number_of_batches
from fusionkeras.data.table import Table
from fusionkeras.preprocessing.base import Preprocessor


@dataclass(frozen=True, eq=False)
class Source:
    """What a dataset of `prepare` was made from; it stands in its attribute `source`."""

    table: Table
    preprocessor: Preprocessor
    batch_size: int
    seed: int
    shuffle: bool
    class_weight: object = None
    cache: object = False
    # The rows by their places, in the order of each epoch: every dataset that is made from this
    # source takes the next order from here.
    order: Order | None = None
    # What is done against imbalance, `{head: name}`, in the data or in the loss.
    imbalance: dict = field(default_factory=dict)
    mix: object = None
    drop_remainder: bool = False

    def batches(self):
        """The places of an epoch batch by batch, as `Order.batches` gives them."""
        return self.order.batches(self.batch_size, self.drop_remainder)

    def count_batches(self):
        """How many batches an epoch has."""
        return number_of_batches(self.order.size, self.batch_size, self.drop_remainder)
