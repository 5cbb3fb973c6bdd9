import gc
import logging
import shutil
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from fusionkeras.data import Source, learn_vocabulary, prepare, raw_batches, read_rows, read_table
from fusionkeras.data.feeding.weights import row_weights
from fusionkeras.preprocessing.base import Preprocessor
from fusionkeras.preprocessing.image import DecodeImage
from fusionkeras.preprocessing.joint import JointPreprocessor
from fusionkeras.preprocessing.text import WordIds


@pytest.fixture
def table(posts, read_posts):
    return read_posts(posts, split=(1, 0, 0)).train


class CountBytes(Preprocessor):
    """A stand-in for `DecodeImage`, which takes a second to be traced."""

    def transform(self, columns):
        sizes = tf.strings.length(columns["image"])
        return {"image": tf.cast(tf.where(sizes > 0, sizes, -1), tf.float32)[:, None]}

    def output_specs(self):
        return {"image": ((1,), "float32")}

    def present(self, tensors):
        return tensors["image"][:, 0] >= 0


def join(table, image):
    words = WordIds(learn_vocabulary(table, "text"), sequence_length=3)
    return JointPreprocessor({"image": image, "text": words})


@pytest.fixture
def preprocessor(table):
    return join(table, CountBytes(["image"]))


@pytest.fixture
def decoder(table):
    return join(table, DecodeImage((4, 4)))


def batches_of(dataset):
    return [
        ({name: value.numpy() for name, value in inputs.items()}, label.numpy(), weight.numpy())
        for inputs, label, weight in dataset
    ]


def assert_same(first, second):
    assert len(first) == len(second)
    for (inputs, labels, weights), (inputs2, labels2, weights2) in zip(first, second, strict=True):
        assert inputs.keys() == inputs2.keys()
        assert all(np.array_equal(inputs[name], inputs2[name]) for name in inputs)
        assert np.array_equal(labels, labels2) and np.array_equal(weights, weights2)


def test_batches_hold_the_rows_in_order(table, decoder):
    dataset = prepare(table, decoder, batch_size=16)
    batches = batches_of(dataset)
    assert [len(labels) for _, labels, _ in batches] == [16, 16, 8]
    assert int(dataset.cardinality()) == 3
    assert np.array_equal(np.concatenate([labels for _, labels, _ in batches]), table.labels)
    spec = dataset.element_spec
    assert spec[0]["image"].shape.as_list() == [None, 4, 4, 3]
    assert spec[0]["text_token_ids"].shape.as_list() == [None, 3]
    assert spec[1].dtype == tf.int32 and spec[2].dtype == tf.float32
    contents = [tf.io.read_file(path).numpy() for path in table.columns["image"]]
    expected = decoder({"image": tf.constant(contents),
                             "text": tf.constant(table.columns["text"].tolist())})  # fmt: skip
    for name in expected:
        found = np.concatenate([inputs[name] for inputs, _, _ in batches])
        assert np.array_equal(found, expected[name].numpy()), name
    assert all((weights == 1).all() for _, _, weights in batches)


def test_it_carries_its_source(table, preprocessor):
    source = prepare(table, preprocessor, 16, shuffle=True, seed=5).source
    assert isinstance(source, Source) and source.table is table
    assert source.preprocessor is preprocessor
    assert (source.batch_size, source.seed, source.shuffle) == (16, 5, True)


def test_shuffling_is_seeded_and_new_each_epoch(table):
    preprocessor = WordIds(learn_vocabulary(table, "text"), sequence_length=3)
    first, same = (prepare(table, preprocessor, 16, shuffle=True, seed=1) for _ in range(2))
    other = prepare(table, preprocessor, 16, shuffle=True, seed=2)
    epochs = [batches_of(first), batches_of(first)]
    assert_same(epochs[0] + epochs[1], batches_of(same) + batches_of(same))
    orders = [np.concatenate([inputs["text_token_ids"][:, 0] for inputs, _, _ in batches])
              for batches in (*epochs, batches_of(other))]  # fmt: skip
    assert len({tuple(order) for order in orders}) == 3
    assert len({tuple(sorted(order)) for order in orders}) == 1


