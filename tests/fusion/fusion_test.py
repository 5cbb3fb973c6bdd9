import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.fusion import FUSIONS, get_fusion
from fusionkeras.testing import check_fusion


@pytest.mark.parametrize("hidden_dim", [8, None])
@pytest.mark.parametrize("name", FUSIONS)
def test_conforms(name, hidden_dim):
    check_fusion(get_fusion(name, hidden_dim=hidden_dim))
    check_fusion(get_fusion(name, hidden_dim=hidden_dim), sequences=True)


def test_every_public_fusion_is_in_the_table():
    public = {
        value
        for value in vars(fk).values()
        if isinstance(value, type) and issubclass(value, fk.Fusion) and value is not fk.Fusion
    }
    assert public == set(FUSIONS.values())


def features(**branches):
    return {
        name: {"pooled_output": tf.constant(x, tf.float32), "present": tf.constant(there)}
        for name, (x, there) in branches.items()
    }


def test_concat_by_hand_without_projection():
    fusion = fk.Concat(hidden_dim=None)
    given = features(
        text=([[5.0], [6.0]], [True, False]), image=([[1.0, 2.0], [3.0, 4.0]],) + ([True, True],)
    )
    fusion(given)
    fusion.absent["text"].assign([9.0])
    assert fusion(given).numpy().tolist() == [[1, 2, 5], [3, 4, 9]]


def test_concat_by_hand_with_projection():
    fusion = fk.Concat(hidden_dim=2)
    given = features(image=([[1.0, 2.0]], [True]))
    fusion(given)
    fusion.projections["image"].layers[0].set_weights([np.eye(2), np.array([0.0, 1.0])])
    # W x + b = [1, 3]; its mean is 2, its variance 1
    expected = np.array([-1, 1]) / np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(fusion(given)[0], expected, rtol=1e-5)


def test_branches_are_sorted_by_name():
    fusion = fk.Concat(hidden_dim=None)
    given = features(b=([[2.0]], [True]), a=([[1.0]], [True]))
    assert fusion(given).numpy().tolist() == [[1, 2]]


def test_saves_and_loads(tmp_path):
    inputs = [keras.Input((3,), name="x"), keras.Input((), dtype="bool", name="there")]
    fused = fk.Concat(4)({"image": {"pooled_output": inputs[0], "present": inputs[1]}})
    model = keras.Model(inputs, fused)
    model.save(tmp_path / "x.keras")
    given = [np.ones((2, 3), "float32"), np.array([True, False])]
    loaded = keras.models.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(model(given), loaded(given))


def test_mixed_precision():
    fusion = fk.Concat(4, dtype="mixed_bfloat16")
    given = features(image=([[1.0, 2.0]], [True]), text=([[1.0]], [False]))
    assert fusion(given).dtype == tf.bfloat16
    assert {weight.dtype for weight in fusion.weights} == {"float32"}


def test_wrong_features_are_an_error():
    with pytest.raises(ValueError, match="The branch 'image' lacks features"):
        fk.Concat()({"image": {"pooled_output": tf.ones((1, 2))}})


def test_unknown_fusion():
    with pytest.raises(
        ValueError, match=r"Unknown fusion.*fusion='concatt'\. Did you mean 'concat'"
    ):
        get_fusion("concatt")
    with pytest.raises(TypeError, match="a Keras layer or one of"):
        get_fusion(3)


def test_wrong_width():
    with pytest.raises(ValueError, match="hidden_dim=0"):
        fk.Concat(0)
