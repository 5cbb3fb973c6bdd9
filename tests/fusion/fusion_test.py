"""What holds for every fusion of the table, and for the base that they share."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.fusion import FUSIONS, get_fusion
from fusionkeras.testing import check_fusion

COUNTS = [1, 2, 3, 4]
WIDTHS = (7, 5, 6, 4)
SEQUENCES = [name for name in FUSIONS if "sequence_output" in FUSIONS[name].reads]


def small(name, hidden_dim=8):
    return get_fusion(name, hidden_dim=hidden_dim)


def fits(name, count):
    return count >= FUSIONS[name].min_branches


@pytest.mark.parametrize(
    ("name", "count"), [pair for pair in itertools.product(FUSIONS, COUNTS) if fits(*pair)]
)
def test_conforms(name, count):
    check_fusion(small(name), WIDTHS[:count])


@pytest.mark.parametrize("name", FUSIONS)
def test_conforms_without_projection(name):
    widths = (8, 8) if FUSIONS[name].one_width else (7, 5)
    check_fusion(small(name, None), widths)


@pytest.mark.parametrize("name", [name for name in FUSIONS if FUSIONS[name].one_width])
def test_different_widths_without_projection_are_an_error(name):
    with pytest.raises(ValueError, match=r"needs branches of one width.*Pass hidden_dim=128"):
        small(name, None)(features())


def test_every_public_fusion_is_in_the_table():
    public = {
        value
        for value in vars(fk).values()
        if isinstance(value, type) and issubclass(value, fk.Fusion) and value is not fk.Fusion
    }
    assert public == set(FUSIONS.values())


def symbolic(given):
    return keras.tree.map_structure(
        lambda x: keras.Input(x.shape[1:], dtype=keras.backend.standardize_dtype(x.dtype)), given
    )


@pytest.mark.slow
def test_all_save_load_and_export(tmp_path):
    given = features()
    inputs = symbolic(given)
    outputs = {name: get_fusion(name, hidden_dim=8, name=name)(inputs) for name in FUSIONS}
    model = keras.Model(inputs, keras.tree.flatten(outputs))
    for weight in model.trainable_weights:  # absence and biases begin with zeros
        weight.assign(0.1 + keras.random.normal(weight.shape, seed=1))
    model.save(tmp_path / "x.keras")
    expected = model(given)
    loaded = keras.models.load_model(tmp_path / "x.keras")(given)
    keras.tree.map_structure(np.testing.assert_array_equal, expected, loaded)
    model.export(tmp_path / "x", verbose=False)
    exported = tf.saved_model.load(tmp_path / "x")
    for mine, other in zip(expected, keras.tree.flatten(exported.serve(given)), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("name", FUSIONS)
def test_mixed_precision(name, precision):
    layer = get_fusion(name, hidden_dim=8, dtype=precision)
    fused, plain = layer(features()), small(name)
    plain(features())
    plain.set_weights(layer.get_weights())
    assert {weight.dtype for weight in layer.trainable_weights} == {"float32"}
    for mine, other in zip(
        keras.tree.flatten(fused), keras.tree.flatten(plain(features())), strict=True
    ):
        assert mine.dtype == precision.removeprefix("mixed_")
        np.testing.assert_allclose(
            tf.cast(mine, "float32"), other, atol=0.05 * (1 + np.abs(other).max())
        )


@pytest.mark.parametrize("name", FUSIONS)
def test_compiles_to_xla(name):
    layer = small(name)
    expected = keras.tree.flatten(layer(features()))
    compiled = keras.tree.flatten(tf.function(layer, jit_compile=True)(features()))
    for mine, other in zip(compiled, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_branch_without_sequences_is_named(name):
    given = features()
    del given["text"]["sequence_output"]
    with pytest.raises(ValueError, match=r"The branch 'text' lacks.*sequence_output.*'gated'"):
        small(name)(given)


def features(rows=4):
    """Two branches, image and text, with sequences; text is absent in the last row."""
    random = np.random.default_rng(3)

    def branch(steps, width, there):
        there = np.array(there)
        return {
            "pooled_output": random.normal(size=(rows, width)).astype("float32"),
            "sequence_output": random.normal(size=(rows, steps, width)).astype("float32"),
            "padding_mask": (np.arange(steps) < steps - 1) & there[:, None],
            "present": there,
        }

    there = [True] * rows
    given = {"text": branch(3, 5, [*there[1:], False]), "image": branch(4, 7, there)}
    return tf.nest.map_structure(tf.constant, given)


def pooled(**branches):
    return {
        name: {"pooled_output": tf.constant(x, tf.float32), "present": tf.constant(there)}
        for name, (x, there) in branches.items()
    }


def test_concat_by_hand_without_projection():
    fusion = fk.Concat(hidden_dim=None)
    given = pooled(
        text=([[5.0], [6.0]], [True, False]), image=([[1.0, 2.0], [3.0, 4.0]],) + ([True, True],)
    )
    fusion(given)
    fusion.absent["text"].assign([9.0])
    assert fusion(given).numpy().tolist() == [[1, 2, 5], [3, 4, 9]]


def test_concat_by_hand_with_projection():
    fusion = fk.Concat(hidden_dim=2)
    given = pooled(image=([[1.0, 2.0]], [True]))
    fusion(given)
    fusion.projections["image"].layers[0].set_weights([np.eye(2), np.array([0.0, 1.0])])
    # W x + b = [1, 3]; its mean is 2, its variance 1
    expected = np.array([-1, 1]) / np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(fusion(given)[0], expected, rtol=1e-5)


def test_branches_are_sorted_by_name():
    fusion = fk.Concat(hidden_dim=None)
    given = pooled(b=([[2.0]], [True]), a=([[1.0]], [True]))
    assert fusion(given).numpy().tolist() == [[1, 2]]


@pytest.mark.parametrize("name", ["concat", "cross_attention"])
def test_what_is_not_read_spoils_no_gradient_even_if_it_is_not_finite(name):
    given = features()
    for part in given.values():
        there, mask = part["present"][:, None], part["padding_mask"][..., None]
        part["pooled_output"] = tf.where(there, part["pooled_output"], np.nan)
        part["sequence_output"] = tf.where(mask, part["sequence_output"], np.inf)
    layer = small(name)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(given) ** 2)
    gradients = tape.gradient(loss, layer.trainable_variables)
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_average_by_hand():
    fusion = fk.Average(hidden_dim=None)
    given = pooled(
        a=([[1.0], [1.0], [1.0]], [True, True, False]),
        b=([[3.0], [3.0], [3.0]], [True, False, False]),
    )
    fusion(given)
    fusion.absent["a"].assign([4.0])
    fusion.absent["b"].assign([8.0])
    assert fusion(given).numpy().tolist() == [[2], [1], [6]]


def gated_as_in_the_paper(image, text, weights):
    """Arevalo et al., section 3.1, for one row of two modalities."""
    h_v = np.tanh(image @ weights["W_v"] + weights["b_v"])
    h_t = np.tanh(text @ weights["W_t"] + weights["b_t"])
    z = 1 / (1 + np.exp(-np.concatenate([image, text]) @ weights["W_z"]))
    return z * h_v + (1 - z) * h_t


def test_gated_is_the_gated_multimodal_unit():
    random = np.random.default_rng(0)
    fusion = fk.Gated(hidden_dim=None)
    image, text = random.normal(size=(2, 3, 4))
    given = pooled(image=(image, [True, True, False]), text=(text, [True, True, True]))
    fusion(given)
    w = {name: random.normal(size=(4, 4)) for name in ("W_v", "W_t")}
    w |= {name: random.normal(size=4) for name in ("b_v", "b_t")}
    w["W_z"] = random.normal(size=(8, 4))
    fusion.hidden["image"].set_weights([w["W_v"], w["b_v"]])
    fusion.hidden["text"].set_weights([w["W_t"], w["b_t"]])
    fusion.gates["image"].set_weights([w["W_z"]])
    fusion.gates["text"].set_weights([0 * w["W_z"]])
    fused, gates = fusion(given, return_attention=True)
    for row in range(2):
        np.testing.assert_allclose(
            fused[row], gated_as_in_the_paper(image[row], text[row], w), rtol=1e-5
        )
    np.testing.assert_allclose(fused[2], np.tanh(text[2] @ w["W_t"] + w["b_t"]), rtol=1e-5)
    np.testing.assert_array_equal(gates["image"][2], 0)
    np.testing.assert_array_equal(gates["text"][2], 1)


def test_no_attention_is_an_error():
    with pytest.raises(ValueError, match="Concat does not attend to anything"):
        fk.Concat(4)(features(), return_attention=True)


def test_wrong_features_are_an_error():
    with pytest.raises(ValueError, match="The branch 'image' lacks features that Concat needs"):
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
