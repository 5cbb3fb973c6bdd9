"""Explanations of small models with random weights: what has to hold whatever they learnt."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.explanation import Explainer
from fusionkeras.fusion import FUSIONS
from fusionkeras.models.parts import parts_of

WORDS = ["red", "green", "circle", "cross"]
NAMES = ["a", "b", "c"]


def picture(seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), "uint8")
    return tf.io.encode_png(pixels).numpy()


def roughened(model):
    """Biases and vectors of absence are 0 at first, and then an error in them does not show."""
    random = np.random.default_rng(0)
    for variable in model.trainable_variables:
        if len(variable.shape) == 1:
            variable.assign_add(random.normal(0, 0.3, variable.shape))
    return model


def two_branches(time=6):
    return [
        fk.image_branch("small_cnn", image_size=(32, 32)),
        fk.lstm_branch(WORDS, time, embedding_dim=8, units=8),
    ]


ROWS = [
    {"image": picture(), "text": "A red circle, unheard of!"},
    {"image": picture(1)},
    {"image": b"no picture", "text": "green"},
]


@pytest.fixture(scope="module")
def serving():
    keras.utils.set_random_seed(0)
    branches = two_branches()
    model = roughened(fk.build_classifier(branches, "gated", num_classes=3, hidden_dims=[16]))
    return fk.end_to_end(model, fk.build_preprocessor(branches), NAMES)


@pytest.fixture(scope="module")
def why(serving):
    return fk.explain(serving, ROWS)


@pytest.fixture(scope="module")
def arrays(serving):
    columns = {
        name: tf.constant([row.get(name, b"") for row in ROWS], tf.string)
        for name in ("image", "text")
    }
    tensors = parts_of(serving).preprocessor(columns)
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def log_odds(shares):
    return np.log(shares) - np.log1p(-np.asarray(shares))


@pytest.mark.slow
def test_the_score_is_the_log_odds_of_the_answer(serving, why):
    answers = fk.predict(serving, ROWS)
    assert why.classes == [answer["label"] for answer in answers]
    expected = log_odds([answer["probability"] for answer in answers])
    np.testing.assert_allclose(why.scores, expected, atol=1e-5)
    assert len(why) == 3


def test_shapley_values_add_up(why):
    total = sum(why.shapley.values())
    np.testing.assert_allclose(total, why.scores - why.baseline, atol=1e-5)


def test_what_is_absent_contributes_nothing(why):
    assert list(why.shapley) == ["image", "text"]
    assert why.shapley["text"][1] == pytest.approx(0, abs=1e-6)
    assert why.shapley["image"][2] == pytest.approx(0, abs=1e-6)
    assert (why.words["text"][1], why.weights["text"][1].tolist()) == ([], [])
    assert not why.heat["image"][2].any() and why.heat["image"][:2].all()


def test_alone_a_branch_is_the_whole_difference(why):
    """Where only one is there, its value is what it adds to nothing."""
    np.testing.assert_allclose(why.shapley["image"][1], why.scores[1] - why.baseline[1], atol=1e-5)


def test_integrated_gradients_are_complete(why):
    for row in range(2):
        difference = why.scores[row] - why.without["image"][row]
        assert abs(why.heat["image"][row].sum() - difference) < 0.01 * abs(difference)
    for row in (0, 2):
        difference = why.scores[row] - why.without["text"][row]
        assert abs(why.weights["text"][row].sum() - difference) < 0.01 * abs(difference)


def test_words_are_those_that_are_read(why):
    assert why.words["text"][0] == ["a", "red", "circle", "unheard", "of"]
    assert [len(own) for own in why.weights["text"]] == [5, 0, 1]


def test_heat_over_pixels(why):
    heat = why.heat_over("image", (32, 32))
    assert heat.shape == (3, 32, 32)
    np.testing.assert_allclose(heat[:, :8, :8].max((1, 2)), why.heat["image"][:, 0, 0], rtol=1e-5)


def test_contributions_over_all_rows(why):
    told = why.contributions()["text"]
    assert told["mean"] == pytest.approx(why.shapley["text"].mean())
    assert told["mean_absolute"] == pytest.approx(np.abs(why.shapley["text"]).mean())


def test_arrays_are_explained_alike(serving, why, arrays):
    inner = serving.get_layer("classifier")
    found = fk.explain(inner, arrays)
    assert found.classes == [NAMES.index(name) for name in why.classes]
    np.testing.assert_allclose(found.heat["image"], why.heat["image"], atol=1e-6)
    for one, other in zip(found.weights["text"], why.weights["text"], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert found.words["text"][0] == ["1", "2", "4", "1", "1"]
    for name in why.shapley:
        np.testing.assert_allclose(found.shapley[name], why.shapley[name], atol=1e-6)


@pytest.mark.slow
def test_a_class_that_is_asked_for_and_the_other_methods(serving, why):
    found = fk.explain(serving, ROWS[0], label="c", pictures="grad_cam", texts="occlusion")
    shares = fk.predict(serving, ROWS[0])["probabilities"]
    assert found.classes == ["c"]
    assert found.scores[0] == pytest.approx(log_odds(shares["c"]), abs=1e-5)
    assert (found.heat["image"] >= 0).all() and found.without == {}
    assert found.weights["text"][0].shape == (5,)
    assert found.attention["text"].shape == (1, 128)


@pytest.fixture(scope="module")
def branches():
    keras.utils.set_random_seed(0)
    return two_branches(time=3)


def run(model, branches, head="", chosen=-1, **methods):
    """Two rows, of which the second has no picture; not traced, which takes longer."""
    preprocessor = fk.build_preprocessor(branches)
    explainer = Explainer(model, preprocessor, **methods)
    columns = {"image": tf.constant([picture(), b""]), "text": tf.constant(["red", "a cross"])}
    columns = {name: columns[name] for name in preprocessor.columns}
    tensors = preprocessor(columns)
    words, encoded = explainer.words(columns, tensors), explainer.encode(tensors)
    found = explainer(tensors, encoded, words, {head: chosen})[head]
    answers = model([tensors[x.name] for x in model.inputs], training=False)
    found = {key: tensor.numpy() for key, tensor in found.items()}
    return found, {key: x.numpy() for key, x in explainer.attention(encoded).items()}, answers


@pytest.mark.slow
@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_fusion(branches, fusion):
    model = roughened(fk.build_classifier(branches, fusion, num_classes=3))
    found, _, _ = run(model, branches)
    total = found["image_shapley"] + found["text_shapley"]
    np.testing.assert_allclose(total, found["score"] - found["baseline"], atol=1e-4)
    for branch, what in (("image", "image_heat"), ("text", "text_weights")):
        own = found[what].reshape(2, -1)
        difference = found["score"] - found[f"{branch}_without"]
        # What speaks for the class and what against it may cancel out, but for rounding.
        most = np.maximum(np.abs(own).sum(axis=1), np.abs(difference))
        assert (np.abs(own.sum(axis=1) - difference) <= 0.01 * most + 1e-5).all()


def test_word_by_region_attention(branches):
    fusion = fk.CrossAttention("text", "image", num_heads=2, hidden_dim=8)
    _, attention, _ = run(fk.build_classifier(branches, fusion), branches)
    weights = attention["text_to_image"]
    assert weights.shape == (2, 2, 3, 4)
    np.testing.assert_allclose(weights[0].sum(axis=-1), 1, atol=1e-5)


def heads():
    return {
        "binary": fk.ClassificationHead(2),
        "several": fk.ClassificationHead(3),
        "labels": fk.MultilabelHead(3),
        "ranks": fk.OrdinalHead(4),
        "price": fk.RegressionHead(20.0, 5.0),
    }


@pytest.fixture(scope="module")
def text_heads():
    branch = fk.lstm_branch(WORDS, 2, embedding_dim=4, units=4)
    return roughened(fk.build_model([branch], heads=heads())), [branch]


@pytest.mark.parametrize("head", heads())
def test_the_score_of_every_task(text_heads, head):
    model, branches = text_heads
    found, _, answers = run(model, branches, head)
    shares = answers[head].numpy()
    if head == "price":
        np.testing.assert_allclose(found["score"], shares[:, 0], rtol=1e-5)
        return
    if head == "binary":
        shares = np.concatenate([1 - shares, shares], axis=1)
    if head == "ranks":
        shares = -np.diff(np.pad(shares, ((0, 0), (1, 1)), constant_values=((0, 0), (1, 0))))
    assert found["class"].tolist() == shares.argmax(axis=1).tolist()
    np.testing.assert_allclose(found["score"], log_odds(shares.max(axis=1)), atol=1e-4)
    np.testing.assert_allclose(found["text_shapley"], found["score"] - found["baseline"], atol=1e-5)


@pytest.mark.parametrize(("count", "scale"), [(2, 0.2), (3, 0.2), (3, [0.2, 0.3, 0.1])])
def test_a_calibrated_model_that_is_very_sure(count, scale):
    branch = fk.lstm_branch(WORDS, 2, embedding_dim=4, units=4)
    model = roughened(fk.build_classifier([branch], num_classes=count))
    head = model.get_layer("probabilities")
    head.kernel.assign(200 * head.kernel)
    layer = fk.Calibration(scale, 0.1, exclusive=count > 2)
    tensors = {"text_token_ids": np.array([[2, 4], [3, 0]])}
    why = fk.explain(keras.Model(model.inputs, layer(model.output)), tensors)
    logits = keras.Model(model.inputs, head.input)(tensors) @ head.kernel + head.bias
    logits = logits.numpy().astype(float)
    assert (np.ptp(logits, axis=1) if count > 2 else np.abs(logits)).min() > 17  # p is 1 - 1e-7
    if count == 2:
        signs = np.where(logits[:, 0] > 0, 1, -1)
        expected = signs * (scale * logits[:, 0] + 0.1)
    else:
        z = np.array(scale) * (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        likeliest = z.argmax(axis=1)
        others = [np.delete(row, place) for row, place in zip(z, likeliest, strict=True)]
        expected = z.max(axis=1) - np.logaddexp.reduce(others, axis=1)
    np.testing.assert_allclose(why.scores, expected, rtol=1e-4)
    total = np.array([own.sum() for own in why.weights["text"]])
    assert np.abs(total).min() > 0.01
    np.testing.assert_allclose(total, why.scores - why.without["text"], rtol=0.01)
    np.testing.assert_allclose(why.shapley["text"], why.scores - why.baseline, atol=1e-4)


def test_where_branches_vote_probabilities_are_all_that_is_known(branches):
    model = fk.build_classifier(branches, fk.Late(hidden_dim=8))
    found, _, answers = run(model, branches, chosen=1)
    np.testing.assert_allclose(found["score"], log_odds(answers.numpy()[:, 0]), atol=1e-4)


def test_bert_words_are_whole(preset):
    branch = fk.bert_branch(preset, sequence_length=12)
    model = fk.build_classifier([branch])
    serving = fk.end_to_end(model, fk.build_preprocessor([branch]), ["no", "yes"])
    why = fk.explain(serving, [{"text": "Reddish circles!"}, {"text": "the red"}])
    assert why.words["text"] == [["reddish", "circles", "!"], ["the", "red"]]
    difference = why.scores - why.without["text"]
    total = [own.sum() for own in why.weights["text"]]
    np.testing.assert_allclose(total, difference, rtol=0.01)


def own_branch():
    numbers = keras.Input((3,), name="numbers")
    outputs = {"pooled_output": keras.layers.Dense(4)(numbers), "present": numbers[:, 0] >= 0}
    return fk.Branch("numbers", keras.Model(numbers, outputs, name="numbers_encoder"))


def test_many_explanations_warn_of_nothing(caplog):
    """The warning is of functions at the same place in memory, so it comes by chance."""
    model = fk.build_classifier([own_branch()])
    for _ in range(8):
        fk.explain(model, np.ones((1, 3)))
    assert "retracing" not in caplog.text


@pytest.mark.parametrize("texts", ["integrated_gradients", "occlusion"])
def test_padding_may_stand_anywhere(texts):
    model = roughened(fk.build_classifier([fk.lstm_branch(WORDS, 4, embedding_dim=4, units=4)]))
    ids = np.array([[0, 0, 2, 3], [2, 0, 3, 0]])
    why = fk.explain(model, {"text_token_ids": ids}, texts=texts)
    assert why.words["text"] == [["2", "3"], ["2", "3"]]
    for own in why.weights["text"]:
        assert own.shape == (2,) and own.all()


def test_a_branch_of_another_kind_has_shapley_values_only():
    model = fk.build_classifier([own_branch(), fk.lstm_branch(WORDS, 3, units=4)])
    why = fk.explain(model, [np.ones((2, 3)), np.array([[2, 3, 0], [0, 0, 0]])])
    assert (list(why.shapley), list(why.words), why.heat) == (["numbers", "text"], ["text"], {})
    total = why.shapley["numbers"] + why.shapley["text"]
    np.testing.assert_allclose(total, why.scores - why.baseline, atol=1e-5)


def test_rows_of_a_table(serving, statements):
    table = fk.read_table(
        statements, {"image": "image", "text": "text"}, "label", split=(1, 0, 0), progress=False
    ).train.take(np.arange(5))
    why = fk.explain(serving, table, batch_size=2)
    assert len(why) == len(why.classes) == 5
    assert why.words["text"][0] == table.columns["text"][0].split()


# Errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "d"}, r"Unknown label\. Expected one of \['a', 'b', 'c'\]"),
        ({"head": "x"}, r"Unknown head\. Expected one of \[''\]"),
        ({"pictures": "gradcam"}, "Unknown method for pictures.*Did you mean 'grad_cam'"),
        ({"texts": "lime"}, "Unknown method for texts"),
        ({"batch_size": 0}, "The batch size is too small"),
    ],
)
def test_wrong_options(serving, options, message):
    with pytest.raises(ValueError, match=message):
        fk.explain(serving, ROWS, **options)


def test_wrong_rows(serving):
    with pytest.raises(TypeError, match="These are no rows"):
        fk.explain(serving, "rows.csv")
    with pytest.raises(ValueError, match="There is no row"):
        fk.explain(serving, [])
    with pytest.raises(ValueError, match="Unknown column 'texts'"):
        fk.explain(serving, {"texts": "red"})


def test_wrong_arrays(serving, arrays):
    inner = serving.get_layer("classifier")
    with pytest.raises(ValueError, match=r"An input is missing\. Expected arrays for \['image',"):
        fk.explain(inner, {"image": arrays["image"]})
    with pytest.raises(TypeError, match="These are no arrays for the model"):
        fk.explain(inner, [arrays["image"]])
    ids = arrays["text_token_ids"]
    for wrong in (ids[:, :2], ids[:2], ids[0]):
        message = r"The arrays are of the wrong shape\. Expected .*'text_token_ids': \(3, 6\)"
        with pytest.raises(ValueError, match=message):
            fk.explain(inner, {**arrays, "text_token_ids": wrong})


def test_models_that_cannot_be_explained(text_heads, arrays):
    with pytest.raises(ValueError, match="The model has several heads"):
        fk.explain(text_heads[0], {"text_token_ids": np.ones((1, 2))})
    with pytest.raises(TypeError, match="This model does not explain itself"):
        fk.explain("model.keras", ROWS)
    x = keras.Input((4,))
    with pytest.raises(ValueError, match="The model has no branches"):
        fk.explain(keras.Model(x, keras.layers.Dense(2)(x)), np.ones((1, 4)))
    many = [fk.lstm_branch(WORDS, 2, units=2, name=f"text_{i}") for i in range(7)]
    model = fk.build_classifier(many)
    with pytest.raises(ValueError, match="All subsets of the branches would be too many"):
        fk.explain(model, [np.ones((1, 2))] * 7)
    own = own_branch()
    more = keras.Input((4,), name="more")
    encoded = own.encoder(own.inputs[0])["pooled_output"]
    out = keras.layers.Dense(2)(keras.ops.concatenate([encoded, more], axis=-1))
    with pytest.raises(ValueError, match="No branch reads the input 'more'"):
        fk.explain(keras.Model([own.inputs[0], more], out), [np.ones((1, 3)), np.ones((1, 4))])
