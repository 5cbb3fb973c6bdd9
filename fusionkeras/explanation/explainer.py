"""Everything that is said of a batch, as one function of tensors that can be exported."""

import numpy as np
import tensorflow as tf

from fusionkeras._checks import argument_error, check_choice
from fusionkeras.data.feeding.inputs import parts_of
from fusionkeras.explanation.attribution import grad_cam, integrated_gradients, occlusion
from fusionkeras.explanation.pieces import cut_model
from fusionkeras.explanation.scores import answered, as_logits, log_odds
from fusionkeras.explanation.shapley import MOST_BRANCHES, shapley_weights, subsets

PICTURES = ("integrated_gradients", "grad_cam")
TEXTS = ("integrated_gradients", "occlusion")
# In characters, as words are told.
LONGEST_WORD = 100


class Explainer:
    """Explains the answers of a model, row by row.

    The encoders run once over the batch. What is behind the grid of a picture, and behind the
    vectors of words, runs as often as a method asks, for one row at a time: so the memory that it
    takes does not grow with the batch, and no row depends on another.

    Args:
        model: a model of `build_model`.
        preprocessor: its `JointPreprocessor`, which tells words and what is absent; None for a
            model of arrays, of which -1 in every pixel and 0 in every id are absent.
        pictures: str, one of `PICTURES`.
        texts: str, one of `TEXTS`.

    Call arguments:
        tensors: the inputs of the model, `{name: (batch, ...)}`.
        encoded: what `encode` makes of them.
        words: `{branch: (words, places)}`, as `words` gives it.
        classes: `{head: int}` of those that are explained, the class to explain in all rows; -1 is
            the answer in each, of several labels the likeliest. A single head is "".

    Returns:
        For each of those heads a dict of tensors `(batch, ...)`: `class`, int32; `score`, its log
        odds, or the value; `baseline`, the score where everything is absent; for each branch
        `<branch>_shapley`; for a picture `<branch>_heat` `(batch, height, width)`; for a text
        `<branch>_weights` and `<branch>_tokens` `(batch, time)`; and where gradients were
        integrated `<branch>_without`, the score of their baseline.

    Raises:
        ValueError: for unknown methods, or a model that cannot be cut into its branches.
    """

    def __init__(
        self,
        model,
        preprocessor=None,
        pictures="integrated_gradients",
        texts="integrated_gradients",
    ):
        check_choice("method for pictures", PICTURES, pictures=pictures)
        check_choice("method for texts", TEXTS, texts=texts)
        self.pieces = cut_model(model)
        _check_count(self.pieces.encoders)
        self.methods, self.preprocessor = {"grid": pictures, "tokens": texts}, preprocessor
        self.parts = parts_of(preprocessor) if preprocessor is not None else {}
        absent = _absent(model, preprocessor)
        self.absent = {
            name: {key: tensor.numpy() for key, tensor in features.items()}
            for name, (_, features) in self.encode(absent).items()
        }

    def words(self, columns, tensors):
        """The words of every text, and which of them each id stands for.

        Args:
            columns: raw columns, `{column: string (batch,)}`; None for a model of arrays.
            tensors: the inputs of the model.

        Returns:
            `{branch: (words, places)}`, string and int32 `(batch, time)`; where there is no
            preprocessor that knows words, they are the ids, written as numbers.
        """
        found = {}
        for name, encoder in self.pieces.encoders.items():
            part = self.parts.get(name)
            if encoder.kind == "tokens" and hasattr(part, "words"):
                found[name] = part.words(columns)
            elif encoder.kind == "tokens":
                found[name] = _written(tensors[encoder.inputs[0]])
        return found

    def encode(self, tensors):
        """Runs the encoders: `{branch: (cut, features)}`, the cut None where there is none."""
        return {name: own.encode(tensors) for name, own in self.pieces.encoders.items()}

    def __call__(self, tensors, encoded, words, classes):
        """Explains a batch."""
        cuts = {name: cut for name, (cut, _) in encoded.items() if cut is not None}
        features = {name: own for name, (_, own) in encoded.items()}
        places = {name: own for name, (_, own) in words.items()}
        # What is written without a blank may be a word of a megabyte.
        tokens = {
            f"{name}_tokens": tf.strings.substr(texts, 0, LONGEST_WORD, "UTF8_CHAR")
            for name, (texts, _) in words.items()
        }
        return {
            head: tokens
            | tf.map_fn(
                lambda row, head=head, one=one: _Row(self, head, *row).explain(one),
                (tensors, cuts, features, places),
                fn_output_signature=self._signature(cuts),
                parallel_iterations=1,
            )
            for head, one in classes.items()
        }

    def attention(self, encoded):
        """What the fusion attends to, `{name: weights}`; empty where it does not attend."""
        if self.pieces.attention is None:
            return {}
        features = {name: own for name, (_, own) in encoded.items()}
        return self.pieces.attention(self.pieces.read(features), training=False)

    def _signature(self, cuts):
        number = tf.TensorSpec((), tf.float32)
        specs = {"class": tf.TensorSpec((), tf.int32), "score": number, "baseline": number}
        for name, encoder in self.pieces.encoders.items():
            specs[f"{name}_shapley"] = number
            if encoder.kind is not None:
                what = "heat" if encoder.kind == "grid" else "weights"
                specs[f"{name}_{what}"] = tf.TensorSpec(cuts[name].shape[1:-1], tf.float32)
            if self.methods.get(encoder.kind) == "integrated_gradients":
                specs[f"{name}_without"] = number
        return specs


