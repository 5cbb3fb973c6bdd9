"""The metrics of a classifier, as a table for people and as JSON for programs."""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error
from fusionkeras.data.pipeline import batches_of
from fusionkeras.evaluation.missing import evaluate_missing
from fusionkeras.training import with_features


@dataclasses.dataclass(frozen=True)
class ClassificationReport:
    """What `evaluate` found, every number as scikit-learn computes it.

    Attributes:
        class_names: list of str, in the order of the class ids.
        labels: int array `(rows,)`, the true class ids.
        probabilities: float array `(rows, classes)`.

    Example:
        >>> report = ClassificationReport(
        ...     ["cat", "dog"], np.array([0, 1]), np.array([[0.9, 0.1], [0.6, 0.4]])
        ... )
        >>> report.accuracy, report.confusion.tolist()
        (0.5, [[1, 0], [1, 0]])
    """

    class_names: list
    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def predictions(self):
        """Int array `(rows,)`, the likeliest class of every row."""
        return self.probabilities.argmax(axis=-1)

    @property
    def rows(self):
        """The number of rows."""
        return len(self.labels)

    @property
    def accuracy(self):
        """The share of rows whose likeliest class is the true one."""
        return float(np.mean(self.predictions == self.labels))

    @property
    def confusion(self):
        """Int array `(classes, classes)`: true class down, predicted class across."""
        from sklearn.metrics import confusion_matrix

        return confusion_matrix(self.labels, self.predictions, labels=self._ids)

    @property
    def per_class(self):
        """A dict of `{class: {"precision", "recall", "f1", "rows"}}`; 0 where undefined."""
        from sklearn.metrics import precision_recall_fscore_support

        columns = precision_recall_fscore_support(
            self.labels, self.predictions, labels=self._ids, zero_division=0
        )
        return {
            name: {
                "precision": float(precision),
                "recall": float(recall),
                "f1": float(f1),
                "rows": int(rows),
            }
            for name, precision, recall, f1, rows in zip(self.class_names, *columns, strict=True)
        }

    @property
    def f1_macro(self):
        """The mean F1 over the classes that are there, in truth or in prediction."""
        from sklearn.metrics import f1_score

        return float(f1_score(self.labels, self.predictions, average="macro", zero_division=0))

    @property
    def roc_auc(self):
        """The area under the ROC curve; for more than two classes the mean of one against rest.

        NaN where it is undefined: it takes rows of the class, and rows of others.
        """
        from sklearn.metrics import roc_auc_score

        ids = [1] if len(self.class_names) == 2 else self._ids
        areas = [
            roc_auc_score(self.labels == i, self.probabilities[:, i])
            for i in ids
            if 0 < np.sum(self.labels == i) < self.rows
        ]
        return float(np.mean(areas)) if areas else math.nan

    @property
    def log_loss(self):
        """The mean of `-log(probability of the true class)`, in nats."""
        from sklearn.metrics import log_loss

        probabilities = self.probabilities.astype("float64")
        probabilities /= probabilities.sum(axis=-1, keepdims=True)  # float32 sums to 1 but nearly
        return float(log_loss(self.labels, probabilities, labels=self._ids))

    def as_dict(self):
        """All of it as numbers, lists and dicts that `json.dumps` takes; NaN becomes None."""
        return {
            **self.summary(),
            "per_class": self.per_class,
            "confusion": self.confusion.tolist(),
            "class_names": list(self.class_names),
        }

    def summary(self):
        """The five numbers that stand for the whole, as a dict."""
        names = ("accuracy", "f1_macro", "roc_auc", "log_loss", "rows")
        values = {name: getattr(self, name) for name in names}
        return {name: None if math.isnan(value) else value for name, value in values.items()}

    def line(self):
        """The five numbers in one readable line."""
        return (
            f"accuracy {self.accuracy:.4f}   macro F1 {self.f1_macro:.4f}   "
            f"ROC AUC {self.roc_auc:.4f}   log loss {self.log_loss:.4f}   rows {self.rows}"
        )

    def __str__(self):
        """A readable table."""
        width = max(len("macro average"), *map(len, self.class_names))
        lines = [f"{'':{width}}  precision  recall      f1    rows"]
        for name, row in self.per_class.items():
            lines.append(
                f"{name:{width}}  {row['precision']:9.4f}  {row['recall']:6.4f}  {row['f1']:6.4f}"
                f"  {row['rows']:6d}"
            )
        lines += [
            "",
            self.line(),
        ]
        if len(self.class_names) <= 20:  # beyond that the matrix is wider than a screen
            lines += ["", "confusion (true class down, predicted across):", *self._matrix(width)]
        return "\n".join(lines)

    def _matrix(self, width):
        cell = max(5, len(str(self.confusion.max())) + 1)
        header = "".join(f"{f'#{i}':>{cell}}" for i in self._ids)
        rows = [
            f"{f'#{i} {name}':{width + 4}}" + "".join(f"{count:{cell}d}" for count in counts)
            for i, (name, counts) in enumerate(zip(self.class_names, self.confusion, strict=True))
        ]
        return [" " * (width + 4) + header, *rows]

    @property
    def _ids(self):
        return list(range(len(self.class_names)))


