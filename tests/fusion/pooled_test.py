"""Each pooled fusion against the equation of its paper, in loops over numbers, and by hand."""

import importlib
import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from fusionkeras.fusion.products import signed_root_of_unit_length
from fusionkeras.testing import check_fusion

CLASSES = {
    "sum": "Sum",
    "max": "Max",
    "multiply": "Multiply",
    "weighted": "Weighted",
    "film": "FiLM",
    "tensor": "TensorFusion",
    "low_rank": "LowRank",
    "mfb": "MFB",
    "mutan": "MUTAN",
    "compact_bilinear": "CompactBilinear",
    "attention_product": "AttentionProduct",
}


def kind(name):
    return getattr(importlib.import_module(f"fusionkeras.fusion.{name}"), CLASSES[name])


def pooled(**branches):
    return {
        name: {"pooled_output": tf.constant(x, tf.float32), "present": tf.constant(there)}
        for name, (x, there) in branches.items()
    }


def drawn(widths=(3, 4, 2)):
    """Up to three branches of five rows: all there, each absent by itself, all absent."""
    random = np.random.default_rng(0)
    present = np.array([[1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 0]], bool)
    return pooled(
        **{
            name: (random.normal(size=(5, width)), present[:, place])
            for place, (name, width) in enumerate(zip("abc", widths, strict=False))
        }
    )


def built(layer, given):
    """The layer with random weights everywhere, its vectors of absence and biases among them."""
    layer(given)
    random = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(random.normal(size=weight.shape))
    return layer


def rows(layer, given):
    """Of each row `{branch: vector}` with what stands for the absent ones, and who is present."""
    for row in range(5):
        there = {name: bool(part["present"][row]) for name, part in given.items()}
        yield (
            {
                name: part["pooled_output"].numpy()[row] if there[name] else vector(layer, name)
                for name, part in given.items()
            },
            [name for name in given if there[name]] or list(given),
        )


def vector(layer, name):
    return layer.absent[name].numpy()


def affine(dense, x):
    """`W x + b` by its definition."""
    kernel, bias = (weight.numpy() for weight in dense.weights)
    return np.array(
        [sum(kernel[i, j] * x[i] for i in range(len(x))) + bias[j] for j in range(len(bias))]
    )


def softmax(scores):
    return np.exp(scores) / np.exp(scores).sum()


def normalised(s):
    """Signed square root, smoothed as documented, brought to length 1."""
    s = s / np.sqrt(np.mean(s**2) + 1e-6)
    z = np.array([number / np.sqrt(abs(number) + 0.01) for number in s])
    return z / np.linalg.norm(z)


