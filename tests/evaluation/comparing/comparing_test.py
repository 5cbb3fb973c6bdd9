"""Comparisons from the table to the winner."""

import dataclasses
import json

import keras
import numpy as np
import pytest

import fusionkeras as fk
from fusionkeras.evaluation.comparing import rows
from fusionkeras.evaluation.comparing.candidates import Candidate, candidates_of
from fusionkeras.evaluation.comparing.kept import Kept
from fusionkeras.evaluation.comparing.starts import Starts
from fusionkeras.evaluation.numbers import short, verdict
from fusionkeras.training.frozen.features import FrozenGroup

from .conftest import branch, make_branches

TRAINED = {"epochs": 12, "learning_rate": 0.05, "patience": 4, "dropout": 0.2, "verbose": 0}
SEEDS = [3, 5]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("comparison")


@pytest.fixture(scope="module")
def comparison(data, folder):
    return fk.compare(make_branches, data, ["concat", "gated"], SEEDS, folder=folder, **TRAINED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "names"), [("gated", ("one", "three")), ("three alone", ("three",))]
)
def test_a_candidate_comes_out_as_fit_trains_a_new_model(comparison, data, name, names):
    place, heads = 1, fk.heads_for(data.train)  # the second seed, so what the first left is gone
    seed = SEEDS[place]
    keras.utils.set_random_seed(seed)
    branches = [branch for branch in make_branches() if branch.name in names]
    keras.utils.set_random_seed(seed)
    model = fk.build_model(branches, "concat" if len(names) == 1 else name, heads, dropout=0.2)
    fk.compile_model(model, 0.05)
    preprocessor = fk.build_preprocessor(branches)
    train = fk.prepare(data.train, preprocessor, shuffle=True, seed=seed)
    validation = fk.prepare(data.validation, preprocessor)
    stopping = keras.callbacks.EarlyStopping(patience=4, restore_best_weights=True)
    history = fk.fit(model, train, validation, 12, [stopping], verbose=0).history
    outcome = comparison.outcomes[name]
    assert outcome.validation_loss[place] == pytest.approx(min(history["val_loss"]), abs=1e-5)
    report = fk.evaluate(model, fk.prepare(data.test, preprocessor))
    np.testing.assert_allclose(outcome.answers[place], report.probabilities, atol=1e-4)


def test_the_numbers_are_those_of_the_reports(comparison, data):
    board = comparison.leaderboard().set_index("candidate")
    assert set(board.index) == {"concat", "gated", "one alone", "three alone"}
    for name, outcome in comparison.outcomes.items():
        reports = [
            fk.ClassificationReport(data.class_names, data.test.labels, answers)
            for answers in outcome.answers
        ]
        row = board.loc[name]
        assert row["accuracy"] == pytest.approx(np.mean([one.accuracy for one in reports]))
        assert row["low"] <= row["accuracy"] <= row["high"] and row["milliseconds"] > 0
    assert board["accuracy"].is_monotonic_decreasing and board["group"].iloc[0].startswith("a")
    assert board.loc["concat", "accuracy"] > board.loc["one alone", "accuracy"] + 0.1


def test_the_sentences_and_all_of_it_as_json(comparison):
    first, second = comparison.sentences
    assert first == comparison.sentence and first.startswith(f"{comparison.alone[0]} ")
    assert f"best fusion ({comparison.best_fusion})" in first
    assert {"one helps", "three helps"} == {x.rpartition(": ")[2] for x in (first, second)}
    content = json.loads(json.dumps(comparison.as_dict()))
    assert content["winner"] == comparison.winner in ("concat", "gated")
    assert content["rows"] == 60 and len(content["leaderboard"]) == 4
    value, low, high = comparison.difference(comparison.best_fusion, "one alone")
    assert content["differences"]["one alone"] == {"value": value, "low": low, "high": high}
    shown = str(comparison)
    assert shown.startswith(first) and "60 test rows, 2 seeds. Winner on the validation" in shown
    assert repr(comparison).startswith("Comparison(4 candidates: ")