@pytest.mark.parametrize("cache", [False, True])
def test_without_the_remainder_all_shapes_are_static(table, preprocessor, cache):
    dataset = prepare(table, preprocessor, 16, True, 1, cache=cache, drop_remainder=True)
    assert dataset.source.drop_remainder and dataset.source.count_batches() == 2
    assert int(dataset.cardinality()) == 2
    specs = tf.nest.flatten(dataset.element_spec)
    assert all(spec.shape.is_fully_defined() and spec.shape[0] == 16 for spec in specs)
    epochs = [batches_of(dataset) for _ in range(2)]
    assert [len(labels) for batches in epochs for _, labels, _ in batches] == [16] * 4
    for epoch, batches in enumerate(epochs):
        expected = table.labels[dataset.source.order.places(epoch)[:32]]
        assert np.array_equal(np.concatenate([labels for _, labels, _ in batches]), expected)
    left = [set(dataset.source.order.places(epoch)[32:]) for epoch in range(2)]
    assert left[0] != left[1]  # other rows every time


def test_wrong_drop_remainder(table, preprocessor):
    with pytest.raises(ValueError, match="has 40 rows, which make no whole.*at most 40.*size=41"):
        prepare(table, preprocessor, 41, drop_remainder=True)
    with pytest.raises(TypeError, match="Wrong type of drop_remainder. Expected True or False.*=1"):
        prepare(table, preprocessor, drop_remainder=1)


@pytest.mark.parametrize("where, shuffle", [("memory", False), ("folder", True)])
def test_the_cache_changes_nothing(table, preprocessor, tmp_path, where, shuffle):
    cache = True if where == "memory" else str(tmp_path / "rows")
    plain = prepare(table, preprocessor, 16, shuffle, 7, "balanced")
    cached = prepare(table, preprocessor, 16, shuffle, 7, "balanced", cache)
    first = batches_of(plain), batches_of(cached)
    for path in table.columns["image"][:20]:
        shutil.copy(path, path + ".kept")
        open(path, "w").close()  # the second epoch must come from the cache
    second = batches_of(cached)
    for path in table.columns["image"][:20]:
        shutil.move(path + ".kept", path)
    assert_same(first[0] + batches_of(plain), first[1] + second)
    assert plain.element_spec == cached.element_spec and table.failures == []


def test_an_epoch_that_stops_halfway_fills_half_of_the_cache(table, preprocessor):
    cached = prepare(table, preprocessor, 16, cache=True)
    next(iter(cached))
    assert_same(batches_of(cached), batches_of(prepare(table, preprocessor, 16)))


def test_nothing_outlives_the_dataset(table):
    words = WordIds(["red"], sequence_length=3)
    dataset = prepare(table.take(np.arange(20)), words, 16, cache=True)
    batches_of(dataset)
    rows = [weakref.ref(dataset.cached_rows), weakref.ref(dataset.source.table)]
    derived = dataset.map(lambda inputs, label, weight: label)
    del dataset
    gc.collect()
    assert all(reference() is not None for reference in rows) and len(list(derived)) == 2
    del derived
    gc.collect()
    assert all(reference() is None for reference in rows)


def test_files_of_the_cache_go_with_the_dataset(table, tmp_path):
    words = WordIds(["red"], sequence_length=3)
    cached = prepare(table, words, 16, cache=tmp_path / "rows")
    batches_of(cached)
    assert len(list((tmp_path / "rows").iterdir())) == 1
    del cached
    gc.collect()
    assert list((tmp_path / "rows").iterdir()) == []


def test_balanced_weights_are_those_of_scikit_learn(table, preprocessor):
    from sklearn.utils.class_weight import compute_sample_weight

    weights = row_weights(table.labels, table.class_names, "balanced")
    np.testing.assert_allclose(weights, compute_sample_weight("balanced", table.labels), rtol=1e-6)
    assert weights.sum() == pytest.approx(len(table))
    found = batches_of(prepare(table, preprocessor, 40, class_weight={"cold": 2.5}))[0][2]
    assert np.array_equal(found, np.where(table.labels == 0, 2.5, 1))
    assert row_weights([0, -1, 0], ["a", "b"], "balanced").tolist() == [1, 0, 1]


WRONG_WEIGHTS = [
    ({"col": 1}, ValueError, "Unknown class 'col'. Expected classes among .*Did you mean 'cold'"),
    ({"cold": -1}, ValueError, "Wrong weight of class 'cold'"),
    ({"cold": "2"}, ValueError, "Wrong weight of class 'cold'"),
    ({"cold": float("nan")}, ValueError, "Wrong weight of class 'cold'"),
    ("balance", ValueError, "Wrong class weights. Expected None, 'balanced' or a dict"),
    ([1, 2], TypeError, "Wrong class weights"),
]