def evaluate(model, data, class_names, cache=True, missing=None, seed=0):
    """Measures a classifier on data that it was not trained on.

    Rows of weight 0 (a picture that could not be read, say) count nowhere; other weights are not
    used, so that the numbers are those of the rows as they are.

    Args:
        model: a classifier of `build_classifier`, or what `end_to_end` or `load` returns.
        data: a `tf.data.Dataset` of `(inputs, label)` or `(inputs, label, sample_weight)`
            batches, such as `prepare` returns.
        class_names: list of str, in the order of the class ids.
        cache: as in `fit`: for data of `prepare`, features of frozen encoders are taken from
            there and kept there. False runs the whole model.
        missing: None, or a list of shares in [0, 1]: for data of `prepare`, how good the model
            is as each raw column vanishes from that share of the rows, drawn at random.
        seed: int, of that draw.

    Returns:
        A `ClassificationReport`; `print` shows a table, `.as_dict()` is JSON. With `missing` a
        `MissingReport` of such reports.

    Raises:
        ValueError: when no row is left, the model has another number of classes, or `missing` is
            asked for other data, or of a model that reads a single column.

    Example:
        >>> import fusionkeras as fk
        >>> model = fk.build_classifier([fk.lstm_branch(["red"], sequence_length=2)])
        >>> ids, labels = np.array([[2, 0], [1, 2]]), np.array([0, 1])
        >>> data = tf.data.Dataset.from_tensors(({"text_token_ids": ids}, labels))
        >>> evaluate(model, data, ["cold", "warm"]).rows
        2
    """
    if missing is not None:
        return _evaluate_missing(model, data, class_names, cache, missing, seed)
    labels, probabilities, counts = _answers(model, data, cache)
    return _report(labels[counts], probabilities[counts], class_names)


def _answers(model, data, cache):
    """Labels, probabilities and whether a row counts, of all rows in order."""
    found = []
    with with_features(model, data, cache) as batches:
        predict = tf.function(model, reduce_retracing=True)
        for inputs, label, *weight in batches:
            weight = weight[0] if weight else tf.ones(len(label))
            found.append((label.numpy(), _probabilities(predict(inputs)), weight.numpy() > 0))
    if not any(counts.any() for *_, counts in found):
        raise argument_error("There is no row to evaluate", "rows with a weight above 0", data=data)
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _report(labels, probabilities, class_names):
    if probabilities.shape[1] != len(class_names):
        raise argument_error(
            f"The model tells {probabilities.shape[1]} classes apart",
            "as many class names",
            class_names=class_names,
        )
    return ClassificationReport(list(class_names), labels, probabilities)


def _evaluate_missing(model, data, class_names, cache, missing, seed):
    source = getattr(data, "source", None)
    if source is None:
        raise argument_error(
            "Cells can be taken away from a table only", "what prepare returns", data=data
        )

    def answer(table):
        places = tf.data.Dataset.range(len(table))
        return _answers(
            model,
            batches_of(dataclasses.replace(source, table=table, places=places, cache=False)),
            cache,
        )

    def report(labels, probabilities):
        return _report(labels, probabilities, class_names)

    return evaluate_missing(
        answer, report, source.table, source.preprocessor.columns, missing, seed
    )


def _probabilities(scores):
    scores = np.asarray(scores["probabilities"] if isinstance(scores, dict) else scores)
    return np.concatenate([1 - scores, scores], axis=-1) if scores.shape[-1] == 1 else scores
