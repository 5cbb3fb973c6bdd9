"""The fusions that attend, against their equations in NumPy, by hand, and in what they promise."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import erf

from fusionkeras.fusion.blocks import AttentionBlock
from fusionkeras.fusion.bottleneck import Bottleneck
from fusionkeras.fusion.cross_attention import CrossAttention
from fusionkeras.fusion.perceiver import Perceiver
from fusionkeras.fusion.tokens import TokenEmbedding
from fusionkeras.fusion.transformer import TransformerFusion
from fusionkeras.testing import check_fusion

WIDTH, HEADS = 4, 2
ALL = [CrossAttention, TransformerFusion, Bottleneck, Perceiver]
# Row 0: everything there. Row 1: no text. Row 2: no image. Row 3: nothing.
PRESENT = {"image": [True, True, False, False], "text": [True, False, True, False]}
FILLED = {"image": [3, 3, 0, 0], "text": [2, 0, 4, 0]}
STEPS = {"image": 3, "text": 4}


def features(seed=0):
    """An image of 3 regions and a text of up to 4 words, in every pattern of absence."""
    random = np.random.default_rng(seed)
    return {
        name: {
            "sequence_output": random.normal(size=(4, steps, WIDTH)).astype("float32"),
            "padding_mask": np.arange(steps) < np.array(FILLED[name])[:, None],
            "present": np.array(PRESENT[name]),
        }
        for name, steps in STEPS.items()
    }


def randomised(layer, *call, seed=1):
    """The layer, built, with random weights throughout."""
    layer(*call)
    random = np.random.default_rng(seed)
    layer.set_weights([random.normal(scale=0.5, size=w.shape) for w in layer.weights])
    return layer


# The equations, row by row and token by token.


def dense(x, layer):
    kernel, bias = layer.get_weights()
    return x @ kernel + bias


def norm(x, layer):
    gamma, beta = layer.get_weights()
    return gamma * (x - x.mean()) / np.sqrt(x.var() + 1e-3) + beta


def attention(queries, context, mask, block):
    """Vaswani et al. 2017, equation 1 for each head, for one row; and the weights."""
    seen = [step for step in range(len(context)) if mask[step]]
    weights = np.zeros((HEADS, len(queries), len(context)))
    out = np.zeros((len(queries), WIDTH))
    size = WIDTH // HEADS
    for place, query in enumerate(queries):
        joined = []
        for head in range(HEADS):
            own = slice(head * size, (head + 1) * size)
            q = dense(query, block.query)[own]
            k = {step: dense(context[step], block.key)[own] for step in seen}
            v = {step: dense(context[step], block.value)[own] for step in seen}
            shares = {step: np.exp(q @ k[step] / np.sqrt(size)) for step in seen}
            for step in seen:
                weights[head, place, step] = shares[step] / sum(shares.values())
            joined.append(sum(weights[head, place, step] * v[step] for step in seen))
        out[place] = dense(np.concatenate(joined), block.join)
    return out, weights


def feed_forward(x, block):
    inner = dense(x, block.expand)
    return dense(0.5 * inner * (1 + erf(inner / np.sqrt(2))), block.contract)


def block_by_hand(queries, context, mask, block):
    if not block.norm_first:
        out, weights = attention(queries, context, mask, block)
        z = [norm(x + a, block.attention_norm) for x, a in zip(queries, out, strict=True)]
        y = [norm(x + feed_forward(x, block), block.feedforward_norm) for x in z]
        return np.array(y), weights
    of_context = block.context_norm if block.cross else block.attention_norm
    out, weights = attention(
        [norm(x, block.attention_norm) for x in queries],
        [norm(x, of_context) for x in context],
        mask,
        block,
    )
    z = queries + out
    return np.array([x + feed_forward(norm(x, block.feedforward_norm), block) for x in z]), weights


def sequence(fusion, given, name, row):
    """The steps of a branch in a row, and which are looked at if anything is there."""
    part = given[name]
    if part["present"][row]:
        mask = part["padding_mask"][row]
        return np.where(mask[:, None], part["sequence_output"][row], 0), mask
    nothing = not any(own["present"][row] for own in given.values())
    absent = np.tile(fusion.absent[name].numpy(), (STEPS[name], 1))
    return absent, np.full(STEPS[name], nothing)


def token(fusion, given, name, row):
    x, mask = sequence(fusion, given, name, row)
    modality, positions = fusion.embeddings[name].get_weights()
    return np.array([x[t] + modality[0] + positions[t] for t in range(len(x))]), mask


def cross_attention_by_hand(fusion, given, row, query, context):
    x, mask = sequence(fusion, given, query, row)
    seen, seen_mask = sequence(fusion, given, context, row)
    mask = mask if mask.any() else [True] * len(x)
    seen_mask = seen_mask if seen_mask.any() else [True] * len(seen)
    y, weights = block_by_hand(x, seen, seen_mask, fusion.blocks[f"{query}_0"])
    return y[np.array(mask)].mean(axis=0), weights


def transformer_by_hand(fusion, given, row):
    """Kim et al. 2021, equations 1 to 5, with one summary token."""
    tokens, mask = [fusion.summary.numpy()], [[True]]
    for name in ("image", "text"):
        x, own = token(fusion, given, name, row)
        tokens.append(x)
        mask.append(own)
    tokens, mask = np.concatenate(tokens), np.concatenate(mask)
    for block in fusion.blocks:
        tokens, weights = block_by_hand(tokens, tokens, mask, block)
    weights = weights[:, 0]
    named = {"itself": weights[:, :1], "image": weights[:, 1:4], "text": weights[:, 4:]}
    named = {f"summary_to_{name}": own for name, own in named.items()}
    return norm(tokens[0], fusion.normalise), named


def bottleneck_by_hand(fusion, given, row):
    """Nagrani et al. 2021: layers of `[z_i || b_i] = B_i([z_i || b])`, `b = Avg_i(b_i)`."""
    states, masks, bottlenecks, named = {}, {}, fusion.bottlenecks.numpy(), {}
    for name in given:
        x, own = token(fusion, given, name, row)
        states[name] = np.concatenate([fusion.summaries[name].numpy(), x])
        masks[name] = [True, *own, *[True] * len(bottlenecks)]
    counted = [name for name in given if given[name]["present"][row]] or list(given)
    for layer in range(fusion.num_layers):
        of_branch = {}
        for name in given:
            tokens = np.concatenate([states[name], bottlenecks])
            block = fusion.blocks[f"{name}_{layer}"]
            tokens, weights = block_by_hand(tokens, tokens, masks[name], block)
            states[name], of_branch[name] = np.split(tokens, [1 + STEPS[name]])
            cuts = np.split(weights[:, 0], [1, 1 + STEPS[name]], axis=-1)
            for key, cut in zip(("itself", name, "bottlenecks"), cuts, strict=True):
                named[f"{name}_summary_to_{key}"] = cut
        bottlenecks = np.mean([of_branch[name] for name in counted], axis=0)
    return np.mean([norm(states[name][0], fusion.normalise) for name in counted], axis=0), named


def perceiver_by_hand(fusion, given, row):
    """Jaegle et al. 2021, figure 1: cross-attention and latent transformer in turns."""
    parts = [token(fusion, given, name, row) for name in ("image", "text")]
    tokens = np.concatenate([x for x, _ in parts])
    mask = np.concatenate([own for _, own in parts])
    latents = fusion.latents.numpy()
    for read, think in zip(fusion.readers, fusion.thinkers, strict=True):
        latents, weights = block_by_hand(latents, tokens, mask, read)
        latents, _ = block_by_hand(latents, latents, [True] * len(latents), think)
    named = {"latents_to_image": weights[..., :3], "latents_to_text": weights[..., 3:]}
    return np.mean([norm(x, fusion.normalise) for x in latents], axis=0), named


def both_ways_by_hand(fusion, given, row):
    image, of_image = cross_attention_by_hand(fusion, given, row, "image", "text")
    text, of_text = cross_attention_by_hand(fusion, given, row, "text", "image")
    return np.concatenate([image, text]), {"image_to_text": of_image, "text_to_image": of_text}


BY_HAND = {
    CrossAttention: both_ways_by_hand,
    TransformerFusion: transformer_by_hand,
    Bottleneck: bottleneck_by_hand,
    Perceiver: perceiver_by_hand,
}


@pytest.mark.parametrize(
    "options", [{}, {"cross": True}, {"norm_first": False}, {"feedforward_dim": 3}], ids=str
)
def test_block_is_the_equation(options):
    random = np.random.default_rng(0)
    queries, context = random.normal(size=(2, 3, WIDTH)), random.normal(size=(2, 5, WIDTH))
    mask = np.array([[True] * 5, [True, False, True, False, False]])
    block = randomised(AttentionBlock(HEADS, **options), queries, context, mask)
    y, weights = block(queries, context, mask)
    for row in range(2):
        expected, shares = block_by_hand(queries[row], context[row], mask[row], block)
        np.testing.assert_allclose(y[row], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(weights[row], shares, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(weights)[1][..., [1, 3, 4]], 0)


@pytest.mark.parametrize("kind", ALL)
def test_is_the_equation_in_every_pattern_of_absence(kind):
    given = features()
    fusion = randomised(kind(num_heads=HEADS, hidden_dim=None), given)
    fused, attention = fusion(given, return_attention=True)
    for row in range(4):
        expected, weights = BY_HAND[kind](fusion, given, row)
        np.testing.assert_allclose(fused[row], expected, rtol=1e-4, atol=1e-5)
        assert set(attention) == set(weights)
        for name, own in weights.items():
            np.testing.assert_allclose(attention[name][row], own, rtol=1e-4, atol=1e-6)


def test_cross_attention_one_way_is_half_of_both():
    given = features()
    options = {"num_heads": HEADS, "hidden_dim": None}
    one = randomised(CrossAttention(query="text", context="image", **options), given)
    fused, attention = one(given, return_attention=True)
    assert list(attention) == ["text_to_image"]
    for row in range(4):
        expected, weights = cross_attention_by_hand(one, given, row, "text", "image")
        np.testing.assert_allclose(fused[row], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(attention["text_to_image"][row], weights, rtol=1e-4, atol=1e-6)


def test_cross_attention_in_two_layers_looks_at_what_the_first_gave():
    given = {
        name: {key: value[:1, :2] if value.ndim > 1 else value[:1] for key, value in part.items()}
        for name, part in features().items()
    }
    fusion = CrossAttention(num_heads=HEADS, hidden_dim=None, num_layers=2)
    randomised(fusion, given)
    x = {name: part["sequence_output"][0] for name, part in given.items()}
    for layer in range(2):
        image, _ = block_by_hand(x["image"], x["text"], [1, 1], fusion.blocks[f"image_{layer}"])
        text, _ = block_by_hand(x["text"], x["image"], [1, 1], fusion.blocks[f"text_{layer}"])
        x = {"image": image, "text": text}
    expected = np.concatenate([x["image"].mean(axis=0), x["text"].mean(axis=0)])
    np.testing.assert_allclose(fusion(given)[0], expected, rtol=1e-4, atol=1e-5)


def one_head(block, **kernels):
    """Sets a block of width 2: what is not given is zero, norms are plain."""
    for layer in (block.query, block.key, block.value, block.join, block.expand, block.contract):
        kernel = kernels.get(layer.name, np.zeros(layer.kernel.shape))
        layer.set_weights([kernel, np.zeros(layer.bias.shape)])


def test_cross_attention_by_hand():
    text = {"sequence_output": [[[1.0, 0.0]], [[1.0, 0.0]]], "padding_mask": [[True], [False]]}
    regions = [[1.0, 0.0], [0.0, 1.0], [5.0, 5.0]]
    image = {"sequence_output": [regions, regions], "padding_mask": [[True, True, False]] * 2}
    given = {
        "text": {**text, "present": [True, False]},
        "image": {**image, "present": [True, True]},
    }
    given = {name: {k: np.array(v) for k, v in part.items()} for name, part in given.items()}
    fusion = CrossAttention(query="text", context="image", num_heads=1, hidden_dim=None)
    fusion(given)
    fusion.absent["text"].assign([0.0, 2.0])
    # Scores are the word times the region times ln 3: that is ln 3 and 0, or 0 and 2 ln 3.
    scaled = np.log(3) * np.sqrt(2) * np.eye(2)
    one_head(fusion.blocks["text_0"], query=scaled, key=np.eye(2), value=np.eye(2), join=np.eye(2))
    fused, attention = fusion(given, return_attention=True)
    np.testing.assert_allclose(attention["text_to_image"][0], [[[0.75, 0.25, 0]]], rtol=1e-5)
    np.testing.assert_allclose(attention["text_to_image"][1], [[[0.1, 0.9, 0]]], rtol=1e-5)
    # [1, 0] + [.75, .25], a half difference of .75: .75 / sqrt(.75^2 + .001) = .999112, once more
    # .999501. [0, 2] + [.1, .9], a half difference of 1.4: .999745, .999500.
    np.testing.assert_allclose(fused, [[0.999501, -0.999501], [-0.9995, 0.9995]], atol=2e-6)


def test_transformer_by_hand():
    part = {"sequence_output": [[[9.0, 0.0]]], "padding_mask": [[True]], "present": [True]}
    given = {"text": {key: np.array(value) for key, value in part.items()}}
    fusion = TransformerFusion(num_layers=1, num_heads=1, hidden_dim=None)
    fusion(given)
    fusion.summary.assign([[1.0, 0.0]])
    fusion.embeddings["text"].set_weights([np.zeros((1, 2)), np.array([[1.0, 2.0]])])
    one_head(fusion.blocks[0], value=np.eye(2), join=np.array([[0, 1], [1, 0]]))
    fused, attention = fusion(given, return_attention=True)
    # No scores: half itself, half the word. Both are normalised ahead of that, [1, 0] to .998006,
    # -.998006 and the word [10, 2] to .999969, -.999969; the mean is .998988, -.998988; `join`
    # turns it round.
    np.testing.assert_allclose(attention["summary_to_text"][0], [[0.5]])
    np.testing.assert_allclose(attention["summary_to_itself"][0], [[0.5]])
    # [1 - .998988, .998988], a half difference of .498988: .498988 / sqrt(.498988^2 + .001)
    np.testing.assert_allclose(fused, [[-0.997998, 0.997998]], atol=2e-6)


def test_the_mean_of_bottlenecks_is_over_what_is_present():
    """The blocks add to all tokens what their branch's `join` has as a bias, and nothing else."""
    given = features()
    fusion = Bottleneck(num_bottlenecks=1, num_heads=1, hidden_dim=None)
    fusion(given)
    states, counts = {}, tf.constant([[True, True], [True, False], [False, True], [True, True]])
    for name, bias in {"image": 2.0, "text": 6.0}.items():
        one_head(fusion.blocks[f"{name}_0"])
        fusion.blocks[f"{name}_0"].join.bias.assign([bias] * WIDTH)
        states[name] = tf.zeros((4, 1 + STEPS[name], WIDTH))
    masks = fusion._masks(
        {name: tf.nest.map_structure(tf.constant, x) for name, x in given.items()}
    )
    _, bottlenecks = fusion._exchange(0, states, tf.ones((4, 1, WIDTH)), masks, counts)
    assert bottlenecks[:, 0, 0].numpy().tolist() == [5, 3, 7, 5]


