"""`fusionkeras report`: one page on a model and a table."""

import json
import pathlib
import sys

from fusionkeras._checks import argument_error, check_integer
from fusionkeras.cli.ask import answering, labels_of, read_judged
from fusionkeras.cli.run import Run, check_folder
from fusionkeras.data.whole import write_whole
from fusionkeras.evaluation.measuring import asking
from fusionkeras.evaluation.several import reports_of
from fusionkeras.export import load
from fusionkeras.export.loading import as_served
from fusionkeras.report.figures.drawing import make_axes
from fusionkeras.report.losses import ask_without, measure_losses
from fusionkeras.report.page import write_report
from fusionkeras.report.subject import Subject


def run_report(options):
    """Measures a model on a table, with and without each column, and writes the page."""
    check_folder(options.output)
    if options.output == "-":
        raise argument_error("A page is not printed", "the name of a file", output=options.output)
    check_integer("number of errors", 0, errors=options.errors)
    make_axes()  # raises now, not after the measuring, where there is no Matplotlib
    loaded = load(options.model)
    served = as_served(loaded)
    table, statuses, judged = read_judged(options, served, labels_of(options, served))
    ask, report = asking(served)
    answer = answering(ask, judged, served.columns, options.batch_size)
    found = answer(table)
    lacking = ask_without(answer, table, served.columns)
    subject = Subject(
        pathlib.Path(options.model).absolute().name,
        pathlib.Path(options.table).name,
        loaded,
        table,
        statuses,
        judged,
        found,
        reports_of(report(found)),
        measure_losses(report, found, lacking),
        read_files(Run(options.model)),
        options.errors,
    )
    page = write_report(subject)
    write_whole(pathlib.Path(options.output), lambda path: path.write_text(page, "utf-8"))
    print(f"Written to {options.output}", file=sys.stderr)


def read_files(run):
    """What a RUN keeps beside its model, as `Subject` has it; an empty dict where there is none."""
    import pandas

    files = {"config": run.read_config()}
    if run.metrics.is_file():
        files["metrics"] = json.loads(run.metrics.read_text("utf-8"))
    for name, path in {"history": run.history, "quarantine": run.quarantine}.items():
        if path.is_file():
            files[name] = pandas.read_csv(path)
    return files
