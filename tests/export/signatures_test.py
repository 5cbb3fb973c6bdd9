"""What an exported model can be asked, and that nothing breaks it."""

import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import fusionkeras as fk
from fusionkeras.export.loading import as_served
from fusionkeras.export.short import in_full
from fusionkeras.export.signatures import embedding, whole

BRANCHES = ["image", "text"]


@pytest.fixture(scope="module")
def model(posts):
    return tf.saved_model.load(str(posts.version))


def encode(pixels, form, mode=None, **options):
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(file, form, **options)
    return file.getvalue()


def pixels(seed=0, side=24):
    return np.random.default_rng(seed).integers(0, 256, (side, side + 6, 3), "uint8")


def described(specs):
    return {name: (spec.dtype.name, spec.shape.as_list()) for name, spec in specs.items()}


def test_names_shapes_and_dtypes(model):
    assert set(model.signatures) == {"serving_default", "embed", "explain", "about"}
    for name in ("serving_default", "embed"):
        inputs = model.signatures[name].structured_input_signature[1]
        assert described(inputs) == {"image": ("string", [None]), "text": ("string", [None])}
    assert described(model.signatures["serving_default"].structured_outputs) == {
        "label": ("string", [None]),
        "probabilities": ("float32", [None, 3]),
        "image_used": ("bool", [None]),
        "text_used": ("bool", [None]),
    }
    assert described(model.signatures["embed"].structured_outputs) == {
        "image": ("float32", [None, 128]),
        "text": ("float32", [None, 8]),
        "fused": ("float32", [None, 128]),
    }


def test_nothing_is_computed_twice(posts, model):
    (encoder,) = [
        x for x in as_served(posts.serving).parts.model.layers if x.name == "image_encoder"
    ]
    convolutions = [x for x in encoder._flatten_layers() if isinstance(x, keras.layers.Conv2D)]
    for name in ("serving_default", "embed"):
        graph = model.signatures[name].graph.as_graph_def()
        nodes = [x for f in graph.library.function for x in f.node_def] + list(graph.node)
        assert sum(node.op == "Conv2D" for node in nodes) == len(convolutions) > 0