def test_latents_that_look_everywhere_alike():
    given = features()
    fusion = Perceiver(num_latents=2, num_layers=1, num_heads=1, hidden_dim=None)
    fusion(given)
    one_head(fusion.readers[0])
    _, attention = fusion(given, return_attention=True)
    third = 1 / 3
    for row, (image, text) in enumerate(
        [([0.2] * 3, [0.2] * 2 + [0] * 2), ([third] * 3, [0] * 4), ([0] * 3, [0.25] * 4)]
    ):
        np.testing.assert_allclose(attention["latents_to_image"][row], [[image] * 2], rtol=1e-6)
        np.testing.assert_allclose(attention["latents_to_text"][row], [[text] * 2], rtol=1e-6)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("widths", [(7,), (7, 5, 6)], ids=str)
def test_conforms(kind, widths):
    check_fusion(kind(num_heads=HEADS, hidden_dim=WIDTH), widths)


@pytest.mark.parametrize("kind", ALL)
def test_attention_sums_to_one_and_never_sees_padding(kind):
    given = features()
    fusion = randomised(kind(num_heads=HEADS, hidden_dim=8), given)
    _, attention = fusion(given, return_attention=True)
    # An absent context of words that are there is looked at, for want of another.
    rows, sums = [0] if kind is CrossAttention else [0, 1, 2], {}
    for name, weights in attention.items():
        queries, keys = name.split("_to_")
        assert weights.dtype == "float32"
        weights = np.asarray(weights)
        sums[queries] = sums.get(queries, 0) + weights.sum(axis=-1)
        for row in rows if keys in given else ():
            assert not weights[row][..., ~given[keys]["padding_mask"][row]].any()
    for total in sums.values():
        np.testing.assert_allclose(total, 1, rtol=1e-5)


