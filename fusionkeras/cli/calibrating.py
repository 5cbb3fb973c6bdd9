"""What `train` does after the training, so that probabilities mean what they say."""

import dataclasses
import numbers

from fusionkeras._checks import argument_error
from fusionkeras.data import prepare
from fusionkeras.evaluation import ClassificationReport, calibrate, threshold_for
from fusionkeras.evaluation.calibrating import CALIBRATED
from fusionkeras.evaluation.several import reports_of
from fusionkeras.models import UNSURE


def check_calibration(options, data):
    """Raises before the training where what is asked for cannot be done after it."""
    heads, rows = data.train.heads(), len(data.validation)
    tasks = {task for task, *_ in heads.values()}
    if options.calibrate != "none":
        _check_task("--calibrate", tasks, CALIBRATED, rows, calibrate=options.calibrate)
    precision = options.answer_precision
    if precision is None:
        return
    if not isinstance(precision, numbers.Real) or not 0 < precision <= 1:
        raise argument_error("Wrong precision", "a number in (0, 1]", answer_precision=precision)
    _check_task("--answer-precision", tasks, CALIBRATED[:1], rows, answer_precision=precision)
    for task, _, class_names in heads.values():
        if task == "classification" and UNSURE in class_names:
            raise argument_error(
                f"A class is called {UNSURE!r}, as is what is not answered",
                "another name for it",
                class_names=class_names,
            )


def _check_task(option, tasks, possible, rows, **said):
    if not tasks & set(possible):
        raise argument_error(
            f"{option} is for labels of {' or '.join(possible)}", "such labels", **said
        )
    if not rows:
        raise argument_error(
            f"{option} needs validation rows", "some", "Say --validation or --split.", **said
        )


def fit_calibration(options, model, data, preprocessor, cache):
    """The calibration of a model as `with_calibration` takes it; None where none is asked for."""
    if options.calibrate == "none":
        return None
    batches = prepare(data.validation, preprocessor, options.batch_size)
    found = calibrate(model, batches, options.calibrate, cache)
    for head, layer in _by_head(found).items():
        told = layer.measured
        print(
            f"{head + ': ' if head else ''}Calibrated by {told['method']} on {told['rows']} "
            f"validation rows: log loss {told['log_loss_before']:.4f} -> "
            f"{told['log_loss_after']:.4f}, expected calibration error "
            f"{told['expected_calibration_error_before']:.4f} -> "
            f"{told['expected_calibration_error_after']:.4f}"
        )
    return found


def find_thresholds(options, reports):
    """From which probability on is answered, a `Threshold` or a dict of them by head, or None.

    Args:
        options: namespace.
        reports: dict of `{split: report}`, of the model as it is served.

    Raises:
        ValueError: where the precision cannot be had.
    """
    if options.answer_precision is None:
        return None
    validation = reports_of(reports["validation"])
    found = {
        head: threshold_for(report, options.answer_precision)
        for head, report in validation.items()
        if isinstance(report, ClassificationReport)
    }
    for head, threshold in found.items():
        print(f"{head + ': ' if head else ''}Below a probability the label is {UNSURE!r}")
        print(f"{'validation':10} {threshold}")
        if "test" in reports and head in (test := reports_of(reports["test"])):
            report = dataclasses.replace(test[head], unsure=threshold)
            print(f"{'test':10}", *report.answered_lines())
    return found.get("", found)


def describe_calibration(calibration, unsure):
    """What `config.json` says of both, as JSON, by head where there are several."""
    layers = {head: layer.get_config() for head, layer in _by_head(calibration).items()}
    told = {x: {**own["measured"], "scale": own["scale"], "bias": own["bias"]}
            for x, own in layers.items()}  # fmt: skip
    limits = {head: threshold.as_dict() for head, threshold in _by_head(unsure).items()}
    return {"calibration": told.get("", told) or None, "unsure": limits.get("", limits) or None}


def _by_head(values):
    if values is None:
        return {}
    return values if isinstance(values, dict) else {"": values}