@pytest.mark.parametrize("weights, kind, message", WRONG_WEIGHTS)
def test_wrong_class_weights(table, preprocessor, weights, kind, message):
    with pytest.raises(kind, match=message):
        prepare(table, preprocessor, class_weight=weights)


@pytest.mark.slow
def test_a_file_that_vanishes_costs_its_row_alone(table, decoder, tmp_path, caplog):
    dataset = prepare(table, decoder, batch_size=16)
    whole = batches_of(dataset)
    (tmp_path / "3.png").unlink()
    (tmp_path / "20.png").write_bytes((tmp_path / "21.png").read_bytes()[:60])
    (tmp_path / "21.png").write_text("no picture at all")
    with caplog.at_level(logging.WARNING, "fusionkeras"):
        broken = [batches_of(dataset) for _ in range(2)]
    for epoch in broken:
        weights = np.concatenate([weights for _, _, weights in epoch])
        assert np.flatnonzero(weights == 0).tolist() == [3, 20, 21]
        for (inputs, labels, _), (inputs2, labels2, _), start in zip(
            whole, epoch, (0, 16, 32), strict=True
        ):
            rows = [row for row in range(len(labels)) if row + start not in (3, 20, 21)]
            assert np.array_equal(inputs["image"][rows], inputs2["image"][rows])
            assert np.array_equal(inputs["text_token_ids"], inputs2["text_token_ids"])
            assert np.array_equal(labels, labels2)
    found = sorted((failure["row"], failure["column"], failure["reason"])
                   for failure in table.failures)  # fmt: skip
    assert found == [(3, "image", "missing_file"), (20, "image", "unreadable"),
                     (21, "image", "unsupported_format")]  # fmt: skip
    assert set(table.failures[0]) == {"table", "row", "column", "value", "reason", "detail"}
    assert len(caplog.messages) == 1
    assert "It counts for nothing; all such rows are in the table's `failures`" in caplog.text


def test_a_text_without_a_word_is_a_failure_unless_absence_is_allowed(posts, read_posts):
    posts.loc[6, "caption"] = "?!"
    words = WordIds(["red"], sequence_length=3)
    joint = JointPreprocessor({"image": CountBytes(["image"]), "text": words})
    strict = read_posts(posts, split=(1, 0, 0)).train
    ((_, _, weights),) = batches_of(prepare(strict, joint, 40))
    assert np.flatnonzero(weights == 0).tolist() == [6]
    assert strict.failures[0]["reason"] == "empty" and strict.failures[0]["value"] == "?!"
    allowed = read_posts(posts, split=(1, 0, 0), missing="allow").train
    ((_, _, weights),) = batches_of(prepare(allowed, joint, 40))
    assert (weights == 1).all() and allowed.failures == []
    ((_, _, weights),) = batches_of(prepare(allowed, words, 40))  # now nothing of it is left
    assert np.flatnonzero(weights == 0).tolist() == [6]


def test_absent_modalities_are_marked_in_band(posts, read_posts, tmp_path):
    posts.loc[1, "photo"] = ""
    posts.loc[2, "caption"] = ""
    table = read_posts(posts, split=(1, 0, 0), missing="allow").train
    words = WordIds(["red"], sequence_length=3)
    dataset = prepare(table, JointPreprocessor({"i": CountBytes(["image"]), "t": words}), 40)
    ((inputs, _, weights),) = batches_of(dataset)
    assert (inputs["image"][1] == -1).all() and (inputs["text_token_ids"][2] == 0).all()
    assert (weights == 1).all() and table.failures == []
    (tmp_path / "5.png").unlink()
    ((_, _, weights),) = batches_of(dataset)
    assert np.flatnonzero(weights == 0).tolist() == [5]
    assert [failure["row"] for failure in table.failures] == [5]