def test_the_best_is_best_on_validation_rows(comparison):
    means = {name: one.validation.mean() for name, one in comparison.outcomes.items()}
    assert means[comparison.winner] == max(means.values())
    outcome = comparison.outcomes[comparison.winner]
    assert outcome.validation[outcome.best] == outcome.validation.max()


def test_the_model_is_the_winner(comparison, data):
    outcome = comparison.outcomes[comparison.winner]
    test = fk.prepare(data.test, comparison.preprocessor)
    report = fk.evaluate(comparison.model, test)
    np.testing.assert_allclose(report.probabilities, outcome.answers[outcome.best], atol=1e-5)
    assert type(comparison.model) is keras.src.models.functional.Functional
    served = fk.end_to_end(comparison.model, comparison.preprocessor, data.class_names)
    assert fk.predict(served, {"one": "w1", "three": "w2"})["label"] in data.class_names


@pytest.mark.slow
def test_it_goes_on_where_it_stopped(comparison, data, folder):
    (folder / "candidates" / "three_alone.npz").unlink()
    kept = (folder / "candidates" / "gated.npz").stat().st_mtime_ns
    again = fk.compare(make_branches, data, ["concat", "gated"], SEEDS, folder=folder, **TRAINED)
    assert (folder / "candidates" / "gated.npz").stat().st_mtime_ns == kept
    for name, outcome in comparison.outcomes.items():
        np.testing.assert_allclose(again.outcomes[name].answers, outcome.answers, atol=1e-6)
    assert again.sentences == comparison.sentences
    for one, other in zip(again.model.weights, comparison.model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="holds a comparison of other data, branches or options"):
        fk.compare(make_branches, data, ["concat"], 4, folder=folder, **TRAINED)


def test_frozen_features_are_computed_once_and_held(data, monkeypatch):
    inputs, extract = [], FrozenGroup.extract

    def count(group, tensors):
        inputs.append(len(next(iter(tensors.values()))))
        return extract(group, tensors)

    monkeypatch.setattr(FrozenGroup, "extract", count)
    branches = make_branches()
    model = fk.build_model(branches)
    both = fk.build_preprocessor(branches)
    held = rows.Feed(model, rows.Rows(data, both, 32, None, True))
    assert sum(inputs) == 8 and held.is_held  # the words that there are
    monkeypatch.setattr(rows, "HELD", 0)
    read = rows.Feed(model, rows.Rows(data, both, 32, None, True))
    assert sum(inputs) == 8 and not read.is_held
    for feed in (held, read):
        feed.rows.begin(3)
    expected = fk.prepare(data.train, both, shuffle=True, seed=3)
    for one, other, raw in zip(held.training(), read.training(), expected, strict=True):
        assert set(one[0]) == set(other[0]) > {"three_token_ids"}
        for tensor, again in zip(*map(keras.tree.flatten, (one, other)), strict=True):
            np.testing.assert_array_equal(tensor, again)
        np.testing.assert_array_equal(one[0]["three_token_ids"], raw[0]["three_token_ids"])
        np.testing.assert_array_equal(one[1], raw[1])
    (test,) = held.in_order("test")
    np.testing.assert_array_equal(test[1], data.test.labels)


def test_what_does_not_fit_is_left_out_and_told(comparison):
    options = {"heads": fk.ClassificationHead(2)}
    found, left_out = candidates_of(make_branches(), "all", options)
    assert set(left_out) == {"bottleneck", "cross_attention", "perceiver", "transformer"}
    assert "lacks features that Perceiver needs" in left_out["perceiver"]
    assert [one.name for one in found][-3:] == ["late", "one alone", "three alone"]
    shown = str(dataclasses.replace(comparison, left_out=left_out))
    assert "Left out: perceiver." in shown
    found, left_out = candidates_of(make_branches(), "pooled", options)
    assert len(found) == 14 + 2 and not left_out


def test_a_branch_alone_has_no_auxiliary_objective():
    options = {"heads": fk.ClassificationHead(2), "auxiliary": "contrastive"}
    found, _ = candidates_of(make_branches(), ["gated"], {**options, "modality_dropout": 0.2})
    built = {one.name: {layer.name for layer in one.build().layers} for one in found}
    assert [name for name, own in built.items() if "contrastive" in own] == ["gated"]
    assert all("modality_dropout" in own for own in built.values())


