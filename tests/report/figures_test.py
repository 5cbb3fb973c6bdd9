"""The figures: what they show, that they leave pyplot alone, and the same in words."""

import sys
from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import fusionkeras as fk
from fusionkeras.evaluation.comparing.metrics import metric_of
from fusionkeras.evaluation.comparing.outcome import Outcome
from fusionkeras.report.figures.confusion import describe_confusion, find_confusions
from fusionkeras.report.figures.curves import areas_of_roc, average_precisions, describe_areas
from fusionkeras.report.figures.drawing import shorten_name
from fusionkeras.report.figures.history import describe_history
from fusionkeras.report.figures.predictions import describe_predictions
from fusionkeras.report.figures.reliability import describe_reliability

HISTORY = {"loss": [0.7, 0.5, 0.4], "val_loss": [0.7, 0.6, 0.65], "accuracy": [0.5, 0.7, 0.8]}


def classes(count=3, rows=60, seed=0, kind=fk.ClassificationReport):
    random = np.random.default_rng(seed)
    labels = random.integers(0, count, rows)
    scores = random.dirichlet(np.ones(count), rows) + 0.5 * np.eye(count)[labels]
    names = [f"class {place}" for place in range(count)]
    return kind(names, labels, scores / scores.sum(axis=1, keepdims=True))


def labels():
    random = np.random.default_rng(0)
    true = random.integers(0, 2, (50, 8))
    return fk.MultilabelReport(list("abcdefgh"), true, (random.random((50, 8)) + true) / 2)


def quantities(rows=40):
    true = np.linspace(1, 9, rows)
    return fk.RegressionReport(true, true + np.sin(true))


def explanation():
    numbers = np.array([0.5, -0.2], "float32")
    return fk.Explanation(
        ["dog", "cat"], numbers, numbers - 0.3, {"image": numbers, "text": numbers - 0.3},
        {"image": np.ones((2, 3, 4), "float32")}, {"text": [["a", "$\\frac$"], []]},
        {"text": [np.array([0.1, -0.2]), np.array([])]}, {}, {},
    )  # fmt: skip


def robustness():
    by_strength = {strength: classes(seed=int(strength)) for strength in (0, 10, 20)}
    missing = {0.0: classes(), 1.0: None}
    return fk.RobustnessReport(
        {"noise": {"image": by_strength}, "missing": {"image": missing, "text": missing}}
    )


def learning():
    reports = [[classes(seed=seed) for seed in range(3)] for _ in range(2)]
    return fk.LearningCurve([0.5, 1.0], [50, 100], reports)


def comparison():
    random, labels = np.random.default_rng(0), np.arange(30) % 2
    names = {"image alone": ("image",), "text alone": ("text",), "concat": ("image", "text")}
    outcomes = {}
    for place, (name, branches) in enumerate(names.items()):
        right = random.uniform(size=(2, 30)) < 0.5 + 0.2 * place
        answers = np.eye(2)[np.where(right, labels, 1 - labels)]
        validation = np.full(2, 0.5 + place / 10)
        outcomes[name] = Outcome(name, branches, validation, 1 - validation, labels,
                                 labels >= 0, answers, 0, 10, 100, 3.0, 0.5, 1.0)  # fmt: skip
    return fk.Comparison(metric_of("classification"), outcomes, None, {})