def test_cross_attention_leaves_an_absent_context_out():
    given = features()
    given["audio"] = {**given["text"], "present": np.array([True, True, True, False])}
    given["audio"]["padding_mask"] = np.array([[True] * 4] * 3 + [[False] * 4])
    fusion = randomised(CrossAttention("text", hidden_dim=8), given)
    _, attention = fusion(given, return_attention=True)
    image, audio = (np.asarray(attention[f"text_to_{name}"]) for name in ("image", "audio"))
    np.testing.assert_array_equal(image[2], 0)
    np.testing.assert_allclose(audio[2].sum(axis=-1), 1, rtol=1e-5)
    assert image[3].all() and audio[3].all()


@pytest.mark.parametrize("kind", ALL)
def test_what_padding_holds_matters_neither_for_the_output_nor_for_the_attention(kind):
    given, other = features(), features(seed=5)
    for name, part in other.items():
        kept = given[name]["padding_mask"][..., None]
        noise = np.where(kept, 0, 1e6 * part["sequence_output"])
        part["sequence_output"] = np.where(kept, given[name]["sequence_output"], noise)
    other["text"]["sequence_output"][0, 3] = np.inf  # a padded word of a text that is there
    fusion = randomised(kind(num_heads=HEADS, hidden_dim=None), given)
    expected = fusion(given, return_attention=True)
    keras.tree.map_structure(
        np.testing.assert_array_equal, expected, fusion(other, return_attention=True)
    )