def test_a_layer_is_copied_for_every_model():
    fusions = ["gated", fk.Gated(8, name="narrow")]
    pull = fk.ContrastiveAlignment(dim=4, name="pull")
    options = {"heads": fk.ClassificationHead(2), "auxiliary": [pull]}
    found, _ = candidates_of(make_branches(), fusions, options)
    assert [one.name for one in found] == ["gated", "narrow", "one alone", "three alone"]
    one, other = (found[1].build().get_layer("narrow") for _ in range(2))
    assert one.hidden_dim == other.hidden_dim == 8 and one is not other
    one, other = (candidate.build().get_layer("pull") for candidate in found[:2])
    assert one.dim == other.dim == 4 and one is not other


def test_a_layer_without_a_name_is_recognised(comparison, tmp_path):
    layers = fk.Gated(8), fk.Gated(8), fk.Gated(16)
    first, again, other = (Candidate(layer.name, (), layer, {}) for layer in layers)
    kept = Kept(tmp_path, {})
    kept.save(first, comparison.outcomes["gated"], [np.arange(2)])
    outcome, (weights,) = kept.load(again)
    assert outcome.name == again.name != first.name and weights.tolist() == [0, 1]
    assert kept.load(other) is None


def test_wrong_arguments(data, frame, tmp_path):
    branches, heads = make_branches(), {"heads": fk.ClassificationHead(2)}
    with pytest.raises(ValueError, match="There is nothing to fuse. Expected two branches or more"):
        candidates_of(branches[:1], "all", heads)
    with pytest.raises(ValueError, match="Two fusions have one name. Expected distinct names"):
        candidates_of(branches, [fk.Gated(8, name="gated"), "gated"], heads)
    with pytest.raises(ValueError, match="Wrong fusions. Expected 'all', 'pooled', or a list"):
        candidates_of(branches, "some", heads)
    with pytest.raises(ValueError, match="lacks features that TransformerFusion needs"):
        candidates_of(branches, ["transformer"], heads)
    with pytest.raises(ValueError, match="Wrong dropout. Expected a number in .* dropout=1.5"):
        candidates_of(branches, "all", {**heads, "dropout": 1.5})
    with pytest.raises(ValueError, match="No fusion is left .* Of concat: Unknown objective"):
        candidates_of(branches, "all", {**heads, "auxiliary": "contrast"})
    with pytest.raises(TypeError, match="Wrong type of data. Expected what read_table returns"):
        fk.compare(branches, data.train)
    with pytest.raises(ValueError, match="Wrong seeds. Expected one or more that differ"):
        fk.compare(branches, data, seeds=[1, 1])
    with pytest.raises(ValueError, match="Wrong learning rate. Expected a positive .*='fast'"):
        fk.compare(branches, data, learning_rate="fast")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="The folder cannot be made .*folder=.*file"):
        fk.compare(branches, data, ["gated"], folder=tmp_path / "file")
    columns = {"one": "one", "three": "three"}
    untested = fk.read_table(frame, columns, label="label", files=(), split=(0.9, 0.1, 0))
    with pytest.raises(ValueError, match="There are no test rows, which all is measured on"):
        fk.compare(branches, untested)


def test_a_function_that_makes_other_branches_each_time():
    made = iter([["one"], ["one", "three"]])

    def make():
        return [branch(name, frozen=False) for name in next(made)]

    with pytest.raises(ValueError, match="The function makes other branches each time"):
        Starts(make, [0, 1])


def test_every_way_that_a_sentence_ends():
    assert verdict(["image"], 0) == "image adds nothing measurable here"
    assert verdict(["image", "sound"], 0) == "image and sound add nothing measurable here"
    assert verdict(["image"], 1) == "image helps"
    assert verdict(["image"], -1) == "image harms"
    assert [short(0.9621), short(-0.005, "+"), short(12.5)] == [".962", "-.005", "12.500"]
