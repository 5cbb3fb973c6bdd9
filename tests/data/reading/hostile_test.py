"""Tables as they come, or as somebody meant harm: read to the letter, or refused with a reason."""

import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.cli import main

COLUMNS = {"image": "photo", "text": "caption"}


def write(frame, path):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


def test_a_frame_with_a_column_twice_is_refused_where_it_is_wanted(posts, read_posts):
    posts["other"] = 1
    twice = posts.set_axis(["photo", "caption", "category", "caption"], axis=1)
    with pytest.raises(ValueError, match="The table has more than one column 'caption'"):
        read_posts(twice)
    data = read_posts(twice, columns={"image": "photo"})
    assert sum(len(table) for table in (data.train, data.validation, data.test)) == 40


def test_columns_may_have_the_names_of_other_things(posts, tmp_path):
    """A text in `label`, labels in `text`, pictures in `row`, and the split in `image`."""
    frame = posts.set_axis(["row", "label", "text"], axis=1)
    frame["image"] = ["train"] * 30 + ["validation"] * 5 + ["test"] * 5
    path = write(frame.assign(status="ok", reason="", table=1), tmp_path / "table.csv")
    data = fk.read_table(path, {"image": "row", "text": "label"}, "text", split="image",
                         check="header", progress=False)  # fmt: skip
    assert [len(table) for table in (data.train, data.validation, data.test)] == [30, 5, 5]
    assert data.class_names == ["cold", "warm"]
    assert data.test.columns["text"].tolist() == posts["caption"].tolist()[35:]
    assert data.test.columns["image"][0] == str(tmp_path / "35.png")


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "jsonl"])
def test_ten_thousand_columns(posts, tmp_path, ending):
    surplus = {f"column {number}": np.arange(40) + number for number in range(10_000)}
    wide = pd.concat(
        [posts[["photo"]], pd.DataFrame(surplus), posts[["caption", "category"]]], axis=1
    )
    path = write(wide, tmp_path / f"wide.{ending}")
    columns = {**COLUMNS, "number": "column 9999"}
    data = fk.read_table(path, columns, "category", split=(1, 0, 0), check="header", progress=False)
    assert data.train.columns["number"].tolist() == [str(10_000 - 1 + row) for row in range(40)]
    assert data.train.columns["text"].tolist() == posts["caption"].tolist()
    with pytest.raises(ValueError, match="has no column 'column 10000'.*Did you mean"):
        fk.read_table(path, {"text": "column 10000"}, "category", progress=False)


@pytest.fixture
def leading_out(tmp_path):
    """A folder of pictures, and cells that lead out of it: `(folder, cells)`."""
    folder = tmp_path / "a" / "pictures"
    (folder / "sub").mkdir(parents=True)
    secret = tmp_path / "secret.png"
    secret.write_text("root:x:0:0")
    (folder / "link.png").symlink_to(secret)
    (folder / "up").symlink_to(tmp_path)
    cells = ["../../secret.png", "sub/../../../secret.png", str(secret), "link.png",
             "up/secret.png"]  # fmt: skip
    return folder, cells + ["../" * 30 + "etc/passwd", "/etc/passwd"]


def test_files_outside_of_the_folder_are_not_read(leading_out):
    folder, cells = leading_out
    frame = pd.DataFrame({"photo": cells, "caption": "a text"})
    table, statuses = fk.read_rows(frame, COLUMNS, files_root=folder, progress=False)
    assert statuses.tolist() == ["outside_root"] * len(cells)
    assert set(table.columns["image"]) == {""}
    (batch,) = fk.data.raw_batches(table)
    assert set(batch["image"].numpy()) == {b""}
    # with the folder above all of them they are: no pictures, and the reader says so
    _, statuses = fk.read_rows(frame, COLUMNS, files_root="/", progress=False)
    assert statuses[2] == statuses[-1] == "unsupported_format"


def test_links_within_the_folder_are_followed(posts, read_posts, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "link.png").symlink_to(tmp_path / "3.png")
    (tmp_path / "again.png").symlink_to(tmp_path / "sub" / "link.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "never.png")
    posts.loc[:3, "photo"] = ["sub/link.png", "again.png", "loop.png", "gone.png"]
    data = read_posts(posts, split=(1, 0, 0))
    assert data.train.columns["image"][:2].tolist() == [str(tmp_path / "3.png")] * 2
    assert data.quarantine[["row", "reason"]].to_numpy().tolist() == [
        [2, "missing_file"], [3, "missing_file"]
    ]  # fmt: skip


TEXTS = ['=cmd|"/C calc"!A0', "+1+1", "-2", "@SUM(A1)", "a,b", 'say "hi"', "two\nlines", "c\r\nd",
         "tab\there", "猫 和 狗", "NA", "word " * 200_000]  # fmt: skip
LABELS = ['=HYPERLINK("http://a.com")', "two\nlines, and a comma"]


@pytest.fixture
def hostile(posts, tmp_path):
    """Names in Chinese with spaces, and cells that other programs would not take as they are."""
    folder = tmp_path / "图片 文件夹"
    folder.mkdir()
    for number in range(40):
        (tmp_path / f"{number}.png").rename(folder / f"猫 {number}.png")
    frame = pd.DataFrame({
        "照片 列": [f"猫 {number}.png" for number in range(40)],
        "label": [TEXTS[number % len(TEXTS)] for number in range(40)],
        "=类别": [LABELS[number % 2] for number in range(40)],
    })  # fmt: skip
    frame.loc[4, "照片 列"] = "=cmd()"
    return write(frame, folder / "数据 表.csv"), frame


@pytest.mark.slow
def test_the_command_line_takes_cells_for_data(hostile, tmp_path):
    """What is written is what was read: no cell is altered, and none is run."""
    table, frame = hostile
    run, answers = tmp_path / "运行 1", tmp_path / "答案 1.csv"
    columns = ["--image", "照片 列", "--text", "label", "--label", "=类别"]
    model = ["--image-encoder", "small_cnn", "--image-size", "32,32", "--sequence-length", "8"]
    assert main(["train", str(table), *columns, *model, "--epochs", "1", "--output", str(run)]) == 0
    (bad,) = pd.read_csv(run / "quarantine.csv").to_dict("records")
    assert (bad["row"], bad["value"], bad["reason"]) == (4, "=cmd()", "missing_file")
    assert main(["predict", str(run), str(table), "--output", str(answers)]) == 0
    found = pd.read_csv(answers)
    assert set(found["label"]) <= set(LABELS) and len(found) == 40
    assert found.columns.tolist()[3:] == [f"probability_{name}" for name in sorted(LABELS)]
    assert found["status"][4] == "missing_file" and set(found["status"].drop(4)) == {"ok"}


def test_cells_stay_what_they_are_until_they_are_tensors(hostile):
    table, frame = hostile
    data = fk.read_table(table, {"image": "照片 列", "text": "label"}, "=类别", split=(1, 0, 0),
                         progress=False)  # fmt: skip
    kept = frame.drop(4)
    assert data.class_names == sorted(LABELS)
    assert data.train.columns["text"].tolist() == kept["label"].tolist()
    words = fk.WordIds(["猫", "word", "sum"], sequence_length=4)
    ((inputs, labels, weights),) = fk.prepare(data.train, words, batch_size=64)
    expected = words({"text": kept["label"].tolist()})["text_token_ids"]
    np.testing.assert_array_equal(inputs["text_token_ids"], expected)
    assert [data.class_names[label] for label in labels] == kept["=类别"].tolist()
