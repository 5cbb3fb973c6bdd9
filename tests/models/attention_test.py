"""What a fusion attends to, as a model that shares its layers."""

import numpy as np
import pytest

import fusionkeras as fk

RANDOM = np.random.default_rng(0)
GIVEN = {
    "image": RANDOM.uniform(0, 255, (2, 32, 32, 3)).astype("float32"),
    "text_token_ids": np.array([[2, 3, 0], [0, 0, 0]], "int32"),
}


def build(fusion):
    branches = [
        fk.image_branch("small_cnn", image_size=(32, 32)),
        fk.lstm_branch(["red", "blue"], 3, units=8),
    ]
    return fk.build_classifier(branches, fusion)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fusion", "queries"),
    [
        (fk.CrossAttention("text", "image", num_heads=2, hidden_dim=8), ["text"]),
        (fk.CrossAttention(num_heads=2, hidden_dim=8), ["text", "image"]),
        (fk.TransformerFusion(num_heads=2, hidden_dim=8), ["summary"]),
        (fk.Bottleneck(num_heads=2, hidden_dim=8), None),
        (fk.Perceiver(num_heads=2, hidden_dim=8), ["latents"]),
    ],
)
def test_attention_by_name_sums_to_one(fusion, queries):
    model = build(fusion)
    answer = model(GIVEN)
    weights = fk.attention_model(model)(GIVEN)
    found = {name.split("_to_")[0] for name in weights}
    assert queries is None or set(queries) <= found
    for query in found:
        own = [np.asarray(w).sum(-1) for name, w in weights.items() if name.startswith(query)]
        np.testing.assert_allclose(sum(own), 1, rtol=1e-5)
    np.testing.assert_array_equal(answer, model(GIVEN))


@pytest.mark.slow
def test_words_against_regions():
    model = build(fk.CrossAttention("text", "image", num_heads=2, hidden_dim=8))
    weights = fk.attention_model(model)(GIVEN)["text_to_image"]
    cells = model.get_layer("image_encoder").output["sequence_output"].shape[1]
    assert weights.shape == (2, 2, 3, cells)
    before = np.asarray(weights)
    for weight in model.get_layer(model.layers[-2].name).trainable_weights:
        weight.assign(weight + RANDOM.normal(size=weight.shape))
    assert not np.allclose(before, fk.attention_model(model)(GIVEN)["text_to_image"])


def test_a_fusion_that_does_not_attend_is_an_error():
    with pytest.raises(ValueError, match="^Concat does not attend to anything.*or Gated"):
        fk.attention_model(build("concat"))


def test_a_model_without_fusion_is_an_error():
    model = build("gated")
    with pytest.raises(ValueError, match=r"has 0 fusions\. Expected a model of build_classifier"):
        fk.attention_model(model.get_layer("text_encoder"))


def test_an_end_to_end_model_is_told_what_to_pass():
    branch = fk.lstm_branch(["red"], 3, units=4)
    model = fk.build_classifier([branch], "gated")
    serving = fk.end_to_end(model, fk.build_preprocessor([branch]), ["a", "b"])
    with pytest.raises(ValueError, match="It may be one of .'classifier'., which model.get_layer"):
        fk.attention_model(serving)