def test_rows_without_a_label_weigh_nothing(posts, tmp_path, preprocessor):
    posts.loc[1, "category"] = "?"
    posts.loc[2, ["photo", "caption"]] = ""
    columns = {"image": "photo", "text": "caption"}
    table, _ = read_rows(posts, columns, files_root=tmp_path, label="category",
                         class_names=["cold", "warm"], check="header")  # fmt: skip
    ((_, labels, weights),) = batches_of(prepare(table, preprocessor, 40))
    assert labels[1] == -1 and np.flatnonzero(weights == 0).tolist() == [1, 2]
    assert table.failures == []


def test_a_preprocessor_of_one_modality_will_do(table):
    ((inputs, _, _),) = batches_of(prepare(table, DecodeImage((2, 2)), 40))
    assert inputs["image"].shape == (40, 2, 2, 3)


def test_a_model_is_fitted_although_a_file_is_gone(table, preprocessor, tmp_path):
    (tmp_path / "3.png").unlink()
    image = keras.Input((1,), name="image")
    text = keras.Input((3,), name="text_token_ids")
    joined = keras.layers.Concatenate()([image, text])
    model = keras.Model([image, text], keras.layers.Dense(1, "sigmoid")(joined))
    model.compile("sgd", "binary_crossentropy")
    history = model.fit(prepare(table, preprocessor, shuffle=True), epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all() and len(table.failures) == 1


def test_raw_batches_are_what_a_server_is_asked(table, tmp_path):
    (tmp_path / "3.png").unlink()
    batches = list(raw_batches(table, 32))
    assert [len(batch["text"]) for batch in batches] == [32, 8]
    assert batches[0]["image"][3].numpy() == b""
    assert batches[0]["image"][4].numpy() == (tmp_path / "4.png").read_bytes()
    assert batches[1]["text"][7].numpy().decode() == table.columns["text"][39]


def test_half_a_surrogate_pair_is_a_text_like_others(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"t": "a \\ud800 b", "l": "x"}\n{"t": "c", "l": "y"}')
    table = read_table(path, {"text": "t"}, "l", files=(), split=(1, 0, 0)).train
    assert table.columns["text"][0] == "a \ufffd b"
    assert learn_vocabulary(table, "text") == ["a", "b", "c"]
    ((inputs, _, _),) = batches_of(prepare(table, WordIds(["a", "b"], sequence_length=2)))
    assert inputs["text_token_ids"].tolist() == [[2, 3], [1, 0]]


WRONG = [
    ({"batch_size": 0}, ValueError, "The batch size is too small"),
    ({"shuffle": 1}, TypeError, "Wrong type of shuffle. Expected True or False"),
    ({"seed": -1}, ValueError, "The seed is too small"),
    ({"cache": 3}, TypeError, "Wrong type of cache"),
    ({"preprocessor": len}, TypeError, "Wrong type of preprocessor.*build_preprocessor"),
    ({"table": [1]}, TypeError, "Wrong type of table. Expected a Table, such as data.train"),
]


@pytest.mark.parametrize("arguments, kind, message", WRONG)
def test_wrong_arguments(table, preprocessor, arguments, kind, message):
    with pytest.raises(kind, match=message):
        prepare(**({"table": table, "preprocessor": preprocessor} | arguments))


def test_what_is_not_there_says_so(table):
    with pytest.raises(ValueError, match="The split has no rows"):
        prepare(table.take([]), DecodeImage((2, 2)))
    with pytest.raises(ValueError, match="The table has no column 'photo'. Expected one of"):
        prepare(table, DecodeImage((2, 2), column="photo"))


def test_vocabulary_is_sorted_and_limited(table):
    words = learn_vocabulary(table, "text")
    assert words[:2] == ["red", "blue"]
    assert words[2:] == sorted(words[2:]) and len(words) == 42
    assert learn_vocabulary(table, "text", size=4) == ["red", "blue"]
    assert "word7" not in learn_vocabulary(table.take([1, 2]), "text")


def test_vocabulary_errors(table):
    with pytest.raises(ValueError, match="The column holds files. Expected a column of texts"):
        learn_vocabulary(table, "image")
    with pytest.raises(ValueError, match="The table has no column 'tex'"):
        learn_vocabulary(table, "tex")
    with pytest.raises(ValueError, match="The size of the vocabulary is too small"):
        learn_vocabulary(table, "text", size=2)
    with pytest.raises(ValueError, match="The column has no word"):
        learn_vocabulary(table.take([]), "text")
    with pytest.raises(TypeError, match="Wrong type of table"):
        learn_vocabulary(["a"], "text")