class _Row:
    """One row: its tensors without the axis of the batch."""

    def __init__(self, explainer, head, tensors, cuts, features, places):
        self.explainer, self.pieces, self.head = explainer, explainer.pieces, head
        self.task = self.pieces.heads[head].task
        rows = (tensors, cuts, features)
        self.tensors, self.cuts, self.features = tf.nest.map_structure(lambda x: x[None], rows)
        self.places = places

    def explain(self, chosen):
        """All that is said of it, for a class, or for the answer."""
        logits = self._logits(self._subsets())
        self.chosen = answered(logits[-1:]) if chosen < 0 else tf.constant([chosen])
        found = {"class": self.chosen[0], **self._shapley(self._scores(logits))}
        for name, encoder in self.pieces.encoders.items():
            if encoder.kind == "grid":
                found |= self._picture(name)
            elif encoder.kind == "tokens":
                found |= self._text(name)
        return found

    def _logits(self, features):
        scores = self.pieces.rest(self.pieces.read(features), training=False)[self.head]
        return as_logits(self.task, self.head in self.pieces.exact, scores)

    def _scores(self, logits):
        classes = tf.repeat(self.chosen, tf.shape(logits)[0])
        return log_odds(self.task, logits, classes)

    def _behind(self, name):
        """The score as a function of what stands at the cut of one branch, many rows of it."""
        encoder = self.pieces.encoders[name]
        inputs = [self.tensors[own] for own in encoder.inputs]

        def score(cut):
            count = tf.shape(cut)[0]
            own, others = _repeated((inputs, self.features), count)
            features = {**others, name: encoder.back([cut, *own], training=False)}
            return self._scores(self._logits(features))

        return score

    def _subsets(self):
        """The features of every subset of the branches, the others absent."""
        every = subsets(len(self.features))
        return {
            name: {
                key: _where(every[:, place], here, self.explainer.absent[name][key])
                for key, here in own.items()
            }
            for place, (name, own) in enumerate(self.features.items())
        }

    def _shapley(self, scores):
        weights = tf.constant(shapley_weights(len(self.features)), tf.float32)
        shares = tf.unstack(tf.linalg.matvec(weights, scores))
        shares = zip(self.features, shares, strict=True)
        told = {f"{name}_shapley": share for name, share in shares}
        return {"score": scores[-1], "baseline": scores[0], **told}

    def _picture(self, name):
        score, grid = self._behind(name), self.cuts[name]
        if self.explainer.methods["grid"] == "grad_cam":
            return {f"{name}_heat": self._if_there(name, grad_cam(score, grid))}
        heat, without = integrated_gradients(score, grid, tf.zeros_like(grid))
        return {f"{name}_heat": self._if_there(name, heat), f"{name}_without": without}

    def _text(self, name):
        score, vectors, places = self._behind(name), self.cuts[name], self.places[name]
        if self.explainer.methods["tokens"] == "occlusion":
            return {f"{name}_weights": occlusion(score, vectors, places)}
        blank = tf.where(places[:, None] >= 0, tf.zeros_like(vectors), vectors)
        weights, without = integrated_gradients(score, vectors, blank)
        weights = tf.math.unsorted_segment_sum(weights, places, places.shape[0])
        return {f"{name}_weights": self._if_there(name, weights), f"{name}_without": without}

    def _if_there(self, name, numbers):
        """0 where the branch is absent, also where a gradient would not be finite."""
        there = tf.cast(self.features[name]["present"][0], tf.bool)
        return tf.where(there, numbers, tf.zeros_like(numbers))


def _repeated(tensors, count):
    return tf.nest.map_structure(lambda x: tf.repeat(x, count, axis=0), tensors)


def _where(mask, here, absent):
    mask = np.reshape(mask, (-1, *[1] * (len(here.shape) - 1)))
    return tf.where(mask, here, tf.constant(absent))


def _written(ids):
    """Ids as words of their own; padding is 0, wherever it stands."""
    there = ids != 0
    places = tf.where(there, tf.range(ids.shape[1]), -1)
    return tf.where(there, tf.strings.as_string(ids), ""), places


def _absent(model, preprocessor):
    """The inputs of one row in which everything is absent."""
    if preprocessor is not None:
        return preprocessor({name: tf.constant([""]) for name in preprocessor.columns})
    return {
        x.name: tf.fill((1, *x.shape[1:]), tf.constant(-1 if "float" in x.dtype else 0, x.dtype))
        for x in model.inputs
    }


def _check_count(encoders):
    if len(encoders) > MOST_BRANCHES:
        raise argument_error(
            "All subsets of the branches would be too many",
            f"at most {MOST_BRANCHES} branches",
            branches=list(encoders),
        )
