"""How a model fares as its cells get worse."""

from fusionkeras._checks import argument_error, check_choice, check_integer
from fusionkeras.data.table import Table
from fusionkeras.evaluation.answers import check_tasks, said_by, tasks_of
from fusionkeras.evaluation.curves.feeding import labelled_batches, something_in
from fusionkeras.evaluation.curves.kinds import KINDS, Spoiler, check_strengths
from fusionkeras.evaluation.curves.report import RobustnessReport
from fusionkeras.evaluation.measuring import asking
from fusionkeras.evaluation.missing import evaluate_missing


def robustness(serving, table, kinds=None, strengths=None, seed=0, batch_size=32, progress=True):
    """Measures a model on rows whose cells are made worse, one column and one way at a time.

    The kinds, and what their strengths are:

    - `"noise"`: the standard deviation of Gaussian noise on the pixels, in grey levels of 255;
    - `"blur"`: the radius of a Gaussian blur, in pixels;
    - `"jpeg"`: what the quality of a JPEG lacks of 100, so 90 is quality 10;
    - `"typos"`: the share of letters swapped, dropped, doubled, or hit on the key beside;
    - `"missing"`: the share of cells taken away, on the rows that hold something else as well.

    Pictures are spoilt as they are in their files, before the model resizes them, and written
    again as bytes: noise in a large photo counts for less once that is made small. At strength 0
    cells are as they are. Every cell has its own draw, a function of the seed, the column and the
    row alone; a stronger noise is the same noise, stronger.

    Args:
        serving: what `end_to_end` or `load` returns.
        table: `Table`, such as `data.test`.
        kinds: list of str; None is all that the columns of the model allow.
        strengths: dict of `{kind: list of float}`, in place of the usual ones.
        seed: int.
        batch_size: int.
        progress: bool, whether a bar on stderr shows how far it is.

    Returns:
        `RobustnessReport`, `{kind: {column: {strength: report}}}` with reports as of `evaluate`.

    Raises:
        TypeError: where `table` is no `Table`.
        ValueError: for a model that does not read raw columns, a table without a column of it, with
            other classes or without rows to judge, and for wrong kinds and strengths.
        ImportError: where pictures are to be spoilt and Pillow is not installed.

    Example:
        >>> import fusionkeras as fk
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"text": ["red", "blue"] * 5, "label": ["warm", "cold"] * 5})
        >>> data = fk.read_table(frame, {"text": "text"}, label="label", split=(0.6, 0.2, 0.2))
        >>> branch = fk.lstm_branch(["red", "blue"], sequence_length=2)
        >>> model, preprocessor = fk.build_classifier([branch]), fk.build_preprocessor([branch])
        >>> serving = fk.end_to_end(model, preprocessor, data.class_names)
        >>> report = robustness(serving, data.train, strengths={"typos": [0, 1]}, progress=False)
        >>> {kind: list(columns) for kind, columns in report.reports.items()}
        {'typos': ['text']}
    """
    columns = _columns_of(serving)
    _check_table(table, columns, serving)
    ask, report = asking(serving)

    def answer(table, spoiler=None):
        return ask(labelled_batches(table, something_in(table, columns), batch_size, spoiler))

    return measure_robustness(answer, report, table, columns, kinds, strengths, seed, progress)


def measure_robustness(
    answer, report, table, columns, kinds=None, strengths=None, seed=0, progress=False
):
    """The same for whatever answers.

    Args:
        answer: a function from a `Table` and optionally a `Spoiler` to `{head: three arrays}`, as
            for `evaluate_missing`.
        report: a function from such a dict to a report.
        table: `Table`.
        columns: list of str, the columns that the model reads.
        kinds: as for `robustness`.
        strengths: as for `robustness`.
        seed: as for `robustness`.
        progress: as for `robustness`.

    Returns:
        `RobustnessReport`.
    """
    from tqdm import tqdm

    check_integer("seed", 0, seed=seed)
    plan = _plan(table, columns, kinds, strengths)
    whole, reports = answer(table), {kind: {} for kind in plan}
    bar = tqdm(_points(plan), "Making cells worse", unit="point", disable=not progress)
    for kind, column, strength in bar:
        spoiler = Spoiler(kind, column, strength, seed)
        found = _asked(answer, table, spoiler) if strength > 0 else whole
        reports[kind].setdefault(column, {})[strength] = report(found)
    if "missing" in plan:
        shares = plan["missing"][1]
        reports |= evaluate_missing(answer, report, table, columns, shares, seed, whole).reports
    return RobustnessReport(reports)


def _points(plan):
    """All points of the curves of cells that are spoilt one by one."""
    return [
        (kind, column, strength)
        for kind, (columns, strengths) in plan.items()
        if kind != "missing"
        for column in columns
        for strength in strengths
    ]


def _asked(answer, table, spoiler):
    found = answer(table, spoiler)
    spoiler.tell()
    return found


def _plan(table, columns, kinds, strengths):
    """What is measured, `{kind: (columns, strengths)}`."""
    strengths, wanted = strengths or {}, KINDS if kinds is None else kinds
    for kind in wanted:
        check_choice("kind of spoilt cells", KINDS, kinds=kind)
    for kind in strengths:
        check_choice("kind of spoilt cells that is measured", wanted, strengths=kind)
    plan = {}
    for kind in wanted:
        own = _columns_for(kind, table, columns)
        if own:
            plan[kind] = (own, check_strengths(kind, strengths.get(kind, KINDS[kind].strengths)))
        elif kinds is not None:
            raise argument_error(
                f"The model reads no column that {kind!r} is for",
                f"kinds among {[one for one in KINDS if _columns_for(one, table, columns)]}",
                kinds=kinds,
            )
    return plan


def _columns_for(kind, table, columns):
    files = [column for column in columns if column in table.files]
    texts = [column for column in columns if column not in table.files]
    several = columns if len(columns) > 1 else []  # of a single one nothing would be left
    return {"picture": files, "text": texts, "any": several}[KINDS[kind].of]


def _columns_of(serving):
    """The raw columns that a model reads."""
    if hasattr(serving, "columns"):
        return list(serving.columns)
    inputs = getattr(serving, "inputs", None) or ()
    if not inputs or any(tensor.dtype != "string" for tensor in inputs):
        raise argument_error(
            "The model does not read raw columns",
            "what end_to_end or load returns",
            "Join model and preprocessor: end_to_end(model, preprocessor, class_names).",
            serving=serving,
        )
    return [tensor.name for tensor in inputs]


def _check_table(table, columns, serving):
    if not isinstance(table, Table):
        raise argument_error(
            "Wrong type of table", "a Table, such as data.test", kind=TypeError, table=table
        )
    table.check_columns(columns)
    check_tasks(tasks_of(serving), table)
    class_names = said_by(serving, "class_names")
    said = class_names if isinstance(class_names, dict) else {"": class_names}
    for head, (_, _, names) in table.heads().items():
        if said.get(head) is not None and list(said[head]) != list(names or ()):
            raise argument_error(
                "The classes of the table are not those of the model",
                f"{list(said[head])}",
                "Take a split of the data that the model was trained on, or fusionkeras evaluate.",
                class_names=names,
            )