FIGURES = {
    "comparison": lambda ax=None: fk.plot_comparison(comparison(), ax=ax),
    "history": lambda ax=None: fk.plot_history(HISTORY, ax=ax),
    "confusion": lambda ax=None: fk.plot_confusion(classes(), ax=ax),
    "confusion of ranks": lambda ax=None: fk.plot_confusion(classes(kind=fk.OrdinalReport), ax=ax),
    "confusion of many": lambda ax=None: fk.plot_confusion(classes(40), ax=ax),
    "roc": lambda ax=None: fk.plot_roc(classes(), ax=ax),
    "roc of labels": lambda ax=None: fk.plot_roc(labels(), ax=ax),
    "precision": lambda ax=None: fk.plot_precision_recall(classes(), ax=ax),
    "reliability": lambda ax=None: fk.plot_reliability(classes(), ax=ax),
    "reliability of labels": lambda ax=None: fk.plot_reliability(labels(), ax=ax),
    "predictions": lambda ax=None: fk.plot_predictions(quantities(), ax=ax),
    "robustness": lambda ax=None: fk.plot_robustness(robustness(), ax=ax),
    "missing": lambda ax=None: fk.plot_robustness(robustness(), "missing", ax=ax),
    "learning": lambda ax=None: fk.plot_learning_curve(learning(), ax=ax),
    "shares": lambda ax=None: fk.plot_explanation(explanation(), ax=ax),
    "heat": lambda ax=None: fk.plot_explanation(explanation(), 0, "image", ax=ax),
    "words": lambda ax=None: fk.plot_explanation(explanation(), 0, "text", ax=ax),
    "no words": lambda ax=None: fk.plot_explanation(explanation(), 1, "text", ax=ax),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_every_figure_has_a_title_and_something_in_it(draw):
    ax = draw()
    assert isinstance(ax, Axes) and ax.get_title(loc="left")
    assert ax.lines or ax.patches or ax.images
    own = Figure().add_subplot()
    assert draw(ax=own) is own
    ax.figure.savefig("/dev/null", format="svg")


def test_pyplot_is_left_alone():
    """No window, no figure that stays behind, no setting that is other than before."""
    from matplotlib._pylab_helpers import Gcf

    before = dict(matplotlib.rcParams)
    for draw in FIGURES.values():
        assert draw().figure.canvas.manager is None
    assert not Gcf.get_all_fig_managers() and dict(matplotlib.rcParams) == before


def test_a_history_in_every_form(tmp_path):
    frame = pd.DataFrame({"epoch": [0, 1, 2], **HISTORY})
    frame.to_csv(tmp_path / "history.csv", index=False)
    forms = [HISTORY, frame, tmp_path / "history.csv", SimpleNamespace(history=HISTORY)]
    for form in forms:
        training, validation = fk.plot_history(form).lines
        assert training.get_xdata().tolist() == [1, 2, 3]
        assert training.get_ydata().tolist() == HISTORY["loss"]
        assert validation.get_ydata().tolist() == HISTORY["val_loss"]
    assert len(fk.plot_history(HISTORY, "accuracy").lines) == 1
    assert "validation from 0.7000 to 0.6500, best in epoch 2" in describe_history(HISTORY)
    with pytest.raises(ValueError, match="Unknown metric of the history. Expected one of"):
        fk.plot_history(HISTORY, "acuracy")


def test_the_numbers_of_a_confusion_are_those_of_the_report():
    report = classes()
    texts = {text.get_position(): text.get_text() for text in fk.plot_confusion(report).texts}
    for row, column in np.ndindex(3, 3):
        if report.confusion[row, column]:
            assert texts[column, row] == str(report.confusion[row, column])
    found = find_confusions(report)
    assert sum(count for *_, count, _ in found) == report.rows - np.trace(report.confusion)
    assert [x[2] for x in found] == sorted((x[2] for x in found), reverse=True)
    right = np.trace(report.confusion)
    assert describe_confusion(report).startswith(f"{right} of 60 rows right. Most frequent: class")
    many = fk.plot_confusion(classes(40))
    assert not many.texts and len(many.get_xticks()) == 0


def test_the_curves_are_those_of_scikit_learn():
    from sklearn.metrics import average_precision_score, roc_auc_score

    report = classes()
    areas, precisions = areas_of_roc(report), average_precisions(report)
    for place, name in enumerate(report.class_names):
        true, scores = report.labels == place, report.probabilities[:, place]
        assert areas[name] == roc_auc_score(true, scores)
        assert precisions[name] == average_precision_score(true, scores)
    assert np.mean(list(areas.values())) == pytest.approx(report.roc_auc)
    assert list(areas_of_roc(classes(2))) == ["class 1"]
    assert describe_areas(areas, "Area").startswith(f"Area: mean {report.roc_auc:.3f}; class 0 ")
    # Of many, the six that are told apart worst, and the line of chance.
    worst = sorted(areas_of_roc(labels()).items(), key=lambda pair: pair[1])[:6]
    shown = fk.plot_roc(labels()).get_legend_handles_labels()[1]
    assert sorted(shown) == sorted(f"{name} {area:.3f}" for name, area in worst)


def test_the_points_of_reliability():
    report = classes()
    found = report.reliability(10)
    line = fk.plot_reliability(report, bins=10).lines[1]
    some = found.rows > 0
    np.testing.assert_array_equal(line.get_xdata(), found.confidence[some])
    np.testing.assert_array_equal(line.get_ydata(), found.accuracy[some])
    error = f"{report.expected_calibration_error(10):.3f}"
    assert describe_reliability(report, 10).startswith(f"Expected calibration error {error}. At")
    assert "Largest: " in describe_reliability(labels())


def test_predictions_of_many_rows_are_thinned():
    ax = fk.plot_predictions(quantities(5000))
    assert len(ax.lines[1].get_xdata()) == 2000
    assert describe_predictions(quantities()).startswith(
        "True values from 1 to 9, predictions from"
    )


def test_robustness_by_kind():
    report = robustness()
    (line,) = fk.plot_robustness(report, "noise").lines
    assert list(line.get_xdata()) == [0, 10, 20]
    values = report.metrics()["accuracy"]["noise"]["image"]
    assert list(line.get_ydata()) == list(values.values())
    whole = fk.plot_robustness(report)
    assert [line.get_label() for line in whole.lines] == [
        "image, noise", "image, missing", "text, missing"
    ]  # fmt: skip
    assert list(whole.lines[0].get_xdata()) == [0, 0.5, 1]
    with pytest.raises(ValueError, match="Unknown kind of the report"):
        fk.plot_robustness(report, "nose")
    with pytest.raises(ValueError, match="Unknown metric of the report"):
        fk.plot_robustness(report, metric="accuracies")


def test_a_learning_curve_has_the_mean_and_each_training():
    curve = learning()
    ax = fk.plot_learning_curve(curve)
    mean, *each = ax.lines
    assert mean.get_ydata() == pytest.approx(curve.metrics()["accuracy"].mean(axis=1))
    assert len(each) == 3 and ax.get_xscale() == "log"
    with pytest.raises(ValueError, match="Unknown metric of the curve"):
        fk.plot_learning_curve(curve, "mae")


def test_a_comparison_shows_the_leaderboard():
    compared = comparison()
    ax, frame = fk.plot_comparison(compared), compared.leaderboard()
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [f"{x} {y}" for x, y in zip(frame["candidate"], frame["group"], strict=True)]
    values = [float(line.get_xdata()[0]) for line in ax.lines]
    assert values == frame["accuracy"].tolist()
    filled = [line.get_fillstyle() == "full" for line in ax.lines]
    assert filled == (frame["candidate"] == "concat").tolist()
    assert {line.get_marker() for line in ax.lines} == {"s", "o"}


def test_an_explanation_over_its_picture(png, tmp_path):
    (tmp_path / "a.png").write_bytes(png)
    for picture in (tmp_path / "a.png", np.full((24, 30, 3), 300.0)):
        below, above = fk.plot_explanation(explanation(), 0, "image", picture).images
        assert below.get_array().shape == (24, 30, 3) and below.get_array().dtype == np.uint8
        assert above.get_extent() == below.get_extent()
    with pytest.raises(ValueError, match="Unknown branch with a heat map or words"):
        fk.plot_explanation(explanation(), 0, "sound")
    with pytest.raises(ValueError, match="There is no such row. Expected one below 2. Received"):
        fk.plot_explanation(explanation(), 2)


def test_names_are_shown_in_one_line_and_as_they_are():
    assert shorten_name("a\n b\x07") == "a b�"
    assert shorten_name("x" * 99) == "x" * 21 + "…"
    report = fk.ClassificationReport(["$\\frac$", "b"], np.array([0, 1]), np.eye(2))
    ax = fk.plot_confusion(report)
    assert ax.get_xticklabels()[0].get_text() == "$\\frac$"
    ax.figure.savefig("/dev/null", format="svg")


@pytest.mark.parametrize("draw", [fk.plot_confusion, fk.plot_roc, fk.plot_reliability,
                                  fk.plot_predictions, fk.plot_robustness, fk.plot_comparison,
                                  fk.plot_explanation, fk.plot_learning_curve])  # fmt: skip
def test_what_cannot_be_drawn(draw):
    with pytest.raises(TypeError, match="This figure is for something else. Expected a [A-Z]"):
        draw(fk.HeadReports({"a": classes()}))


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"Drawing needs .* pip install 'fusionkeras\[report\]'"):
        fk.plot_history(HISTORY)
