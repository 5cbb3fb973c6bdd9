"""Datasets of TensorFlow Datasets, built here from drawn pictures."""

import io
import sys

import numpy as np
import pytest

from fusionkeras.data import prepare, raw_batches, read_tfds
from fusionkeras.preprocessing.image import DecodeImage

from ..conftest import draw

tfds = pytest.importorskip("tensorflow_datasets", reason="pip install tensorflow_datasets")
NAMES = ("cat", "dog")
COLUMNS = {"image": "photo", "text": "about/title"}


def png(seed):
    file = io.BytesIO()
    draw(seed, size=(8, 8)).save(file, "PNG")
    return file.getvalue()


def example(number):
    return {
        "photo": io.BytesIO(png(number)),
        "about": {"title": f"title {number}", "price": number / 10},
        "kind": NAMES[number % 2] if number else -1,
        "tags": [name for place, name in enumerate(NAMES) if number >> place & 1],
        "raw": png(number),
    }


class Pets(tfds.core.GeneratorBasedBuilder):
    """Ten examples for training and five for each of two other splits."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        about = {"title": tfds.features.Text(), "price": tfds.features.Scalar(np.float32)}
        kinds = tfds.features.ClassLabel(names=NAMES)
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "photo": tfds.features.Image(shape=(8, 8, 3)),
                    "about": about,
                    "kind": kinds,
                    "tags": tfds.features.Sequence(kinds),
                    "raw": tfds.features.Tensor(shape=(), dtype=np.object_),
                }
            ),
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(range(10)),
                "valid": self._generate_examples(range(10, 15)),
                "extra": self._generate_examples(range(15, 20))}  # fmt: skip

    def _generate_examples(self, numbers):
        yield from ((number, example(number)) for number in numbers)


class Unreachable(tfds.core.GeneratorBasedBuilder):
    """A dataset whose data are on a server that does not answer."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(builder=self)

    def _split_generators(self, dl_manager):
        raise ConnectionError("Failed to resolve 'data.example'")

    def _generate_examples(self):
        yield from ()


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    builder = Pets(data_dir=tmp_path_factory.mktemp("tfds"))
    builder.download_and_prepare()
    return builder


def read(source, label="kind", **arguments):
    return read_tfds(source, **{"columns": COLUMNS, "label": label, "progress": False, **arguments})


def titles(table):
    return sorted(int(title.split()[1]) for title in table.columns["text"])


@pytest.mark.slow
def test_a_dataset_is_read_with_its_splits(pets, caplog):
    data = read(pets, split=(0.7, 0, 0.3), check="header")
    assert "The splits ['extra'] of the dataset are not read" in caplog.text
    assert data.class_names == ["cat", "dog"]
    assert data.summary().startswith("15 rows: 6 train, 5 validation, 3 test; 1 in quarantine")
    assert titles(data.validation) == list(range(10, 15))
    assert data.quarantine["reason"].tolist() == ["missing_label"]
    for table in (data.train, data.validation, data.test):
        (batch,) = raw_batches(table, 20)
        for text, picture, label in zip(batch["text"], batch["image"], table.labels, strict=True):
            number = int(text.numpy().split()[1])
            assert picture.numpy() == png(number) and label == number % 2
    ((inputs, _, weights),) = prepare(data.validation, DecodeImage((8, 8)), batch_size=5)
    number = int(data.validation.columns["text"][0].split()[1])
    assert np.array_equal(inputs["image"][0].numpy(), np.asarray(draw(number, size=(8, 8)), "f"))
    assert weights.numpy().all()


@pytest.mark.slow
def test_a_prepared_folder_and_splits_by_expressions(pets):
    splits = {"train": "train[:50%]+extra", "test": "train[50%:]"}
    for source in (pets.data_path, str(pets.data_path)):
        data = read(source, columns={"image": "raw", "text": "about/title"}, splits=splits)
        assert len(data.train) + len(data.validation) + len(data.quarantine) == 10
        assert len(data.test) + len(data.quarantine[data.quarantine["table"] == "test"]) == 5
    (batch,) = raw_batches(data.test, 20)
    numbers = [int(text.split()[1]) for text in batch["text"].numpy()]
    assert batch["image"].numpy().tolist() == [png(number) for number in numbers]


@pytest.mark.slow
def test_other_tasks_and_heads(pets):
    data = read(pets, "tags", task="multilabel")
    for title, labels in zip(data.train.columns["text"], data.train.labels, strict=True):
        number = int(title.split()[1])
        assert labels.tolist() == [number & 1, number >> 1 & 1]
    data = read(pets, "about/price", task="regression")
    for title, price in zip(data.train.columns["text"], data.train.labels, strict=True):
        assert price == np.float32(int(title.split()[1]) / 10)
    data = read(pets, {"kind": "classification", "tags": "multilabel"})
    assert set(data.train.labels) == {"kind", "tags"} and len(data.absent) == 1


def test_what_cannot_be_read_says_why(pets, tmp_path):
    errors = {
        "There is no such dataset.*Did you mean 'mnist'": {"source": "mnistt"},
        "There is no such dataset.*Import the module of a builder": {"source": "zqzqzqzq"},
        "There is no dataset in this folder": {"source": tmp_path},
        r"cannot be built \(ConnectionError: Failed to resolve 'data.ex.*Without network, pass the "
        "folder": {"source": Unreachable(data_dir=tmp_path)},
        r"The dataset has no feature 'kinds'.*\['photo', .*Did you mean 'kind'": {"label": "kinds"},
        "The dataset has no feature 'about/name'": {"columns": {"text": "about/name"}},
        "The dataset has no feature 'kind/x'": {"columns": {"text": "kind/x"}},
        "The dataset has no such split": {"splits": {"train": "trains"}},
        r"splits of the dataset are not told.*of which train.*\['train', 'valid', 'extra'\]": {
            "splits": {"test": "train"}
        },
        "holds no single value": {"columns": {"text": "tags"}},
    }  # fmt: skip
    for message, arguments in errors.items():
        with pytest.raises(ValueError, match=message):
            read(**{"source": pets, **arguments})


def test_without_the_package_the_line_that_installs_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(ImportError, match="Reading TensorFlow Datasets needs the package tensorf"):
        read("mnist")