def same(layer, given, equation, rtol=1e-4, atol=1e-5):
    expected = [equation(x, counted) for x, counted in rows(layer, given)]
    np.testing.assert_allclose(layer(given), expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", CLASSES)
def test_conforms(name):
    fusion = kind(name)
    for count in range(fusion.min_branches, 4):
        check_fusion(fusion(hidden_dim=4), (7, 5, 6)[:count])
    check_fusion(fusion(hidden_dim=None), (5, 5) if fusion.one_width else (4, 5))


@pytest.mark.parametrize("name", CLASSES)
def test_an_absent_branch_leaves_the_others_seen_and_learned_from(name):
    layer = kind(name)(hidden_dim=8)
    given = drawn()
    given["b"]["present"] = tf.zeros(5, bool)
    part = given["a"]
    with tf.GradientTape() as tape:
        tape.watch(part["pooled_output"])
        loss = tf.reduce_sum(layer(given)[3:4] ** 3)
    gradient = tape.gradient(loss, part["pooled_output"])[3]
    assert np.isfinite(gradient).all() and np.abs(gradient).max() > 1e-6


@pytest.mark.parametrize("name", ["sum", "max", "weighted"])
def test_different_widths_without_projection_are_an_error(name):
    with pytest.raises(ValueError, match=r"needs branches of one width.*Pass hidden_dim=128"):
        kind(name)(hidden_dim=None)(drawn())


def test_sum_is_its_equation():
    given = drawn((3, 3, 3))
    same(built(kind("sum")(None), given), given, lambda x, _: x["a"] + x["b"] + x["c"])


def test_max_is_its_equation():
    given = drawn((3, 3, 3))

    def equation(x, counted):
        return [max(x[name][k] for name in counted) for k in range(3)]

    same(built(kind("max")(None), given), given, equation)


def test_multiply_is_the_hadamard_product():
    given = drawn()
    layer = built(kind("multiply")(None), given)

    def equation(x, _):
        hidden = [np.tanh(affine(layer.factors[name], x[name])) for name in x]
        return [hidden[0][k] * hidden[1][k] * hidden[2][k] for k in range(4)]

    same(layer, given, equation)


def test_weighted_is_its_equation():
    given = drawn((3, 3, 3))
    layer = built(kind("weighted")(None), given)

    def equation(x, counted):
        scores = np.array([affine(layer.scores[name], x[name])[0] for name in counted])
        return sum(a * x[name] for a, name in zip(softmax(scores), counted, strict=True))

    same(layer, given, equation)
    _, weights = layer(given, return_attention=True)
    assert list(weights) == ["a", "b", "c"] and weights["a"].shape == (5,)
    np.testing.assert_allclose(sum(weights.values()), np.ones(5), rtol=1e-6)
    assert [weights["a"][1], weights["b"][2], weights["c"][3]] == [0, 0, 0]


@pytest.mark.parametrize("modulated", [None, "b"])
def test_film_is_its_equation(modulated):
    given = drawn()
    layer = built(kind("film")(modulated, hidden_dim=None), given)
    target = modulated or "a"

    def equation(x, _):
        others = np.concatenate([x[name] for name in "abc" if name != target])
        return (1 + affine(layer.gamma, others)) * x[target] + affine(layer.beta, others)

    same(layer, given, equation)


def test_tensor_is_the_outer_product():
    given = drawn()
    layer = built(kind("tensor")(None), given)

    def equation(x, _):
        parts = [[*x[name], 1.0] for name in "abc"]
        return [i * j * k for i in parts[0] for j in parts[1] for k in parts[2]]

    same(layer, given, equation)


def test_low_rank_is_its_equation():
    given = drawn()
    layer = built(kind("low_rank")(rank=2, output_dim=3, hidden_dim=None), given)
    weights, bias = layer.rank_weights.numpy(), layer.bias.numpy()

    def equation(x, _):
        parts = [affine(layer.factors[name], x[name]).reshape(2, 3) for name in "abc"]
        return bias + sum(weights[r] * parts[0][r] * parts[1][r] * parts[2][r] for r in range(2))

    same(layer, given, equation)


def test_low_rank_is_a_dense_layer_over_the_tensor_fusion():
    given = drawn((3, 4))
    layer = built(kind("low_rank")(rank=2, output_dim=2, hidden_dim=None), given)
    dense = np.zeros((4, 5, 2))  # the weights of the tensor [a; 1] (x) [b; 1]
    a, b = (np.vstack([w.numpy() for w in layer.factors[name].weights]) for name in "ab")
    for r, i, j, k in itertools.product(range(2), range(4), range(5), range(2)):
        dense[i, j, k] += layer.rank_weights.numpy()[r] * a[i, 2 * r + k] * b[j, 2 * r + k]

    def equation(x, _):
        tensor = np.outer([*x["a"], 1], [*x["b"], 1])
        return np.einsum("ij,ijk->k", tensor, dense) + layer.bias.numpy()

    same(layer, given, equation)


def test_mfb_is_its_equation():
    given = drawn()
    layer = built(kind("mfb")(factors=2, output_dim=3, hidden_dim=None), given)

    def equation(x, _):
        parts = [affine(layer.expansions[name], x[name]) for name in "abc"]
        p = parts[0] * parts[1] * parts[2]
        return normalised(np.array([p[0] + p[1], p[2] + p[3], p[4] + p[5]]))

    same(layer, given, equation)


def test_mutan_is_its_equation():
    given = drawn()
    layer = built(kind("mutan")(rank=2, output_dim=3, hidden_dim=None), given)

    def equation(x, _):
        hidden = {name: np.tanh(affine(layer.hidden[name], x[name])) for name in x}
        parts = [affine(layer.factors[name], hidden[name]).reshape(2, 3) for name in x]
        return sum(parts[0][r] * parts[1][r] * parts[2][r] for r in range(2))

    same(layer, given, equation)


@pytest.mark.parametrize("size", [7, 8])
def test_compact_bilinear_is_the_count_sketch_of_the_outer_product(size):
    given = drawn()
    layer = built(kind("compact_bilinear")(sketch_dim=size, hidden_dim=None), given)
    hashes = {name: weight.numpy() for name, weight in layer.hashes.items()}
    signs = {name: weight.numpy() for name, weight in layer.signs.items()}

    def equation(x, _):
        parts, sketch = {name: [*x[name], 1.0] for name in x}, np.zeros(size)
        for places in itertools.product(*(range(len(part)) for part in parts.values())):
            picked = list(zip("abc", places, strict=True))
            place = sum(hashes[name][i] for name, i in picked) % size
            sketch[place] += np.prod([signs[name][i] * parts[name][i] for name, i in picked])
        return normalised(sketch)

    same(layer, given, equation, rtol=1e-3, atol=1e-4)


def test_attention_product_is_its_equation():
    given = drawn()
    layer = built(kind("attention_product")(units=3, hidden_dim=None), given)

    def equation(x, _):
        joint = np.tanh(affine(layer.joint, np.concatenate([x["a"], x["b"], x["c"]])))
        return 3 * softmax(affine(layer.scores, joint)) * joint

    same(layer, given, equation)
    fused, attention = layer(given, return_attention=True)
    np.testing.assert_allclose(np.sum(attention["parts"], axis=1), np.ones(5), rtol=1e-6)
    assert attention["parts"].shape == fused.shape == (5, 3)


def test_a_uniform_attention_leaves_the_projection_as_it_is():
    given = drawn()
    layer = built(kind("attention_product")(hidden_dim=None), given)
    layer.scores.set_weights([np.zeros((4, 4)), np.zeros(4)])
    joint = layer.joint(tf.concat([part["pooled_output"] for part in given.values()], -1))
    np.testing.assert_allclose(layer(given)[0], joint[0], rtol=1e-5)


# Goldens: two rows of a = [1, 2] and b = [3, 4], b absent in the second, with [1, 0] in its place.


def golden():
    return pooled(a=([[1.0, 2.0]] * 2, [True, True]), b=([[3.0, 4.0]] * 2, [True, False]))


def absent_b(layer):
    layer(golden())
    layer.absent["b"].assign([1.0, 0.0])
    return layer


def close(layer, expected):
    np.testing.assert_allclose(layer(golden()), expected, rtol=1e-5, atol=1e-6)


def test_plain_goldens():
    close(absent_b(kind("sum")(None)), [[4, 6], [2, 2]])
    close(absent_b(kind("max")(None)), [[3, 4], [1, 2]])
    close(
        absent_b(kind("tensor")(None)), [[3, 4, 1, 6, 8, 2, 3, 4, 1], [1, 0, 1, 2, 0, 2, 1, 0, 1]]
    )


def test_max_where_none_is_present():
    given = pooled(a=([[9.0]], [False]), b=([[9.0]], [False]))
    layer = kind("max")(None)
    layer(given)
    layer.absent["a"].assign([-2.0])
    layer.absent["b"].assign([-3.0])
    assert layer(given).numpy().tolist() == [[-2]]


def test_multiply_golden():
    layer = absent_b(kind("multiply")(None))
    half = np.log(3) / 2  # its tanh is 0.5
    layer.factors["a"].set_weights([np.zeros((2, 2)), np.full(2, half)])
    layer.factors["b"].set_weights([np.array([[half, 0], [0, half]]), np.zeros(2)])
    # tanh(3 half) = 26 / 28, tanh(4 half) = 80 / 82
    close(layer, [[0.5 * 26 / 28, 0.5 * 80 / 82], [0.25, 0]])


def test_weighted_golden():
    layer = absent_b(kind("weighted")(None))
    layer.scores["a"].set_weights([np.zeros((2, 1)), np.zeros(1)])
    layer.scores["b"].set_weights([np.zeros((2, 1)), np.array([np.log(3)])])
    close(layer, [[2.5, 3.5], [1, 2]])  # a quarter of a and three of b; a alone


def test_film_golden():
    layer = absent_b(kind("film")(hidden_dim=None))
    layer.gamma.set_weights([np.eye(2), np.array([0.0, -1.0])])
    layer.beta.set_weights([np.eye(2), np.array([10.0, 0.0])])
    close(layer, [[(1 + 3) * 1 + 13, (1 + 3) * 2 + 4], [(1 + 1) * 1 + 11, (1 - 1) * 2 + 0]])


def test_low_rank_golden():
    layer = absent_b(kind("low_rank")(rank=2, output_dim=1, hidden_dim=None))
    layer.factors["a"].set_weights([np.eye(2), np.array([0.0, 1.0])])  # 1, 2 + 1
    layer.factors["b"].set_weights([np.eye(2), np.array([0.0, 2.0])])  # 3, 4 + 2; 1, 0 + 2
    layer.rank_weights.assign([1.0, 10.0])
    layer.bias.assign([100.0])
    close(layer, [[100 + 3 + 10 * 18], [100 + 1 + 10 * 6]])


def test_mutan_golden():
    layer = absent_b(kind("mutan")(rank=2, output_dim=1, hidden_dim=None))
    half = np.log(3) / 2
    layer.hidden["a"].set_weights([np.zeros((2, 2)), np.full(2, half)])  # 0.5, 0.5
    layer.hidden["b"].set_weights([np.diag([half, half]), np.zeros(2)])
    layer.factors["a"].set_weights([np.eye(2), np.array([0.0, 1.0])])  # 0.5, 1.5
    layer.factors["b"].set_weights([np.eye(2), np.array([0.0, 2.0])])
    close(layer, [[0.5 * 26 / 28 + 1.5 * (80 / 82 + 2)], [0.25 + 1.5 * 2]])


def test_mfb_golden():
    layer = absent_b(kind("mfb")(factors=1, output_dim=2, hidden_dim=None))
    layer.expansions["a"].set_weights([np.eye(2), np.zeros(2)])
    layer.expansions["b"].set_weights([np.array([[3.0, 0.0], [0.0, -0.5]]), np.array([0.0, -2.0])])
    # 1 * 9, 2 * -4, roots 3 and -sqrt(8); then 1 * 3, 2 * -2, roots sqrt(3) and -2
    expected = [[3 / 17**0.5, -((8 / 17) ** 0.5)], [(3 / 7) ** 0.5, -2 / 7**0.5]]
    np.testing.assert_allclose(layer(golden()), expected, atol=1e-3)


def test_compact_bilinear_golden():
    layer = absent_b(kind("compact_bilinear")(sketch_dim=4, hidden_dim=None))
    for name, hashes, signs in [("a", [0, 1, 3], [1, -1, 0]), ("b", [0, 2, 2], [1, 1, 0])]:
        layer.hashes[name].assign(hashes)
        layer.signs[name].assign(signs)
    # (1 - 2 t) (3 + 4 t^2) = 3 - 6 t + 4 t^2 - 8 t^3; with b absent 1 - 2 t
    expected = [np.array([3, -6, 4, -8]) / 21, np.array([1, -2, 0, 0]) / 3]
    expected = np.sign(expected) * np.sqrt(np.abs(expected))
    np.testing.assert_allclose(layer(golden()), expected, atol=5e-3)


def test_attention_product_golden():
    layer = absent_b(kind("attention_product")(hidden_dim=None))
    half = np.log(3) / 2
    kernel = np.zeros((4, 2))
    kernel[2, 0] = half  # reads the first number of b, 3 or 1
    layer.joint.set_weights([kernel, np.array([0.0, half])])
    layer.scores.set_weights([np.zeros((2, 2)), np.array([np.log(3), 0.0])])  # 3/4, 1/4
    close(layer, [[1.5 * 26 / 28, 0.25], [0.75, 0.25]])


def test_the_root_is_the_papers_where_it_is_not_near_0():
    x = np.array([[4.0, -9.0, 1.0, 16.0]])
    z = np.sign(x) * np.sqrt(np.abs(x))
    np.testing.assert_allclose(
        signed_root_of_unit_length(x), z / np.linalg.norm(z), rtol=0.05, atol=1e-3
    )
    np.testing.assert_allclose(
        signed_root_of_unit_length(x), signed_root_of_unit_length(1000 * x), rtol=1e-5
    )


def test_the_root_of_zeros_has_a_finite_gradient():
    x = tf.Variable([[0.0, 0.0], [0.0, 1.0]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(signed_root_of_unit_length(x))
    assert np.isfinite(tape.gradient(loss, x)).all()


def test_dropout_of_mfb_drops_in_training_only():
    layer = kind("mfb")(factors=3, dropout=0.5, hidden_dim=8)
    given = drawn()
    inputs = keras.tree.map_structure(lambda x: keras.Input(x.shape[1:], dtype=x.dtype.name), given)
    model = keras.Model(inputs, layer(inputs))
    np.testing.assert_array_equal(model(given), model(given, training=False))
    assert np.abs(model(given, training=True) - model(given)).max() > 1e-3
    assert not kind("mfb")(hidden_dim=8).non_trainable_weights


def test_hashes_are_drawn_from_the_seed_and_are_saved():
    def made(seed):
        layer = kind("compact_bilinear")(sketch_dim=50, seed=seed, hidden_dim=20)
        layer(drawn())
        return layer

    one, same_seed, other = made(1), made(1), made(2)
    np.testing.assert_array_equal(one.hashes["a"], same_seed.hashes["a"])
    assert (one.hashes["a"].numpy() != other.hashes["a"].numpy()).any()
    assert (one.hashes["a"].numpy() != one.hashes["b"].numpy()).any()
    assert set(one.signs["a"].numpy()) == {-1, 1}
    assert len(one.non_trainable_weights) == 6


def test_biases_of_the_branches_begin_different():
    layer = kind("multiply")(hidden_dim=4)
    layer(drawn())
    first, second = (layer.factors[name].bias.numpy() for name in "ab")
    assert (first != second).all()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("film", {"modulated": "b"}),
        ("low_rank", {"rank": 2, "output_dim": 3}),
        ("mfb", {"factors": 2, "output_dim": 3, "dropout": 0.5}),
        ("mutan", {"rank": 2, "output_dim": 3}),
        ("compact_bilinear", {"sketch_dim": 9, "seed": 3}),
        ("attention_product", {"units": 3}),
    ],
)
def test_config_holds_the_arguments(name, options):
    layer = kind(name)(**options, hidden_dim=6)
    config = layer.get_config()
    assert {key: config[key] for key in options} == options and config["hidden_dim"] == 6
    width = options.get("output_dim", options.get("sketch_dim", options.get("units", 6)))
    assert type(layer).from_config(config)(drawn()).shape == (5, width)


def test_too_large_an_outer_product_is_an_error():
    with pytest.raises(ValueError, match=r"has 132651 numbers.*at most 131072.*'low_rank'"):
        kind("tensor")(hidden_dim=50)(drawn())


def test_film_of_an_unknown_branch_is_an_error():
    with pytest.raises(ValueError, match=r"Unknown branch to modulate.*'a', 'b', 'c'.*'d'"):
        kind("film")(modulated="d")(drawn())


def test_film_of_one_branch_is_an_error():
    with pytest.raises(ValueError, match="FiLM joins at least 2 branches"):
        kind("film")()(drawn((3,)))


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("low_rank", {"rank": 0}, r"The rank of the fusion is too small.*rank=0"),
        ("low_rank", {"output_dim": 0}, r"The width of the output is too small.*output_dim=0"),
        ("mutan", {"rank": 0}, r"The rank of the fusion is too small.*rank=0"),
        ("mutan", {"output_dim": 0}, r"The width of the output is too small.*output_dim=0"),
        ("mfb", {"factors": 0}, r"The number of factors is too small.*factors=0"),
        ("mfb", {"output_dim": 0}, r"The width of the output is too small.*output_dim=0"),
        ("mfb", {"dropout": 1.0}, r"Wrong rate of dropout.*dropout=1.0"),
        ("compact_bilinear", {"sketch_dim": 0}, r"The width of the sketch.*sketch_dim=0"),
        ("compact_bilinear", {"seed": -1}, r"The seed is too small.*seed=-1"),
        ("attention_product", {"units": 0}, r"The number of parts is too small.*units=0"),
    ],
)
def test_wrong_arguments_are_an_error(name, options, match):
    with pytest.raises(ValueError, match=match):
        kind(name)(**options)
