"""`fusionkeras evaluate`: how good a trained model is on a table."""

import argparse
import json
import pathlib
import sys
from collections import Counter

import numpy as np

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.cli.measures import check_measures, measure_more
from fusionkeras.cli.reading import columns_of
from fusionkeras.cli.run import Run, check_folder
from fusionkeras.cli.sources import source_of
from fusionkeras.data.targets import by_head, is_labelled
from fusionkeras.data.whole import write_whole
from fusionkeras.evaluation.answers import tasks_of
from fusionkeras.evaluation.curves.feeding import labelled_batches, something_in
from fusionkeras.evaluation.curves.robustness import measure_robustness
from fusionkeras.evaluation.measuring import asking
from fusionkeras.evaluation.slicing import cut_few
from fusionkeras.export import load
from fusionkeras.export.loading import as_served


def run_evaluate(options):
    """Prints the metrics of a model on a table; rows that cannot be judged are told apart."""
    check_folder(options.json)
    check_measures(options)
    served, source = as_served(load(options.model)), source_of(options)
    labels = labels_of(options, served)
    cells, other = _cells(options, served, source), _other(options, served)
    table, _, judged = read_judged(options, served, labels)
    ask, report = asking(served)
    answer, more = answering(ask, judged, served.columns, options.batch_size), {}
    if options.missing_at is None and options.robustness is None:
        answers = answer(table)
        found = report(answers)
        others = _ask_other(options, other, labels) if other else None
        more = measure_more(options, found, report, answers, cells, others)
    else:
        found = _as_cells_get_worse(answer, report, table, served.columns, options)
    content = {"metrics": found.as_dict(), "left_out": int(np.sum(~judged))}
    content |= {name: one for name, (one, _) in more.items()}
    content = json.dumps(content, indent=2)
    if options.json == "-":
        print(content)
        return
    if options.json:
        write_whole(
            pathlib.Path(options.json), lambda path: path.write_text(content + "\n", "utf-8")
        )
    print("\n\n".join([str(found), *(text for _, text in more.values())]))
    if not judged.all():
        print(f"\n{np.sum(~judged)} of {len(table)} rows left out (no known label, or a bad cell)")


def read_judged(options, served, labels):
    """Reads the rows of a table, and tells which of them a model can be judged by.

    Args:
        options: namespace, the options of the command.
        served: `ServedModel`.
        labels: what `labels_of` returns.

    Returns:
        `(table, statuses, judged)`: a `Table`; an object array `(rows,)` of "ok" or what is wrong
        with a row; a bool array `(rows,)`.
    """
    check_integer("batch size", batch_size=options.batch_size)
    source = source_of(options)
    how = how_to_read(options, served, source)
    table, statuses = source.read_rows(**how, **labels, progress=sys.stderr.isatty())
    heads = table.heads().values()
    judged = np.any([is_labelled(own, task) for task, own, _ in heads], axis=0)
    if (options.missing or _trained_with(options).get("missing")) == "allow":
        judged &= something_in(table, served.columns)
    else:
        judged &= statuses == "ok"
    _check_any(judged, statuses, served)
    return table, statuses, judged


def answering(ask, judged, columns, batch_size):
    """A function from a `Table` to what a model answers to those of its rows that are judged.

    Args:
        ask: what `asking` returns.
        judged: bool array `(rows,)`.
        columns: list of str, what the model reads.
        batch_size: int.
    """

    def answer(table, spoiler=None):
        counts = judged & something_in(table, columns)
        return ask(labelled_batches(table, counts, batch_size, spoiler))

    return answer


def _as_cells_get_worse(answer, report, table, columns, options):
    """The metrics as the cells get worse, in the ways that the options say."""
    kinds, strengths = options.robustness, {}
    if options.missing_at is not None:
        strengths = {"missing": options.missing_at}
        kinds = ["missing"] if kinds is None else kinds and [*kinds, "missing"]
    kinds = list(dict.fromkeys(kinds)) or None  # said alone it is all
    return measure_robustness(
        answer, report, table, columns, kinds, strengths, progress=sys.stderr.isatty()
    )


def _cells(options, served, source):
    """The cells of the columns to slice by, `{column: Cells}`."""
    columns = how_to_read(options, served, source)["columns"]
    cells = {name: source.read_column(name, columns) for name in options.slice or ()}
    for name, own in cells.items():
        cut_few(own, len(own), name)  # ahead of asking the model
    return cells


def _other(options, served):
    """The other model, where one is said."""
    if not options.against:
        return None
    other = as_served(load(options.against))
    own = {"tasks": by_head(tasks_of(served)), "class_names": served.class_names}
    told = {"tasks": by_head(tasks_of(other)), "class_names": other.class_names}
    if told != own:
        raise argument_error("The other model answers something else", str(own), **told)
    return other


def _ask_other(options, other, labels):
    """The other model on the same table: `(a function from answers to a report, answers)`."""
    said = {"model": options.against}
    for name in ("image", "text"):  # of the columns said those that it reads
        columns = getattr(options, name) or {}
        said[name] = {key: column for key, column in columns.items() if key in other.columns}
    options = argparse.Namespace(**{**vars(options), **said})
    table, _, judged = read_judged(options, other, labels)
    ask, report = asking(other)
    return report, answering(ask, judged, other.columns, options.batch_size)(table)


def labels_of(options, served):
    """What `read_rows` is to know of the labels, a dict of its arguments."""
    defaults = _trained_with(options)
    tasks = tasks_of(served)
    given = source_of(options).label or options.label
    said = given or defaults.get("label") or "label"
    separator = options.separator or defaults.get("separator") or "|"
    if "" in tasks and isinstance(said, str):
        label = {"label": said, "task": tasks[""]}
    elif "" not in tasks and (not given or set(said) == set(tasks)):
        label = {"label": tasks}
    else:
        raise argument_error(
            "The labels are not those of the model",
            "one" if "" in tasks else f"{list(tasks)}",
            label=said,
        )
    return {**label, "separator": separator, "class_names": served.class_names}


def _check_any(judged, statuses, served):
    """Raises where no row can be judged, and says what is the matter with them."""
    if not judged.any():
        counts = Counter(statuses).most_common()
        raise argument_error(
            f"No row can be judged ({', '.join(f'{count:,} {one}' for one, count in counts)})",
            "rows with a label that the model knows, and cells that can be read",
            class_names=served.class_names,
        )


def how_to_read(options, served, source):
    """How the rows of a source are read: the columns said, those trained with, or those served.

    Args:
        options: namespace, the options of the command.
        served: `ServedModel`.
        source: what `source_of` returns.

    Returns:
        dict, the arguments of `read_rows` and `stream_rows`, but for labels and progress.
    """
    columns = {name: name for name in served.columns}
    trained = {} if source.keyed else _trained_columns(options)
    # Of those trained with: the winner of a comparison may read fewer.
    columns |= {name: trained[name] for name in columns if name in trained} | columns_of(options)
    surplus = sorted(set(columns) - set(served.columns))
    if surplus:
        raise argument_error(
            f"The model reads no column called {surplus[0]!r}",
            f"columns for {served.columns}",
            "Name them by --image NAME=COLUMN and --text NAME=COLUMN.",
            columns=columns,
        )
    return {"columns": columns, "files": tuple(served.files), "files_root": options.files_root}


def _trained_with(options):
    return Run(options.model).read_config().get("options", {})


def _trained_columns(options):
    trained = _trained_with(options)
    return {**(trained.get("image") or {}), **(trained.get("text") or {})}
