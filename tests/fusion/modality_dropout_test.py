import keras
import numpy as np
import pytest

import fusionkeras as fk

ROWS = 4000


def given(**present):
    return {
        name: {
            "pooled_output": np.ones((ROWS, 3), "float32"),
            "sequence_output": np.ones((ROWS, 2, 3), "float32"),
            "padding_mask": np.ones((ROWS, 2), bool) & there[:, None],
            "present": there,
        }
        for name, there in present.items()
    }


ALL, NONE = np.ones(ROWS, bool), np.zeros(ROWS, bool)
HALF = np.arange(ROWS) % 2 == 0


def presence(features):
    return np.stack([np.asarray(features[name]["present"]) for name in sorted(features)])


def test_at_inference_nothing_is_dropped():
    features = given(image=ALL, text=HALF)
    kept = fk.ModalityDropout(0.9)(features)
    keras.tree.map_structure(np.testing.assert_array_equal, features, kept)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_a_modality_is_dropped_as_often_as_said_and_never_the_last(rate):
    kept = presence(fk.ModalityDropout(rate, seed=0)(given(a=ALL, b=ALL), training=True))
    assert kept.any(axis=0).all()
    np.testing.assert_allclose((~kept).mean(axis=1), rate * (1 - rate / 2), atol=0.03)


def test_what_is_absent_stays_absent_and_what_is_alone_stays():
    kept = presence(fk.ModalityDropout(0.9, seed=0)(given(a=ALL, b=HALF, c=NONE), training=True))
    assert kept[0][~HALF].all() and not kept[1][~HALF].any() and not kept[2].any()
    assert kept.any(axis=0).all()


def test_rows_are_dropped_one_by_one():
    a, b = presence(fk.ModalityDropout(0.5, seed=1)(given(a=ALL, b=ALL), training=True))
    assert {(bool(x), bool(y)) for x, y in zip(a, b, strict=True)} == {
        (True, True),
        (True, False),
        (False, True),
    }


def test_a_dropped_branch_holds_nothing():
    kept = fk.ModalityDropout(0.5, seed=1)(given(a=ALL, b=ALL), training=True)["a"]
    there = np.asarray(kept["present"])
    for key in ("pooled_output", "sequence_output", "padding_mask"):
        assert np.asarray(kept[key])[there].all() and not np.asarray(kept[key])[~there].any()


def test_a_wrong_rate_is_an_error():
    with pytest.raises(ValueError, match=r"Wrong rate of dropped modalities.*rate=1"):
        fk.ModalityDropout(1)


def build(rate, **options):
    branches = [
        fk.image_branch("mobilenet_v2", weights=None, image_size=(32, 32)),
        fk.lstm_branch(["red"], 4, units=4),
    ]
    return fk.build_classifier(branches, modality_dropout=rate, **options)


@pytest.mark.slow
def test_it_stands_behind_the_frozen_frontier():
    keras.utils.set_random_seed(0)
    extractor, learner = fk.split_frozen(build(0.5))
    assert "image_encoder" in {layer.name for layer in extractor.layers}
    assert "modality_dropout" in {layer.name for layer in learner.layers}
    assert "modality_dropout" not in {layer.name for layer in extractor.layers}


@pytest.mark.slow
def test_no_more_features_are_kept_than_the_fusion_reads():
    extractor, _ = fk.split_frozen(build(0.5))
    assert not [name for name in extractor.output if "sequence" in name]


def test_a_model_without_it_has_no_such_layer():
    assert "modality_dropout" not in {layer.name for layer in build(0.0).layers}
