"""What a comparison says of outcomes, without training any."""

import json

import numpy as np
import pytest
from scipy import stats

from fusionkeras.evaluation.comparing.comparison import Comparison
from fusionkeras.evaluation.comparing.metrics import metric_of
from fusionkeras.evaluation.comparing.outcome import Outcome, rank

ROWS = 60
PRICES = np.random.default_rng(0).normal(size=ROWS)
CLASSES = np.arange(ROWS) % 2


def outcome(name, labels, answers, metric, loss=1.0):
    """An outcome of one seed or more, of which validation rows are those of the test."""
    return Outcome(
        name=name,
        branches=("one", "two") if "alone" not in name else (name.split()[0],),
        validation=np.array([metric.of(labels, own) for own in answers]),
        validation_loss=np.full(len(answers), loss),
        labels=labels,
        counts=np.ones(ROWS, bool),
        answers=np.array(answers),
        best=0,
        learning=1,
        parameters=2,
        epochs=1.0,
        seconds=0.1,
        latency=0.2,
    )


def prices(**noise):
    """Regression, each candidate with noise on its answers; NaN makes it diverge."""
    metric, random = metric_of("regression"), np.random.default_rng(1)
    found = {name.replace("_", " "): PRICES + scale * random.normal(size=(2, ROWS))
             for name, scale in noise.items()}  # fmt: skip
    outcomes = {name: outcome(name, PRICES, own, metric) for name, own in found.items()}
    return Comparison(metric, outcomes, None, {"late": "It does not fit."})


def classes(**right):
    """Classification, each candidate with that share of the rows right."""
    metric, found = metric_of("classification"), {}
    for name, share in right.items():
        ids = np.where(np.arange(ROWS) < share * ROWS, CLASSES, 1 - CLASSES)
        name = name.replace("_", " ")
        found[name] = outcome(name, CLASSES, np.eye(2)[ids][None], metric)
    return Comparison(metric, found, None, {})


@pytest.mark.parametrize("first", [True, False])
def test_what_diverges_loses_and_blurs_nothing(first):
    noise = {"bad": np.nan, "concat": 0.1} if first else {"concat": 0.1, "bad": np.nan}
    found = prices(**noise, one_alone=0.5, two_alone=np.nan)
    sound = prices(concat=0.1, one_alone=0.5)
    assert found.winner == found.best_fusion == "concat"
    assert found.alone == ["one alone", "two alone"]
    board = found.leaderboard()
    assert board["candidate"].tolist() == ["concat", "one alone"]
    assert board["group"].tolist() == ["a", "b"] == sound.leaderboard()["group"].tolist()
    assert found.sentences[0].endswith(": two helps")
    assert found.sentences[1] == "two alone against the best fusion (concat): two alone diverged"
    assert "Left out: late. It does not fit.\nLeft out: bad. It diverged with 2 of 2 seeds." in str(
        found
    )
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert set(told["left_out"]) == {"late", "bad", "two alone"}
    assert told["differences"]["two alone"] == {"value": None, "low": None, "high": None}
    assert np.isnan([found.value("bad"), *found.interval("bad")]).all()
    assert found.outcomes["bad"].line(found.metric) == "bad: diverged with 2 of 2 seeds"


def test_one_row_or_one_loss_or_one_seed_that_is_no_number():
    metric = metric_of("classification")
    answers = np.eye(2)[np.stack([CLASSES, CLASSES])]
    assert outcome("x", CLASSES, answers, metric, loss=np.nan).diverged == 2
    answers[1, 5] = np.nan  # the likeliest of these would be the first
    one = outcome("x", CLASSES, answers, metric)
    assert one.diverged == 1 and one.rank(metric) == rank(0.5, np.nan) < rank(0.0, 9.0)
    assert rank(0.5, 0.2) > rank(0.5, 0.3) and rank(0.5, 0.2) > rank(np.nan, 0.1)


def test_nothing_is_left_where_all_diverge():
    with pytest.raises(ValueError, match=r"Every candidate has diverged. Expected .*\['concat'"):
        prices(concat=np.nan, one_alone=np.nan)
    found = prices(concat=np.nan, one_alone=0.5, two_alone=0.1)
    assert found.winner == "two alone" and found.best_fusion == "concat"
    assert found.sentence == "two alone against the best fusion (concat): concat diverged"


def test_what_no_draw_changes():
    found = classes(concat=1, one_alone=0, two_alone=0.5)
    low = stats.binomtest(ROWS, ROWS).proportion_ci(method="exact").low
    assert found.interval("concat") == pytest.approx((low, 1))
    two, one = found.sentences
    assert two.endswith(": one helps")
    assert one == (
        "one alone .000 [.000, .060]; best fusion (concat) 1.000; difference +1.000 "
        "[+1.000, +1.000]: whether two helps cannot be told"
    )
    assert found.leaderboard()["group"].tolist() == ["a", "b", "a"]
    same = classes(concat=1, one_alone=1)
    assert same.sentence.endswith("+.000 [+.000, +.000]: two adds nothing measurable here")
