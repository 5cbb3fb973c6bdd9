"""The builder of easy-VQA, by the test case of TensorFlow Datasets and on real rows."""

import csv
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fusionkeras as fk

tfds = pytest.importorskip("tensorflow_datasets", reason="pip install tensorflow_datasets")
from fusionkeras.datasets.easy_vqa import EasyVqa  # noqa: E402
from fusionkeras.datasets.easy_vqa.easy_vqa import ANSWERS  # noqa: E402

QUESTIONS = {
    "train": [["what is the red shape?", "circle", 0], ["is there a circle?", "yes", 0],
              ["what color is the shape?", "teal", 1]],
    "test": [["is there a triangle?", "no", 0]],
}  # fmt: skip
COMMIT = "easy-VQA-dbcbe702600b968f4509cb3ea59aba793e967844"


def draw_shapes(folder):
    """Writes small pictures and their questions as the repository lays them out."""
    for seed, (split, questions) in enumerate(QUESTIONS.items()):
        (folder / split / "images").mkdir(parents=True)
        (folder / split / "questions.json").write_text(json.dumps(questions))
        for number in {number for _, _, number in questions}:
            pixels = np.random.default_rng([seed, number]).integers(0, 255, (64, 64, 3), "uint8")
            Image.fromarray(pixels).save(folder / split / "images" / f"{number}.png")
    return folder


class EasyVqaTest(tfds.testing.DatasetBuilderTestCase):
    """What every builder of TensorFlow Datasets has to pass."""

    DATASET_CLASS = EasyVqa
    SPLITS = {"train": 3, "test": 1}
    SKIP_CHECKSUMS = True  # GitHub packs an archive anew, and its bytes may change

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        cls.EXAMPLE_DIR = str(cls.folder)
        draw_shapes(cls.folder / COMMIT / "easy_vqa" / "data")
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        shutil.rmtree(cls.folder)


@pytest.mark.slow
def test_a_builder_of_a_local_folder_is_read_with_its_splits(tmp_path):
    folder = draw_shapes(tmp_path / "data")
    builder = EasyVqa(source=str(folder), data_dir=tmp_path / "prepared")
    data = fk.read_tfds(builder, {"image": "image", "text": "question"}, "answer",
                        split=(1, 0, 0), progress=False)  # fmt: skip
    assert data.class_names == ["circle", "teal", "yes"]
    assert data.train.columns["text"].tolist() == [one for one, _, _ in QUESTIONS["train"]]
    (batch,) = fk.raw_batches(data.train, 3)
    pictures = [(folder / f"train/images/{one}.png").read_bytes() for one in (0, 0, 1)]
    assert batch["image"].numpy().tolist() == pictures
    assert data.quarantine["reason"].tolist() == ["unknown_label"]  # "no" is in no row of train
    again = fk.read_tfds(builder.data_path, {"text": "question"}, "answer", progress=False)
    assert again.summary() == "4 rows: 3 train; 1 in quarantine (1 unknown_label)"


@pytest.mark.slow
def test_real_rows(shared, tmp_path):
    table = shared / "data" / "easy_vqa"
    for split in ("train", "test"):
        folder = tmp_path / "data" / split
        (folder / "images").mkdir(parents=True)
        with open(table / f"{split}.csv", newline="") as file:
            rows = list(csv.DictReader(file))[:200]
        numbers = [int(Path(row["image_path"]).stem) for row in rows]
        for row, number in zip(rows, numbers, strict=True):
            shutil.copy(table / row["image_path"], folder / "images" / f"{number}.png")
        questions = [[row["text"], row["label"], n] for row, n in zip(rows, numbers, strict=True)]
        (folder / "questions.json").write_text(json.dumps(questions))
    builder = EasyVqa(source=tmp_path / "data", data_dir=tmp_path / "prepared")
    data = fk.read_tfds(builder, {"image": "image", "text": "question"}, "answer",
                        progress=False)  # fmt: skip
    assert len(data.train) + len(data.validation) == 200
    assert len(data.test) + len(data.quarantine) == 200
    assert set(data.class_names) <= set(ANSWERS)
    (batch,) = fk.raw_batches(data.test, 200)
    for row, text, picture in zip(data.test.rows, batch["text"], batch["image"], strict=True):
        assert text.numpy().decode() == rows[row]["text"]
        assert picture.numpy() == (table / rows[row]["image_path"]).read_bytes()