@pytest.mark.parametrize("kind", ALL)
def test_dropout_is_for_training_only(kind):
    given = features()
    fusion = kind(num_heads=HEADS, hidden_dim=8, dropout=0.5)
    np.testing.assert_array_equal(fusion(given), fusion(given))
    assert np.abs(fusion(given, training=True) - fusion(given)).max() > 1e-3


def test_branches_begin_with_different_vectors():
    fusion = TransformerFusion(num_heads=HEADS, hidden_dim=8)
    fusion(features())
    image, text = (fusion.embeddings[name].modality.numpy() for name in ("image", "text"))
    assert np.abs(image - text).max() > 0


def test_shorter_sequences_than_built_for():
    given = features()
    x = TokenEmbedding()
    full = x(given["text"]["sequence_output"])
    np.testing.assert_array_equal(x(given["text"]["sequence_output"][:, :2]), full[:, :2])


def symbolic(steps):
    part = {
        "sequence_output": keras.Input((steps, 6)),
        "padding_mask": keras.Input((steps,), dtype="bool"),
        "present": keras.Input((), dtype="bool"),
    }
    return {"text": part}


def test_cross_attention_takes_any_length():
    inputs = symbolic(None)
    model = keras.Model(inputs, CrossAttention(num_heads=HEADS, hidden_dim=8)(inputs))
    for steps in (2, 5):
        there = {"padding_mask": np.ones((3, steps), bool), "present": np.ones(3, bool)}
        part = {"sequence_output": np.ones((3, steps, 6), "float32"), **there}
        assert model({"text": part}).shape == (3, 8)


