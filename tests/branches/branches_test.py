import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

import fusionkeras as fk
from fusionkeras.branches import BRANCHES
from fusionkeras.branches.image import IMAGE_ENCODERS
from fusionkeras.testing import check_branch

WORDS = ["red", "circle", "blue", "the"]
# How each entry of BRANCHES is made for these tests: one line a new branch.
MADE = {
    "image": lambda preset: [
        fk.image_branch(name, weights=None, image_size=(32, 32)) for name in IMAGE_ENCODERS
    ],
    "lstm": lambda preset: [
        fk.lstm_branch(WORDS, 6, units=8, cell=cell, bidirectional=both)
        for cell in ("lstm", "gru")
        for both in (False, True)
    ],
    "bert": lambda preset: [
        fk.bert_branch(preset, 12, pooling=pooling) for pooling in ("mean", "first")
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BRANCHES)
def test_conforms(name, preset, rows):
    for branch in MADE[name](preset):
        columns = {column: list(rows[column].numpy()) for column in branch.columns}
        check_branch(branch, columns)


def test_every_public_branch_is_in_the_table():
    public = {
        value
        for name, value in vars(fk).items()
        if name.endswith("_branch") and inspect.isfunction(value)
    }
    assert public == set(BRANCHES.values())


def test_names_and_columns():
    branch = fk.image_branch("small_cnn", image_size=(32, 32), name="front", column="photo1")
    assert branch.columns == ("photo1",)
    assert [tensor.name for tensor in branch.inputs] == ["front"]
    assert fk.lstm_branch(WORDS, name="title").inputs[0].name == "title_token_ids"


# Pictures


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dim", "application"),
    [
        ("resnet50", 2048, keras.applications.ResNet50),
        ("vgg16", 512, keras.applications.VGG16),
        ("mobilenet_v2", 1280, keras.applications.MobileNetV2),
        ("efficientnet_b0", 1280, keras.applications.EfficientNetB0),
    ],
)
def test_backbones_are_frozen_and_normalise_as_keras_does(name, dim, application, tmp_path):
    backbone = application(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
    _shake(backbone)
    path = str(tmp_path / "x.weights.h5")
    backbone.save_weights(path)
    branch = fk.image_branch(name, weights=path, image_size=(32, 32))
    assert branch.encoder.trainable_variables == []
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    module = {"resnet50": "resnet50", "vgg16": "vgg16", "mobilenet_v2": "mobilenet_v2",
              "efficientnet_b0": "efficientnet"}[name]  # fmt: skip
    if name == "efficientnet_b0":
        expected = backbone(_second_rescaling(pixels), training=False)
    else:
        normalise = getattr(keras.applications, module).preprocess_input
        expected = backbone(normalise(pixels.copy()), training=False)
    features = branch.encoder(pixels)
    assert features["pooled_output"].shape == (2, dim)
    np.testing.assert_allclose(features["pooled_output"], expected, rtol=1e-3, atol=1e-4)
    mean = features["sequence_output"].numpy().mean(axis=1)
    np.testing.assert_allclose(features["pooled_output"], mean, rtol=1e-3, atol=1e-4)


def _shake(backbone):
    """Random statistics, so that BatchNorm in training mode would give something else."""
    random = np.random.default_rng(1)
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.moving_mean.assign(random.normal(size=shape) * 0.1)
            layer.moving_variance.assign(random.uniform(0.5, 2, shape))


def _second_rescaling(pixels):
    """What EfficientNetB0(weights="imagenet") does behind its normalisation, put in front."""
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return (255 * ((pixels / 255 - mean) / np.sqrt(std) + mean)).astype("float32")


def test_a_frozen_backbone_is_the_same_in_training():
    branch = fk.image_branch("efficientnet_b0", weights=None, image_size=(32, 32))
    pixels = tf.random.uniform((2, 32, 32, 3), 0, 255)
    asked, trained = (branch.encoder(pixels, training=mode) for mode in (False, True))
    np.testing.assert_array_equal(asked["pooled_output"], trained["pooled_output"])


def test_imagenet_weights_without_network_say_so(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise Exception("URL fetch failure")

    monkeypatch.setattr("keras.src.applications.vgg16.file_utils.get_file", refuse)
    with pytest.raises(ValueError, match=r"ImageNet weights of VGG16 could not be fetched.*"
                                         r"weights='imagenet'.*weights=None"):  # fmt: skip
        fk.image_branch("vgg16")


def test_wrong_weights_are_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"There is no file with these weights.*'nowhere.h5'"):
        fk.image_branch("vgg16", weights="nowhere.h5")
    path = str(tmp_path / "x.weights.h5")
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(path)
    with pytest.raises(ValueError, match="The weights do not fit vgg16"):
        fk.image_branch("vgg16", weights=path, image_size=(32, 32))


def test_unknown_encoder_is_an_error():
    with pytest.raises(ValueError, match=r"Unknown image encoder\. Expected one of \['resnet50'.*"
                       r"Received: encoder='resnet'\. Did you mean 'resnet50'\?"):  # fmt: skip
        fk.image_branch("resnet")


def test_too_small_pictures_are_an_error():
    with pytest.raises(ValueError, match=r"VGG16 cannot be built.*image_size=\(16, 16\)"):
        fk.image_branch("vgg16", weights=None, image_size=(16, 16))


def test_small_cnn_takes_no_weights():
    with pytest.raises(ValueError, match="small_cnn is learnt from scratch"):
        fk.image_branch("small_cnn", weights="x.weights.h5")


# Texts by LSTM


def test_padding_changes_nothing():
    short = fk.lstm_branch(WORDS, 3, units=8)
    long = fk.lstm_branch(WORDS, 9, units=8)
    long.encoder.set_weights(short.encoder.get_weights())
    ids = np.array([[2, 3, 4], [2, 0, 0]])
    padded = np.pad(ids, ((0, 0), (0, 6)))
    np.testing.assert_allclose(
        short.encoder(ids)["pooled_output"], long.encoder(padded)["pooled_output"], atol=1e-6
    )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_pooled_is_the_state_after_the_last_word(cell, bidirectional):
    branch = fk.lstm_branch(WORDS, 5, units=4, cell=cell, bidirectional=bidirectional)
    features = branch.encoder(np.array([[2, 3, 0, 0, 0]]))
    sequence = features["sequence_output"].numpy()[0]
    expected = np.concatenate([sequence[1, :4], sequence[0, 4:]])
    np.testing.assert_allclose(features["pooled_output"][0], expected, atol=1e-6)


VECTORS = {
    "glove": "red 1 2 3\nthe 4 5 6\nunused 7 8 9\n",
    "word2vec": "3 3\nred 1 2 3\nthe 4 5 6\nunused 7 8 9\n",
    "fasttext": "3 3 \nred 1 2 3 \nthe 4 5 6 \nunused 7 8 9 \n",
}


@pytest.mark.parametrize("form", VECTORS)
def test_word_vectors_fill_the_words_they_hold(form, tmp_path, capsys):
    path = tmp_path / "vectors.txt"
    path.write_text(VECTORS[form])
    branch = fk.lstm_branch(WORDS, 5, word_vectors=str(path))
    assert "2 of 4 words (50.0%)" in capsys.readouterr().out
    table = branch.encoder.get_layer("embedding").get_weights()[0]
    assert table.shape == (6, 3)
    np.testing.assert_array_equal(table[[2, 5]], [[1, 2, 3], [4, 5, 6]])
    assert np.abs(table[[0, 1, 3, 4]]).max() < 0.1


def test_real_glove(shared, capsys):
    path = shared / "weights" / "glove.6B.50d.small.txt"
    branch = fk.lstm_branch(["the", "watch", "qqqqzz"], 4, word_vectors=str(path))
    assert "2 of 3 words (66.7%)" in capsys.readouterr().out
    assert branch.encoder.get_layer("embedding").output.shape[-1] == 50


def test_word_vectors_of_another_width_are_an_error(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text(VECTORS["glove"])
    with pytest.raises(
        ValueError,
        match="the width 3. Expected embedding_dim=3. Received: embedding_dim=1",
    ):
        fk.lstm_branch(WORDS, embedding_dim=1, word_vectors=str(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("red 1 2 3\nthe 4 5\n", "Line 2 of .* is not a word vector"),
        ("red 1 2 3\nthe 4 x 6\n", "Line 2 of .* is not a word vector"),
        ("red 1 2 3\nthe 4 nan 6\n", "Line 2 of .* is not a word vector"),
        ("red\t1\t2\t3\n", "Line 1 of .* Expected a word and numbers, separated by spaces"),
        ("", "There are no word vectors"),
    ],
)
def test_a_damaged_vector_file_is_an_error(content, message, tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        fk.lstm_branch(WORDS, word_vectors=str(path))


@pytest.mark.parametrize("given", [{}, {"vocabulary": WORDS, "vocabulary_size": 6}])
def test_words_or_their_number(given):
    with pytest.raises(ValueError, match="either vocabulary .* or vocabulary_size"):
        fk.lstm_branch(**given)


def test_a_number_is_no_vocabulary():
    with pytest.raises(TypeError, match="Did you mean vocabulary_size=500"):
        fk.lstm_branch(500)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sequence_length": 0}, "sequence_length=0"),
        ({"embedding_dim": 0}, "embedding_dim=0"),
        ({"vocabulary": ["", "a"]}, "Wrong vocabulary"),
        ({"vocabulary": {"a", "b"}}, "Wrong vocabulary"),
    ],
)
def test_wrong_numbers_and_words(given, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fk.lstm_branch(**{"vocabulary": WORDS, **given})


def test_unknown_cell():
    with pytest.raises(ValueError, match="Unknown cell.*cell='rnn'"):
        fk.lstm_branch(WORDS, cell="rnn")


# Texts by BERT


def test_bert_is_frozen_and_without_dropout(preset):
    branch = fk.bert_branch(preset, 8)
    ids = branch.preprocessor({"text": tf.constant(["a red circle", "blue"])})["text_token_ids"]
    asked, trained = (branch.encoder(ids, training=mode) for mode in (False, True))
    np.testing.assert_array_equal(asked["pooled_output"], trained["pooled_output"])
    assert branch.encoder.trainable_variables == []


def test_mean_is_over_real_tokens(preset):
    branch = fk.bert_branch(preset, 10)
    ids = branch.preprocessor({"text": tf.constant(["red circle"])})["text_token_ids"]
    features = branch.encoder(ids)
    assert features["padding_mask"].numpy().sum() == 4
    expected = features["sequence_output"].numpy()[0, :4].mean(axis=0)
    np.testing.assert_allclose(features["pooled_output"][0], expected, atol=1e-6)


def test_real_bert_gives_the_sentence_embeddings_it_is_known_for(minilm):
    branch = fk.bert_branch(minilm, 32)
    texts = ["A man is playing a guitar.", "Somebody plays the guitar.", "Stocks fell sharply."]
    ids = branch.preprocessor({"text": tf.constant(texts)})["text_token_ids"]
    vectors = branch.encoder(ids)["pooled_output"].numpy()
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    alike = vectors @ vectors.T
    assert alike[0, 1] > 0.8 and alike[0, 2] < 0.2


def test_a_preset_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"The preset could not be read.*preset='.*nothing'"):
        fk.bert_branch(str(tmp_path / "nothing"))


def test_too_long_for_the_preset(preset):
    with pytest.raises(ValueError, match="reads at most 128 tokens.*sequence_length=129"):
        fk.bert_branch(preset, 129)


def test_unknown_pooling(preset):
    with pytest.raises(ValueError, match=r"Unknown pooling.*\['mean', 'first'\]"):
        fk.bert_branch(preset, pooling="max")


# Branches of one's own


def test_an_encoder_must_give_what_fusions_read():
    numbers = keras.Input((3,))
    with pytest.raises(ValueError, match=r"lacks the outputs \['present'\]"):
        fk.Branch("n", keras.Model(numbers, {"pooled_output": numbers}, name="n_encoder"))
    with pytest.raises(ValueError, match="wrong name.*'n_encoder'"):
        fk.Branch("n", keras.Model(numbers, {"pooled_output": numbers}, name="other"))
    for name in ("größe", "_n", "1st", "a b", ""):
        with pytest.raises(ValueError, match=f"letters from a to z.*Received: name='{name}'"):
            fk.Branch(name, None)
