"""How good a model is on the rows of each value of a column."""

import dataclasses
import math

import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.evaluation.intervals import bootstrap
from fusionkeras.evaluation.numbers import as_json, short, with_interval

# More different numbers than this are cut into quarters of the rows.
_NUMBERS = 10
_SLICES = 100


@dataclasses.dataclass(frozen=True)
class SliceReport:
    """What `report.slices(values)` found.

    Attributes:
        name: str, what was sliced by.
        whole: the report of all rows.
        reports: dict of `{value: report}`, in order; "" for rows without a value. Of numbers that
            were cut the values are such as "1.5 to 20".
        intervals: dict of `{value: (low, high)}`, of the first metric.

    Example:
        >>> from fusionkeras.evaluation import RegressionReport
        >>> report = RegressionReport(np.zeros(6), np.array([1.0, 1, 1, 1, 5, 9]))
        >>> print(report.slices(["new", "new", "old", "old", "old", "old"], name="age"))
        age        rows  mae
        (all)         6  3.000
        new           2  1.000 [1.000, 1.000]
        old           4  4.000 [1.000, 7.000]
    """

    name: str
    whole: object
    reports: dict
    intervals: dict

    @property
    def metric(self):
        """The name of the metric that is shown, the first of the report."""
        return first_metric(self.whole)

    @property
    def apart(self):
        """The values whose interval does not hold the metric of all rows, as a list.

        None of an interval that is a point or undefined: it says nothing.
        """
        value = getattr(self.whole, self.metric)
        return [
            name
            for name, (low, high) in self.intervals.items()
            if low < high and not low <= value <= high
        ]

    def as_dict(self):
        """All of it as numbers, lists and dicts that `json.dumps` takes; NaN becomes None."""
        apart = self.apart
        return {
            "name": self.name,
            "metric": self.metric,
            "all": self.whole.summary(),
            "slices": {
                value: {
                    **report.summary(),
                    "interval": list(as_json(enumerate(self.intervals[value])).values()),
                    "apart": value in apart,
                }
                for value, report in self.reports.items()
            },
        }

    def __str__(self):
        """A readable table."""
        shown = {value: value or "(empty)" for value in self.reports}
        width = max(len("(all)"), len(self.name), *map(len, shown.values()))
        apart, metric = self.apart, self.metric
        value = short(getattr(self.whole, metric))
        lines = [
            f"{self.name:{width}}  {'rows':>7}  {metric}",
            f"{'(all)':{width}}  {self.whole.rows:7d}  {value}",
        ]
        for value, report in self.reports.items():
            told = with_interval(getattr(report, metric), self.intervals[value])
            mark = "  *" if value in apart else ""
            lines.append(f"{shown[value]:{width}}  {report.rows:7d}  {told}{mark}")
        if apart:
            lines.append("* the interval does not hold the value of all rows")
        return "\n".join(lines)


def first_metric(report):
    """The name of the metric that stands first in a report."""
    return next(iter(report.summary()))


def slice_report(report, values, name="slice", confidence=0.95, resamples=1000, seed=0):
    """Slices a report; see `RowReport.slices`."""
    slices = cut_few(values, report.rows, name)
    reports = {value: report.take(places) for value, places in slices.items()}
    metric = first_metric(report)
    found = {
        value: bootstrap(
            {metric: own.statistics()[metric]}, own.rows, confidence, resamples, seed=seed
        )[metric]
        for value, own in reports.items()
    }
    return SliceReport(name, report, reports, found)


def cut_few(values, rows, name):
    """As `cut`; raises where there are too many values to look at."""
    slices = cut(values, rows)
    if len(slices) > _SLICES:
        raise argument_error(
            f"There are {len(slices):,} different values of {name!r}",
            f"at most {_SLICES}",
            "Slice by what groups the rows, or by a column of numbers.",
            values=list(slices)[:3],
        )
    return slices


def cut(values, rows):
    """The rows of each value.

    Args:
        values: list or array of texts, numbers, or nothing.
        rows: int, how many there are to be.

    Returns:
        `{value: int array of places}`, in order: of numbers by size, of texts as sorted; rows
        without a value, "", come last.

    Example:
        >>> {name: places.tolist() for name, places in cut(["b", "10", "9", "b", None], 5).items()}
        {'10': [1], '9': [2], 'b': [0, 3], '': [4]}
        >>> [len(places) for places in cut(range(12), 12).values()], list(cut(range(12), 12))[0]
        ([3, 3, 3, 3], '0 to 2')
    """
    import pandas as pd

    cells = np.asarray(values, object)
    if cells.shape != (rows,):
        raise argument_error(
            "The values are not those of the rows of the report",
            f"one for each of the {rows} rows",
            "Rows without a known label or of weight 0 are not in the report.",
            values=values,
        )
    found = {}
    for place, cell in enumerate(cells):
        found.setdefault("" if pd.isna(cell) else str(cell), []).append(place)
    places = {text: np.array(own) for text, own in found.items()}
    empty = {"": places.pop("")} if "" in places else {}
    numbers = _numbers(places)
    if numbers is None:
        return dict(sorted(places.items())) | empty
    ordered = dict(sorted(places.items(), key=lambda pair: numbers[pair[0]]))
    return (_quarters(ordered, numbers) if len(ordered) > _NUMBERS else ordered) | empty


def _numbers(texts):
    """`{text: float}`, or None unless all texts are finite numbers."""
    try:
        numbers = {text: float(text) for text in texts}
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers.values())) else None


def _quarters(places, numbers):
    """Quarters of the rows, `{"low to high": places}`; `places` are in the order of the numbers."""
    counts = [len(own) for own in places.values()]
    edges = np.quantile(np.repeat(list(map(numbers.get, places)), counts), [0.25, 0.5, 0.75])
    quarters = {}
    for text, own in places.items():
        quarters.setdefault(int(np.searchsorted(edges, numbers[text])), {})[text] = own
    return {
        _span(list(own)): np.sort(np.concatenate(list(own.values()))) for own in quarters.values()
    }


def _span(texts):
    return texts[0] if len(texts) == 1 else f"{texts[0]} to {texts[-1]}"