@pytest.mark.parametrize("kind", [TransformerFusion, Bottleneck, Perceiver])
def test_positions_need_a_fixed_length(kind):
    with pytest.raises(
        ValueError, match=f"branch 'text' have no fixed length, and {kind.__name__} .*None, 6"
    ):
        kind(hidden_dim=8)(symbolic(None))


@pytest.mark.parametrize("kind", ALL)
def test_heads_divide_the_width(kind):
    with pytest.raises(
        ValueError, match=r"do not divide the width evenly.*num_heads=3.*hidden_dim"
    ):
        kind(num_heads=3, hidden_dim=8)(features())


@pytest.mark.parametrize("kind", ALL)
def test_sequences_are_needed(kind):
    part = {"pooled_output": tf.ones((1, 2)), "present": tf.constant([True])}
    with pytest.raises(
        ValueError, match=rf"'image' lacks features that {kind.__name__} needs.*such as 'gated'"
    ):
        kind()({"image": part})


def test_unknown_branches():
    with pytest.raises(
        ValueError, match=r"Unknown branch for the query.*query='txt'\. Did you mean 'text'"
    ):
        CrossAttention(query="txt")(features())
    with pytest.raises(ValueError, match=r"Unknown branch for the context.*context='picture'"):
        CrossAttention(context="picture")(features())


