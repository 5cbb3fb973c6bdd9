"""A missing modality, from the table to the served model, for every kind of fusion."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import fusionkeras as fk

FUSIONS = {
    "gated": lambda: fk.Gated(8),
    "cross_attention": lambda: fk.CrossAttention(num_heads=2, hidden_dim=8),
    "late": lambda: fk.Late("learned", 8),
}


@pytest.mark.slow
@pytest.mark.parametrize("fusion", FUSIONS)
def test_an_empty_cell_is_what_an_empty_string_is_to_the_server(fusion, tmp_path):
    frame = pd.read_csv(fk.draw_statements(tmp_path, rows=12))
    frame.loc[0, "image"] = ""
    frame.loc[1, "text"] = " "
    frame.loc[2, "image"] = "images/broken.png"
    whole = (tmp_path / frame["image"][3]).read_bytes()
    (tmp_path / "images" / "broken.png").write_bytes(whole[: len(whole) // 3])
    columns = {"image": "image", "text": "text"}
    data = fk.read_table(
        frame, columns, "label", files_root=tmp_path, split=(1, 0, 0), missing="allow"
    )
    assert data.absent[["row", "column", "reason"]].values.tolist() == [
        [0, "image", "empty"],
        [1, "text", "empty"],
        [2, "image", "unreadable"],
    ]
    branches = [
        fk.image_branch("small_cnn", image_size=(32, 32)),
        fk.lstm_branch(fk.learn_vocabulary(data.train, "text"), 8, units=8),
    ]
    model = fk.build_classifier(branches, FUSIONS[fusion](), modality_dropout=0.3)
    for weight in model.trainable_weights:  # what stands for an absent branch begins with zeros
        weight.assign_add(keras.random.normal(weight.shape, stddev=0.1, seed=1))
    preprocessor = fk.build_preprocessor(branches)
    report = fk.evaluate(model, fk.prepare(data.train, preprocessor), data.class_names)
    assert report.rows == 12
    serving = fk.end_to_end(model, preprocessor, data.class_names)
    served = tf.saved_model.load(
        str(fk.export(serving, tmp_path / "served", explain=False, verify=False))
    )
    pictures = [
        b"" if not name else (tmp_path / name).read_bytes()
        for name in frame["image"].astype(str).replace("nan", "")
    ]
    asked = served.signatures["serving_default"](
        image=tf.constant(pictures), text=tf.constant(list(frame["text"].fillna("")))
    )
    np.testing.assert_allclose(asked["probabilities"], report.probabilities, atol=1e-5)
    # What cannot be read is not there, whatever it holds, and is no other row's business.
    assert np.isfinite(asked["probabilities"]).all()
    pictures[2] = b"something else that is no picture"
    again = served.signatures["serving_default"](
        image=tf.constant(pictures), text=tf.constant(list(frame["text"].fillna("")))
    )
    np.testing.assert_array_equal(again["probabilities"], asked["probabilities"])
