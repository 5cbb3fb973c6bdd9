"""Votes against their formulas, and models that decide branch by branch."""

import keras
import numpy as np
import pytest

import fusionkeras as fk
from fusionkeras.fusion import Vote
from fusionkeras.heads import heads_of

P = {
    "image": np.array([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6]], "float32"),
    "text": np.array([[0.2, 0.7, 0.1], [0.2, 0.7, 0.1], [0.4, 0.4, 0.2]], "float32"),
}
PRESENT = {"image": np.array([True, True, False]), "text": np.array([True, False, False])}


def test_mean_by_hand():
    joined = Vote("mean")(P, PRESENT)
    np.testing.assert_allclose(joined, [[0.4, 0.5, 0.1], [0.6, 0.3, 0.1], [0.3, 0.3, 0.4]])


def test_learned_weights_by_hand():
    vote = Vote("learned")
    vote.build({name: p.shape for name, p in P.items()}, {name: (3,) for name in P})
    vote.scores.assign(np.log([3.0, 1.0]))  # weights 3/4 and 1/4
    expected = [[0.5, 0.4, 0.1], [0.6, 0.3, 0.1], [0.25, 0.25, 0.5]]
    np.testing.assert_allclose(vote(P, PRESENT), expected, rtol=1e-6)


def test_product_by_hand():
    joined = Vote("product")(P, PRESENT)
    first = np.array([0.12, 0.21, 0.01])
    np.testing.assert_allclose(joined[0], first / first.sum(), rtol=1e-5)
    np.testing.assert_allclose(joined[1], P["image"][1], rtol=1e-5)
    third = np.array([0.08, 0.08, 0.12])
    np.testing.assert_allclose(joined[2], third / third.sum(), rtol=1e-5)


def test_product_of_sigmoids_by_hand():
    p = {"a": np.array([[0.8]], "float32"), "b": np.array([[0.6]], "float32")}
    there = {"a": np.array([True]), "b": np.array([True])}
    joined = Vote("product", exclusive=False)(p, there)
    np.testing.assert_allclose(joined, [[0.48 / (0.48 + 0.08)]], rtol=1e-6)


def test_a_product_of_certainties_is_finite():
    p = {"a": np.array([[1.0, 0.0]], "float32"), "b": np.array([[0.0, 1.0]], "float32")}
    there = {"a": np.array([True]), "b": np.array([True])}
    np.testing.assert_allclose(Vote("product")(p, there), [[0.5, 0.5]])


def test_presences_of_other_branches_are_an_error():
    with pytest.raises(ValueError, match=r"different branches.*predictions=\['image', 'text'\]"):
        Vote()(P, {"image": PRESENT["image"]})


def test_an_unknown_vote_is_an_error():
    with pytest.raises(ValueError, match=r"Unknown vote.*vote='median'"):
        fk.Late("median")


@pytest.mark.slow
@pytest.mark.parametrize(("vote", "num_classes"), [("mean", 2), ("learned", 3), ("product", 2)])
def test_the_branches_decide_by_themselves(vote, num_classes, tmp_path):
    names = ("title", "text")
    branches = [fk.lstm_branch(["red"], 4, units=4, name=name) for name in names]
    model = fk.build_classifier(branches, fk.Late(vote, 8), num_classes, hidden_dims=[6])
    ids = {
        f"{name}_token_ids": np.array([[2, 1, 0, 0], [1, 0, 0, 0]]) for name in ("title", "text")
    }
    ids["text_token_ids"][1] = 0
    own = [model.get_layer(f"{name}_probabilities").output for name in ("text", "title")]
    text, title = keras.Model(model.inputs, own)(ids)
    joined = model(ids)
    np.testing.assert_allclose(joined[1], title[1], rtol=1e-5)  # there is no text in that row
    if vote == "mean":
        np.testing.assert_allclose(joined[0], (text[0] + title[0]) / 2, rtol=1e-5)
    if vote == "learned":
        fk.compile_classifier(model).fit(ids, np.array([0, 1]), verbose=0)
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(loaded(ids), model(ids))


def test_several_heads_vote_each_for_itself():
    branches = [fk.lstm_branch(["red"], 4, units=4, name=name) for name in ("title", "text")]
    heads = {"kind": fk.ClassificationHead(3), "price": fk.RegressionHead(10.0, 2.0)}
    model = fk.build_model(branches, "late", heads)
    assert {name: output.shape for name, output in model.output.items()} == {
        "kind": (None, 3),
        "price": (None, 1),
    }
    ids = {"title_token_ids": np.array([[2, 1, 0, 0]]), "text_token_ids": np.array([[1, 0, 0, 0]])}
    own = [model.get_layer(f"{name}_price").output for name in ("text", "title")]
    text, title = keras.Model(model.inputs, own)(ids)
    np.testing.assert_allclose(model(ids)["price"], (text + title) / 2, rtol=1e-5)
    assert {name: head.task for name, head in heads_of(model).items()} == {
        "kind": "classification",
        "price": "regression",
    }


def test_a_product_of_quantities_is_an_error():
    branch = fk.lstm_branch(["red"], 4, units=4)
    with pytest.raises(ValueError, match=r"no quantity\. Expected 'mean' or 'learned'"):
        fk.build_model([branch], fk.Late("product"), fk.RegressionHead())


def test_heads_whose_names_end_alike_keep_apart():
    branch = fk.lstm_branch(["red"], 4, units=4)
    heads = {"last_price": fk.ClassificationHead(3), "price": fk.RegressionHead(10.0, 2.0)}
    model = fk.build_model([branch], "late", heads)
    assert {name: head.task for name, head in heads_of(model).items()} == {
        "last_price": "classification",
        "price": "regression",
    }


def test_a_head_named_like_that_of_a_branch_is_an_error():
    heads = {"x": fk.ClassificationHead(3), "text_x": fk.ClassificationHead(3)}
    with pytest.raises(ValueError, match="A layer of the model is named 'text_x', too"):
        fk.build_model([fk.lstm_branch(["red"], 4, units=4)], "late", heads)