def test_a_branch_that_would_not_be_read():
    given = features()
    given["audio"] = given["text"]
    with pytest.raises(
        ValueError, match=r"read nothing of the branches \['audio'\].*Leave context"
    ):
        CrossAttention("text", "image")(given)
    fused, attention = CrossAttention("text", hidden_dim=8)(given, return_attention=True)
    assert fused.shape == (4, 8)
    assert sorted(attention) == ["text_to_audio", "text_to_image"]
    fused, attention = CrossAttention(context="image", hidden_dim=8)(given, return_attention=True)
    assert fused.shape == (4, 16)
    assert sorted(attention) == ["audio_to_image", "text_to_image"]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("num_heads", 0, "number of heads is too small"),
        ("num_layers", 0, "number of layers is too small"),
        ("dropout", 1.0, "Wrong dropout"),
    ],
)
def test_wrong_numbers(kind, name, value, problem):
    with pytest.raises(ValueError, match=f"{problem}.*{name}={value}"):
        kind(**{name: value})


def test_wrong_numbers_of_tokens():
    with pytest.raises(ValueError, match=r"bottleneck tokens is too small.*num_bottlenecks=0"):
        Bottleneck(num_bottlenecks=0)
    with pytest.raises(ValueError, match=r"an integer of at least 2.*num_layers=1"):
        Bottleneck(num_layers=1)
    with pytest.raises(ValueError, match=r"number of latents is too small.*num_latents=0"):
        Perceiver(num_latents=0)
    with pytest.raises(ValueError, match=r"feed-forward net is too small.*feedforward_dim=0"):
        AttentionBlock(feedforward_dim=0)
