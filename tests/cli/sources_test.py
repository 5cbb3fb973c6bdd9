"""What TABLE may be besides a table: a folder of classes, of records, a TensorFlow dataset."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fusionkeras.cli import main
from fusionkeras.cli.arguments import parse
from fusionkeras.cli.reading import read_data
from fusionkeras.cli.sources import source_of
from fusionkeras.cli.tasks import read_tasks
from fusionkeras.cli.train import plain
from fusionkeras.data import read_folder, read_table, write_tfrecords

tfds = pytest.importorskip("tensorflow_datasets", reason="pip install tensorflow_datasets")
MODEL = ["--image-encoder", "small_cnn", "--image-size", "32,32", "--sequence-length", "4",
         "--weights", "none", "--epochs", "1", "--feature-cache", "none"]  # fmt: skip
KINDS = ("cat", "dog")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """14 pictures in train, 4 in test, of two classes, and a side table of texts."""
    folder, rows = tmp_path_factory.mktemp("photos"), []
    for number in range(18):
        name = f"{'train' if number < 14 else 'test'}/{KINDS[number % 2]}/{number}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 255 * (number % 2), 0)).save(folder / name)
        rows.append({"path": name, "caption": f"word{number % 2} {number}"})
    pd.DataFrame(rows).to_csv(folder.parent / "texts.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def said(photos):
    return [str(photos), "--texts", str(photos.parent / "texts.csv"), "--image", "path", "--text",
            "text=caption"]  # fmt: skip


@pytest.fixture(scope="module")
def records(photos, tmp_path_factory):
    columns = {"image": "path", "text": "caption"}
    data = read_folder(photos, photos.parent / "texts.csv", columns, progress=False)
    return str(write_tfrecords(data, tmp_path_factory.mktemp("records"), progress=False))


class PetPhotos(tfds.core.GeneratorBasedBuilder):
    """The pictures of the folder, in its splits."""

    VERSION = tfds.core.Version("1.0.0")
    folder = None

    def _info(self):
        features = {
            "photo": tfds.features.Image(shape=(8, 8, 3)),
            "title": tfds.features.Text(),
            "kind": tfds.features.ClassLabel(names=KINDS),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(name) for name in ("train", "test")}

    def _generate_examples(self, split):
        for path in sorted(self.folder.glob(f"{split}/*/*.png")):
            number = int(path.stem)
            title = f"word{number % 2} {number}"
            yield number, {"photo": path, "title": title, "kind": path.parent.name}


@pytest.fixture(scope="module")
def pets(photos, tmp_path_factory):
    PetPhotos.folder = photos
    builder = PetPhotos(data_dir=tmp_path_factory.mktemp("tfds"))
    builder.download_and_prepare()
    return [f"tfds:{builder.data_dir}", "--image", "photo", "--text", "title", "--label", "kind"]


@pytest.fixture(scope="module")
def run(said, tmp_path_factory):
    output = tmp_path_factory.mktemp("runs") / "run"
    assert main(["train", *said, *MODEL, "--output", str(output)]) == 0
    return output


def read(*arguments):
    options = parse(["train", *arguments, "--output", "x"])
    source_of(options).complete()
    return options, read_data(options, read_tasks(options))


def summary(data):
    return [len(part) for part in (data.train, data.validation, data.test)]


def test_a_run_on_a_folder_tells_what_it_read(run, photos):
    config = json.loads((run / "config.json").read_text())
    assert config["options"]["label"] == "class" and config["options"]["task"] == ["classification"]
    assert config["options"]["image"] == {"image": "path"}
    assert set(config["tables"]) == {str(photos), str(photos.parent / "texts.csv")}
    metrics = json.loads((run / "metrics.json").read_text())
    assert {name: one["rows"] for name, one in metrics.items()} == {"train": 14, "test": 4}


def test_the_hash_of_a_folder_is_that_of_names_and_sizes(photos):
    options = parse(["train", str(photos)])
    before = source_of(options).hashes()
    more = photos / "train" / "cat" / "100.png"
    more.write_bytes(b"a")
    one = source_of(options).hashes()
    more.write_bytes(b"ab")
    two = source_of(options).hashes()
    more.unlink()
    assert before != one != two and source_of(options).hashes() == before


def test_pictures_alone(photos):
    options, data = read(str(photos))
    assert options.image == {"image": "image"} and not options.text
    assert summary(data) == [14, 0, 4] and data.class_names == list(KINDS)


def test_folders_that_are_numbers_are_classes(tmp_path):
    for number in range(22):
        (tmp_path / str(number)).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / str(number) / "a.png")
    assert read(str(tmp_path), "--task", "auto")[1].train.task == "classification"


def test_records_tell_all_themselves(records, capsys):
    options, data = read(records)
    assert (options.image, options.text) == ({"image": "image"}, {"text": "text"})
    assert (options.label, options.task) == ("label", ["classification"])
    assert summary(data) == [14, 0, 4] and data.class_names == list(KINDS)
    assert list(source_of(options).hashes()) == [records]
    assert not capsys.readouterr().out  # nothing was to be inferred


def test_records_of_several_heads(tmp_path):
    frame = pd.DataFrame({"text": ["a", "b", "c"], "hue": ["x", "y", "x"], "size": ["1", "2", ""],
                          "tags": ["[]", '["p", "q"]', ""]})  # fmt: skip
    tasks = {"hue": "classification", "size": "regression", "tags": "multilabel"}
    data = read_table(frame, {"text": "text"}, tasks, split=(1, 0, 0), progress=False)
    write_tfrecords(data, tmp_path, progress=False)
    options, found = read(str(tmp_path))
    assert options.label == ["hue", "size", "tags"] and found.train.task == tasks
    labels = {"label": tasks, "class_names": data.class_names}
    source = source_of(parse(["evaluate", "x", str(tmp_path)]))
    table, _ = source.read_rows({"text": "text"}, files=(), progress=False, **labels)
    for head, own in data.train.labels.items():
        np.testing.assert_array_equal(table.labels[head], own)


def test_a_dataset(pets, capsys):
    options, data = read(*pets)
    assert "kind: classification, as 2 different labels in 14 rows" in capsys.readouterr().out
    assert summary(data) == [13, 1, 4] and data.train.columns["text"][0].startswith("word")
    assert list(source_of(options).hashes()) == [pets[0]]


@pytest.mark.slow
def test_one_model_measures_and_answers_all_of_them(run, said, records, pets, tmp_path, capsys):
    """18 rows in, 18 out, from each source; and the same metrics."""
    found, answers = [], []
    for table in (said, [records], pets):
        capsys.readouterr()
        asked = table[:-2] if "--label" in table else table
        assert main(["evaluate", str(run), *table, "--json", "-"]) == 0
        found.append(json.loads(capsys.readouterr().out)["metrics"]["log_loss"])
        assert main(["predict", str(run), *asked, "--output", str(tmp_path / "a.csv")]) == 0
        answers.append(pd.read_csv(tmp_path / "a.csv"))
    assert found == pytest.approx([found[0]] * 3, abs=1e-6)
    assert [len(frame) for frame in answers] == [18] * 3
    for frame in answers:
        assert set(frame["status"]) == {"ok"}
        ordered = np.sort(frame["probability_cat"])
        np.testing.assert_allclose(ordered, np.sort(answers[0]["probability_cat"]), atol=1e-6)


@pytest.mark.parametrize("which", ["folder", "records", "dataset"])
def test_one_split_is_asked(which, run, said, records, pets, capsys):
    table = {"folder": said, "records": [records], "dataset": pets}[which]
    label, text = {
        "folder": ("class", "caption"), "records": ("label", "text"), "dataset": ("kind", "title")
    }[which]  # fmt: skip
    capsys.readouterr()
    asked = ["evaluate", str(run), *table, "--split", "test", "--json", "-"]
    assert main([*asked, "--slice", label, "--slice", text]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["rows"] == 4
    recall = {kind: row["recall"] for kind, row in found["metrics"]["per_class"].items()}
    slices = found["slices"][label]["slices"]  # the rows of each class, in the same order
    assert {kind: one["accuracy"] for kind, one in slices.items()} == recall
    assert sorted(found["slices"][text]["slices"]) == [f"word{i % 2} {i}" for i in (14, 16, 15, 17)]
    assert main([*asked, "--slice", "owner"]) == 2
    assert "'owner'" in capsys.readouterr().err
    assert main(["evaluate", str(run), *table, "--split", "tset"]) == 2
    assert "split" in capsys.readouterr().err


@pytest.mark.parametrize("which", ["folder", "records", "dataset"])
def test_config_reads_the_same_again(which, said, records, pets, tmp_path):
    table = {"folder": said, "records": [records], "dataset": pets}[which]
    options, data = read(*table)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"options": plain(options)}))
    again, found = read("--config", str(path))
    assert plain(again) == plain(options) and summary(found) == summary(data)
    assert found.train.columns["text"].tolist() == data.train.columns["text"].tolist()


@pytest.mark.slow
def test_a_run_on_records_is_resumed(records, tmp_path):
    assert main(["train", records, *MODEL, "--output", str(tmp_path / "run")]) == 0
    assert main(["train", "--resume", str(tmp_path / "run"), "--epochs", "2"]) == 0
    assert pd.read_csv(tmp_path / "run" / "history.csv")["epoch"].tolist() == [0, 1]


@pytest.mark.slow
def test_audit_reads_them_too(said, records, pets, capsys):
    for table in (said, [records], pets):
        assert main(["audit", *table, "--json", "-"]) == 0
        assert "findings" in json.loads(capsys.readouterr().out)


WRONG = {
    "texts of a table": ("table", ["--texts", "x.csv"], "--texts means nothing for a table"),
    "label of a folder": ("folder", ["--label", "x"], "--label means nothing for a folder of cl"),
    "test of a folder": ("folder", ["--test", "x"], "--test means nothing for a folder of classes"),
    "text without texts": ("folder", ["--text", "x"], "Wrong columns of a folder"),
    "split of records": ("records", ["--split", "1,0,0"], "--split means nothing for a folder of"),
    "column of records": ("records", ["--text", "x"], "--text means nothing for a folder of reco"),
    "test of a dataset": ("dataset", ["--test", "x"], "--test means nothing for a dataset of"),
    "feature": ("dataset", ["--groups", "owner"], "The dataset has no feature 'owner'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_means_nothing_is_one_line(case, photos, records, pets, statements, tmp_path, capsys):
    kind, more, message = WRONG[case]
    columns = ["--text", "text", "--label", "label"]
    table = {"table": [str(statements), *columns], "folder": [str(photos)], "records": [records],
             "dataset": pets}[kind]  # fmt: skip
    assert main(["train", *table, *more, *MODEL, "--output", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "run").exists()


def test_what_means_nothing_in_asking(run, said, records, pets, statements, capsys):
    for table, more, message in (
        ([str(statements)], ["--split", "test"], "--split means nothing for a table"),
        (said, ["--label", "x"], "--label means nothing for a folder of classes"),
        ([records], ["--texts", "x"], "--texts means nothing for a folder of records"),
        (pets, ["--texts", "x"], "--texts means nothing for a dataset of"),
    ):
        assert main(["evaluate", str(run), *table, *more]) == 2
        assert message in capsys.readouterr().err
