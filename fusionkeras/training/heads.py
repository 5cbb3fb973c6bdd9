"""The heads that a table implies."""

import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.data import Table
from fusionkeras.heads import HEADS


def heads_for(table):
    """Makes the heads that the labels of a table imply.

    Args:
        table: `Table` of the rows of training, such as `data.train`. Its labels tell how many
            classes there are, and the mean and the deviation of a quantity.

    Returns:
        A `Head`, or a dict of `{column: Head}` for a table of several label columns; for
        `build_model`.

    Raises:
        TypeError: for something else than a table.
        ValueError: for a column of numbers without one.

    Example:
        >>> import fusionkeras as fk, pandas as pd
        >>> rows = pd.DataFrame({"text": ["red"] * 10, "price": [1.0, 3.0] * 5})
        >>> data = fk.read_table(
        ...     rows, {"text": "text"}, files=(), label="price", task="regression", split=(1, 0, 0)
        ... )
        >>> head = heads_for(data.train)
        >>> head.mean, head.deviation
        (2.0, 1.0)
    """
    check_table(table)
    heads = {name: _head(*about) for name, about in table.heads().items()}
    return heads.get("", heads)


def check_table(table):
    """Raises TypeError unless it is a `Table`; returns it."""
    if isinstance(table, Table):
        return table
    raise argument_error(
        "Wrong type of table", "a Table, such as data.train", kind=TypeError, table=table
    )


def _head(task, labels, class_names):
    if task != "regression":
        return HEADS[task](len(class_names))
    numbers = np.asarray(labels, np.float64)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        raise argument_error("There is no number to learn from", "labels", labels=labels)
    # Numbers that are all alike have no deviation to be measured in.
    return HEADS[task](float(numbers.mean()), float(numbers.std()) or 1.0)
