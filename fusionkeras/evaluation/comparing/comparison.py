"""What a comparison has found: a sentence, a leaderboard, the best model."""

import dataclasses
import functools
import math

import keras
import numpy as np

from fusionkeras._checks import argument_error
from fusionkeras.evaluation.comparing.bootstrap import (
    LEVEL,
    interval,
    letters,
    resampled,
    told_apart,
)
from fusionkeras.evaluation.comparing.metrics import Metric
from fusionkeras.evaluation.numbers import as_json, short, verdict, with_interval
from fusionkeras.preprocessing.base import Preprocessor


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What `compare` found.

    Which candidate is called best, and which seed's model is kept, is decided on the validation
    rows; every other number is of the test rows, which had no say.

    A value is the mean over the seeds. Its interval is the middle 95 % of 2,000 draws of a
    hierarchical bootstrap: rows (groups, where the table has them) and seeds are both drawn with
    replacement. Differences are paired: all candidates are measured on the same draws. The
    letters of the leaderboard compare all pairs at once (the single-step maximum of studentised
    differences): if nothing differed at all, 95 % of such leaderboards would show one letter. The
    intervals in the sentences are not corrected for being several. From few seeds the part of
    chance that training has is underestimated, by a fifth of its variance from five.

    A candidate has diverged where the loss or an answer of any seed is no finite number. It ranks
    last, its value and interval are NaN, and the leaderboard leaves it out.

    Attributes:
        metric: `Metric`, whose `name` is that of the reports.
        outcomes: dict of `{candidate: Outcome}`.
        units: int array `(rows,)`, test rows of equal numbers belong together; or None.
        left_out: dict of `{fusion: why}` of those that do not fit the branches.
        model: the plain `keras.Model` of the winner, of its best seed.
        preprocessor: the `Preprocessor` of its branches.
    """

    metric: Metric
    outcomes: dict
    units: np.ndarray | None
    left_out: dict
    model: keras.Model | None = None
    preprocessor: Preprocessor | None = None

    def __post_init__(self):
        if not self._sound:
            raise argument_error(
                "Every candidate has diverged",
                "losses and answers that are finite numbers",
                "Lower the learning rate, and look for labels that are far from all others.",
                candidates=list(self.outcomes),
            )

    @functools.cached_property
    def diverged(self):
        """The candidates that have diverged, `{candidate: what happened}`."""
        return {
            name: f"It diverged with {one.diverged} of {len(one.validation)} seeds."
            for name, one in self.outcomes.items()
            if one.diverged
        }

    @property
    def winner(self):
        """The candidate that is best on the validation rows; of equal ones that of less loss."""
        return self._best(self.outcomes)

    @property
    def best_fusion(self):
        """The best of the fusions on the validation rows."""
        return self._best(name for name in self.outcomes if not self._is_alone(name))

    @property
    def alone(self):
        """The branches alone, best first on the validation rows."""
        names = [name for name in self.outcomes if self._is_alone(name)]
        return sorted(names, key=self._rank, reverse=True)

    @property
    def sentence(self):
        """What fusing adds to the best branch alone, in words."""
        return self.sentences[0]

    @property
    def sentences(self):
        """The best fusion against each branch alone, the best of them first."""
        return [self._sentence(name) for name in self.alone]

    def value(self, name):
        """The metric of a candidate on the test rows, the mean over its seeds."""
        return self._values[name]

    def interval(self, name):
        """The 95 % interval of that, `(low, high)`.

        Of a share of 0 or 1, which no draw can change, it is that of Clopper and Pearson.
        """
        if name in self.diverged:
            return math.nan, math.nan
        draws, statistic = self._draws[name], self._statistics[name][0]
        if np.ptp(draws) == 0 and hasattr(statistic, "exact_interval"):
            return statistic.exact_interval(LEVEL)
        return interval(draws)

    def difference(self, name, other):
        """`(value, low, high)` of a candidate less another, with a paired 95 % interval."""
        if {name, other} & set(self.diverged):
            return (math.nan,) * 3
        value = self.value(name) - self.value(other)
        return value, *interval(self._draws[name] - self._draws[other])

    def leaderboard(self):
        """A pandas DataFrame, one row a candidate, best first on the test rows; none that diverged.

        Its columns: `candidate, <metric>, low, high` on the test rows, `group`, the letters, of
        which candidates that cannot be told apart share one, `validation`, `learning` and
        `parameters` (numbers of weights), `epochs`, `seconds` (the median time of a training,
        features aside) and `milliseconds` (one row, from tensors on).
        """
        import pandas as pd

        names = self._ordered()
        groups = letters(names, told_apart(self._draws, {x: self.value(x) for x in names}))
        return pd.DataFrame(
            [
                {
                    "candidate": name,
                    self.metric.name: self.value(name),
                    **dict(zip(("low", "high"), self.interval(name), strict=True)),
                    "group": groups[name],
                    "validation": float(self.outcomes[name].validation.mean()),
                    "learning": self.outcomes[name].learning,
                    "parameters": self.outcomes[name].parameters,
                    "epochs": self.outcomes[name].epochs,
                    "seconds": self.outcomes[name].seconds,
                    "milliseconds": self.outcomes[name].latency,
                }
                for name in names
            ]
        )

    def as_dict(self):
        """All of it as `json.dumps` takes it; NaN becomes None."""
        return {
            "sentence": self.sentence,
            "sentences": self.sentences,
            "metric": self.metric.name,
            "winner": self.winner,
            "best_fusion": self.best_fusion,
            "rows": int(self._counts.sum()),
            "differences": {
                name: as_json(
                    zip(
                        ("value", "low", "high"),
                        self.difference(self.best_fusion, name),
                        strict=True,
                    )
                )
                for name in self.alone
            },
            "leaderboard": self.leaderboard().to_dict("records"),
            "left_out": self.left_out | self.diverged,
        }

    def __repr__(self):
        return f"Comparison({len(self.outcomes)} candidates: {self.sentence})"

    def __str__(self):
        """The sentences, and the leaderboard."""
        frame = self.leaderboard()
        values = [
            with_interval(row[self.metric.name], (row["low"], row["high"]))
            for row in frame.to_dict("records")
        ]
        frame.insert(1, f"{self.metric.name} [95 %]", values)
        frame = frame.drop(columns=[self.metric.name, "low", "high"])
        seeds = len(self.outcomes[self.winner].validation)
        return "\n".join(
            [
                *self.sentences,
                "",
                frame.to_string(
                    index=False, float_format=lambda x: f"{x:.3f}" if abs(x) < 10 else f"{x:.1f}"
                ),
                "",
                f"{int(self._counts.sum()):,} test rows, {seeds} seed{'s' * (seeds > 1)}. Winner "
                f"on the validation rows: {self.winner}. Candidates that share a letter cannot be "
                "told apart (all pairs at once, 95 %).",
                *(
                    f"Left out: {name}. {why}"
                    for name, why in (self.left_out | self.diverged).items()
                ),
            ]
        )

    @functools.cached_property
    def _counts(self):
        """The test rows that every candidate could be judged on."""
        return np.all([outcome.counts for outcome in self.outcomes.values()], axis=0)

    @functools.cached_property
    def _answers(self):
        """What is measured, `{candidate: [labels and answers of each seed]}`."""
        return {
            name: [
                (outcome.labels[self._counts], answers[self._counts]) for answers in outcome.answers
            ]
            for name, outcome in self.outcomes.items()
        }

    @functools.cached_property
    def _values(self):
        return {
            name: float(np.mean([self.metric.of(*one) for one in self._answers[name]]))
            for name in self._sound
        } | dict.fromkeys(self.diverged, math.nan)

    @functools.cached_property
    def _sound(self):
        """The candidates that have not diverged."""
        return [name for name in self.outcomes if name not in self.diverged]

    @functools.cached_property
    def _statistics(self):
        return {
            name: [self.metric.statistic(*one) for one in self._answers[name]]
            for name in self._sound
        }

    @functools.cached_property
    def _draws(self):
        units = np.arange(len(self._counts)) if self.units is None else self.units
        return resampled(self._statistics, units[self._counts])

    def _is_alone(self, name):
        return len(self.outcomes[name].branches) == 1

    def _rank(self, name):
        return self.outcomes[name].rank(self.metric)

    def _best(self, names):
        return max(names, key=self._rank)

    def _ordered(self):
        return sorted(
            self._sound, key=lambda name: self.metric.better(self.value(name)), reverse=True
        )

    def _sentence(self, name):
        best = self.best_fusion
        if lost := [one for one in (name, best) if one in self.diverged]:
            return f"{name} against the best fusion ({best}): {' and '.join(lost)} diverged"
        value, *reach = self.difference(best, name)
        own = set(self.outcomes[name].branches)
        others = [branch for branch in self.outcomes[best].branches if branch not in own]
        low, high = sorted(map(self.metric.better, reach))
        is_told = high - low > 1e-12 * abs(value) or value == 0  # or no draw changes it
        gain = (low > 0) - (high < 0) if is_told else None
        return (
            f"{name} {with_interval(self.value(name), self.interval(name))}; "
            f"best fusion ({best}) {short(self.value(best))}; "
            f"difference {with_interval(value, reach, '+')}: {verdict(others, gain)}"
        )
