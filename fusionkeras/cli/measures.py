"""What `fusionkeras evaluate` adds to the metrics: intervals, slices, a test against a model."""

import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.data.targets import by_head
from fusionkeras.evaluation.numbers import intervals_as_json, with_interval
from fusionkeras.evaluation.paired import paired_tests
from fusionkeras.evaluation.several import reports_of

_CONFIDENCE, _RESAMPLES = 0.95, 1000


def check_measures(options):
    """Raises where an option is said that the others leave nothing for."""
    said = {name: getattr(options, name) for name in ("intervals", "slice", "against")}
    said = {name: value for name, value in said.items() if value}
    worse = {name: getattr(options, name) for name in ("missing_at", "robustness")}
    worse = {name: value for name, value in worse.items() if value is not None}
    if said and worse:
        raise argument_error(
            f"--{min(worse).replace('_', '-')} and --{min(said)} cannot go together",
            "one of them",
            "Run the command twice.",
            **worse,
            **said,
        )


def measure_more(options, found, report, answers, cells, others):
    """All that the options ask for beside the metrics.

    Args:
        options: namespace, the options of the command.
        found: a report of `evaluate`.
        report: a function from answers to a report.
        answers: `{head: (labels, answers, whether the row counts)}`, all rows of the table.
        cells: dict of `{column: cells}` to slice by, all rows of the table.
        others: `(report, answers)` of another model, or None.

    Returns:
        dict of `{name: (content, text)}`: a dict for JSON, and lines to print.
    """
    more = {}
    if options.intervals:
        more["intervals"] = with_intervals(found, options.intervals)
    if cells:
        more["slices"] = with_slices(found, answers, cells)
    if others:
        names = options.model, options.against
        more["against"] = with_test(names, (report, others[0]), (answers, others[1]))
    return more


def with_intervals(found, method):
    """Bootstrap intervals of all metrics.

    Args:
        found: a report of `evaluate`.
        method: str, "bca" or "percentile".

    Returns:
        `(content, text)`: a dict for JSON, and lines to print.
    """
    how = {"confidence": _CONFIDENCE, "resamples": _RESAMPLES, "method": method}
    metrics, classes = found.intervals(**how), {}
    for head, report in reports_of(found).items():
        if _of_classes(report):
            classes[head] = report.intervals(**how, per_class=True)
    content = {**how, "metrics": intervals_as_json(metrics)}
    if classes:
        content["per_class"] = by_head(intervals_as_json(classes))
    title = f"{_CONFIDENCE:.0%} intervals ({method}, {_RESAMPLES:,} resamples of the rows):"
    tables = [_class_table(reports_of(found)[head], own) for head, own in classes.items()]
    return content, "\n\n".join([f"{title}\n{found.line(metrics)}", *tables])


def _of_classes(report):
    """The numbers of each class, None for a report without."""
    return getattr(report, "per_class", None) or getattr(report, "per_label", None)


def _class_table(report, intervals):
    """A line for each class, with intervals beside its numbers."""
    names = list(next(iter(intervals.values())))
    width = max(map(len, intervals))
    lines = [f"{'':{width}}" + "".join(f"  {name:<20}" for name in names)]
    for label, row in _of_classes(report).items():
        # What is undefined is 0 or None in a report.
        told = [
            "undefined"
            if np.isnan(intervals[label][name]).any()
            else with_interval(row[name], intervals[label][name])
            for name in names
        ]
        lines.append(f"{label:{width}}" + "".join(f"  {one:<20}" for one in told))
    return "\n".join(line.rstrip() for line in lines)


def with_slices(found, answers, cells):
    """The metrics by the values of columns of the table.

    Args:
        found: a report of `evaluate`.
        answers: `{head: (labels, answers, whether the row counts)}`, all rows of the table.
        cells: dict of `{column: cells}`, all rows of the table.

    Returns:
        `(content, text)`, as for `with_intervals`.
    """
    content, texts = {}, []
    for column, own in cells.items():
        own = np.asarray(own, object)
        slices = {
            head: report.slices(own[answers[head][2]], name=column)
            for head, report in reports_of(found).items()
        }
        content[column] = by_head({head: one.as_dict() for head, one in slices.items()})
        texts += [f"{head}\n{one}" if head else str(one) for head, one in slices.items()]
    return content, "\n\n".join(texts)


def with_test(names, reports, answers):
    """A paired test of two models, on the rows that count for both.

    Args:
        names: what the two are called.
        reports: two functions from answers to a report.
        answers: `{head: (labels, answers, whether the row counts)}` of both, all rows.

    Returns:
        `(content, text)`, as for `with_intervals`.
    """
    tests = paired_tests(reports, answers)
    content = {"model": names[1], **by_head({head: one.as_dict() for head, one in tests.items()})}
    lines = [f"{head}: {one}" if head else str(one) for head, one in tests.items()]
    return content, "\n".join([f"first: {names[0]}, second: {names[1]}", *lines])