def test_embed_is_what_the_layers_compute(posts, model):
    columns = {
        "image": tf.constant([encode(pixels(), "PNG"), b""]),
        "text": tf.constant(["red"] * 2),
    }
    found = model.signatures["embed"](**columns)
    parts = as_served(posts.serving).parts
    tensors = parts.preprocessor(columns)
    encoded = {
        name: parts.model.get_layer(f"{name}_encoder")(tensors[tensor])
        for name, tensor in zip(BRANCHES, ["image", "text_token_ids"], strict=True)
    }
    for name in BRANCHES:
        np.testing.assert_allclose(found[name], encoded[name]["pooled_output"], atol=1e-5)
    (fusion,) = [x for x in parts.model.layers if isinstance(x, fk.Gated)]
    np.testing.assert_allclose(found["fused"], fusion(encoded), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_any_number_of_rows(posts, model, rows):
    columns = {"image": tf.fill([rows], encode(pixels(), "PNG")), "text": tf.fill([rows], "red")}
    answer = model.signatures["serving_default"](**columns)
    assert {key: tensor.shape[0] for key, tensor in answer.items()} == dict.fromkeys(answer, rows)
    assert answer["probabilities"].shape == (rows, 3)
    assert {x.shape[0] for x in model.signatures["embed"](**columns).values()} == {rows}
    assert as_served(posts.serving)(columns)["label"].shape == (rows,)


def test_one_bad_picture_of_64_concerns_its_row_only(model):
    ask = model.signatures["serving_default"]
    good = [encode(pixels(row), "JPEG") for row in range(64)]
    texts = tf.constant([f"red {row}" for row in range(64)])
    before = ask(image=tf.constant(good), text=texts)
    bad = [*good[:40], good[40][:200], *good[41:]]
    after = ask(image=tf.constant(bad), text=texts)
    others = np.arange(64) != 40
    assert before["image_used"].numpy().all()
    assert after["image_used"].numpy().tolist() == others.tolist()
    assert after["text_used"].numpy().all()
    for key, tensor in before.items():
        if key != "image_used":
            np.testing.assert_array_equal(after[key].numpy()[others], tensor.numpy()[others])
    assert not np.allclose(after["probabilities"][40], before["probabilities"][40])


def hostile_pictures():
    """`{what: (bytes, whether it is read)}`."""
    png, jpeg = encode(pixels(), "PNG"), encode(pixels(), "JPEG")
    wide = np.random.default_rng(0).integers(0, 2**16, (20, 20), "uint16")
    moving = {"save_all": True, "append_images": [Image.fromarray(pixels(1))]}
    sides = png.index(b"IHDR") + 4
    return {
        "empty": (b"", False),
        "random": (np.random.default_rng(0).bytes(5000), False),
        "truncated": (jpeg[: len(jpeg) // 2], False),
        "cut in its header": (png[:20], False),
        "gigantic": (png[:sides] + (60_000).to_bytes(4, "big") * 2 + png[sides + 8 :], False),
        "animated WebP": (encode(pixels(), "WEBP", **moving), False),
        "16 bits": (encode(wide, "PNG"), True),
        "CMYK": (encode(pixels(), "JPEG", "CMYK"), True),
        "animated GIF": (encode(pixels(), "GIF", **moving), True),
    }


def hostile_texts():
    return {
        "empty": ("", False),
        "spaces": (" \n\t", False),
        "1 MB": ("red circle " * 100_000, True),
        "1 MB without a space": ("red" * 350_000, True),
        "no UTF-8": (b"\xff\xfe\x00red\x80", True),
        "NUL": (b"red\x00blue", True),
    }


def test_nothing_makes_the_graph_fail(model):
    ask = model.signatures["serving_default"]
    pictures, texts = hostile_pictures().values(), hostile_texts().values()
    rows = [(picture, text) for picture in pictures for text in texts]
    answer = ask(
        image=tf.constant([picture for (picture, _), _ in rows]),
        text=tf.constant([text for _, (text, _) in rows]),
    )
    assert answer["image_used"].numpy().tolist() == [read for (_, read), _ in rows]
    assert answer["text_used"].numpy().tolist() == [read for _, (_, read) in rows]
    np.testing.assert_allclose(tf.reduce_sum(answer["probabilities"], -1), 1, atol=1e-5)


# Names


def end_to_end(branches, fusion="concat"):
    model = fk.build_classifier(branches, fusion)
    return fk.end_to_end(model, fk.build_preprocessor(branches), ["no", "yes"])


@pytest.mark.slow
def test_a_branch_called_like_an_answer(tmp_path):
    branches = [
        fk.lstm_branch(["red"], 4, units=4, name=name) for name in ("label", "probabilities")
    ]
    version = fk.export(end_to_end(branches), tmp_path / "x", explain=False, verify=False)
    answer = fk.predict(fk.load(version), {"label": "red"})
    assert answer["label"] in ("no", "yes")
    assert answer["used"] == {"label": True, "probabilities": False}


def test_no_branch_is_called_like_the_fused_vector():
    with pytest.raises(ValueError, match="A branch cannot be called 'fused'"):
        fk.build_classifier([fk.lstm_branch(["red"], 4, name="fused")])


def test_where_branches_decide_by_themselves_nothing_is_fused():
    branches = [fk.lstm_branch(["red"], 4, units=4, name=name) for name in ("a", "b")]
    parts = as_served(end_to_end(branches, fk.Late(hidden_dim=4))).parts
    found = embedding(parts, in_full(whole(parts)))(
        {"a": tf.constant(["red"]), "b": tf.constant([""])}
    )
    assert {name: x.shape.as_list() for name, x in found.items()} == {"a": [1, 4], "b": [1, 4]}


def test_a_model_of_ones_own_does_not_tell_what_it_used(tmp_path):
    branch = fk.lstm_branch(["red"], 4)
    ids = keras.Input((4,), dtype="int32", name="text_token_ids")
    out = keras.layers.Dense(1, activation="sigmoid")(keras.ops.cast(ids, "float32"))
    serving = fk.end_to_end(keras.Model(ids, out), fk.build_preprocessor([branch]), ["no", "yes"])
    version = fk.export(serving, tmp_path / "x", explain=False, verify=False)
    assert set(tf.saved_model.load(str(version)).signatures) == {"serving_default", "about"}
    assert set(fk.predict(fk.load(version), {"text": "red"})) == {
        "label", "probability", "probabilities"
    }  # fmt: skip
