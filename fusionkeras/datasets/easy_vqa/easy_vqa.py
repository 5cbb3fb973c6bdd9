"""easy-VQA: questions about drawn shapes, as a builder of TensorFlow Datasets."""

import json

import numpy as np
import tensorflow_datasets as tfds

# The published data stand in the repository since this commit.
_COMMIT = "dbcbe702600b968f4509cb3ea59aba793e967844"
_URL = f"https://github.com/vzhou842/easy-VQA/archive/{_COMMIT}.zip"
ANSWERS = ("black", "blue", "brown", "circle", "gray", "green", "no", "rectangle", "red", "teal",
           "triangle", "yellow", "yes")  # fmt: skip


class EasyVqa(tfds.core.GeneratorBasedBuilder):
    """4,000 + 1,000 PNGs of 64x64, 38,575 + 9,673 questions, 13 answers; splits train and test.

    Args:
        source: path of a folder that is laid out as `easy_vqa/data` of the repository:
            `train/questions.json`, a list of `[question, answer, number of the picture]`, and
            `train/images/NUMBER.png`; likewise `test`. None downloads that of the repository.
        **arguments: for `tfds.core.GeneratorBasedBuilder`, such as `data_dir`.

    Example:
        >>> import fusionkeras as fk
        >>> builder = EasyVqa(source="easy_vqa/data", data_dir="prepared")  # doctest: +SKIP
        >>> data = fk.read_tfds(builder, {"image": "image", "text": "question"},
        ...                     label="answer")  # doctest: +SKIP
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "As published in 2020."}

    def __init__(self, *, source=None, **arguments):
        """See the class."""
        self._source = source
        super().__init__(**arguments)
        if source is not None:
            self._original_state["source"] = source  # what a copy of the builder is made from

    def _info(self):
        return self.dataset_info_from_configs(
            description="Questions about drawn shapes of one colour, each with one of 13 answers.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                    "question": tfds.features.Text(),
                    "answer": tfds.features.ClassLabel(names=ANSWERS),
                    "image_id": tfds.features.Scalar(np.int64),
                }
            ),
            disable_shuffling=True,  # rows as published, those of a picture together
            homepage="https://github.com/vzhou842/easy-VQA",
            license="MIT",
        )

    def _split_generators(self, dl_manager):
        if self._source is not None:
            data = tfds.core.Path(self._source)
        else:
            (data,) = dl_manager.download_and_extract(_URL).glob("*/easy_vqa/data")
        return {split: self._generate_examples(data / split) for split in ("train", "test")}

    def _generate_examples(self, folder):
        questions = json.loads((folder / "questions.json").read_text())
        for number, (question, answer, image_id) in enumerate(questions):
            yield (
                number,
                {
                    "image": folder / "images" / f"{image_id}.png",
                    "question": question,
                    "answer": answer,
                    "image_id": image_id,
                },
            )
