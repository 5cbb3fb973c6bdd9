"""What the fusion makes of each row, from every form of a model."""

import keras
import numpy as np
import pytest

import fusionkeras as fk
from fusionkeras.export.features import features_frame, features_of
from fusionkeras.models.parts import parts_of


@pytest.fixture(scope="module")
def serving():
    branches = [fk.lstm_branch(["red"], 4, name=name, units=4) for name in ("title", "body")]
    model = fk.build_classifier(branches, fk.Concat(hidden_dim=3))
    return fk.end_to_end(model, fk.build_preprocessor(branches), ["cold", "warm"])


def test_features_are_what_the_fusion_answers(serving, tmp_path):
    columns = {
        "title": ["red", "a red hat", ""],
        "body": ["", "red", "hat"],
        "surplus": ["", "", ""],
    }
    features = features_of(serving)
    found = features(columns)
    parts = parts_of(serving)
    fusion = next(layer for layer in parts.model.layers if isinstance(layer, fk.Fusion))
    model = keras.Model(parts.model.inputs, fusion.output)
    expected = model(parts.preprocessor(columns), training=False)
    assert expected.shape == (3, 6) and np.std(expected, axis=0).max() > 0
    np.testing.assert_allclose(found["features"], expected, atol=1e-6)

    fk.export(serving, tmp_path / "served", explain=False, verify=False)
    exported = features_of(fk.load(tmp_path / "served"))
    assert exported.columns == ["body", "title"] and exported.files == []
    np.testing.assert_allclose(exported(columns)["features"], expected, atol=1e-6)

    frame = features_frame(features, [found, found], ["ok"] * 6)
    assert list(frame) == ["status", "features"] and frame["features"][0].dtype == np.float32
    np.testing.assert_array_equal(np.stack(frame["features"])[3:], found["features"])


def test_where_nothing_is_fused_there_are_no_features():
    branches = [fk.lstm_branch(["red"], 2, name=name, units=2) for name in ("title", "body")]
    model = fk.build_classifier(branches, "late")
    serving = fk.end_to_end(model, fk.build_preprocessor(branches), ["cold", "warm"])
    with pytest.raises(ValueError, match="makes no one vector of all branches"):
        features_of(serving)
