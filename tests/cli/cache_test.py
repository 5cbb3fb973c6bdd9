"""`fusionkeras cache info` and `clear`."""

import hashlib
import io
import json
import pathlib

import pandas as pd
import pytest

from fusionkeras.cli import main
from fusionkeras.cli.cache import human_size
from fusionkeras.data import read_rows
from fusionkeras.data.pictures.kept import pictures_folder
from fusionkeras.data.pictures.memory import cache_folder
from fusionkeras.training import FeatureCache
from fusionkeras.training.frozen.store import FeatureStore


def fill(store):
    store.put({hashlib.sha256(b"%d" % number).digest(): bytes(1024) for number in range(3)}, "vgg")
    store.put({hashlib.sha256(b"x").digest(): bytes(5)})
    return store


def test_info_and_clear_of_the_users_cache(capsys):
    fill(FeatureStore())
    other = cache_folder() / "checked_files.sqlite"
    other.write_bytes(b"another cache")
    assert main(["cache", "info"]) == 0
    out = capsys.readouterr().out
    assert str(cache_folder() / "features") in out and "entries  4\n" in out
    assert "size     3.0 KB (" in out and "bound    20.0 GB (0% used)" in out
    assert "vgg: 3 entries, 3.0 KB, last used 20" in out and "(no label): 1 entries" in out
    assert main(["cache", "clear"]) == 0
    assert "Removed 4 entries, " in capsys.readouterr().out
    assert FeatureStore().info()["disk_bytes"] == 0
    assert other.read_bytes() == b"another cache"


def read_pictures():
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    frame = pd.DataFrame({"image": [file.getvalue()]})
    table, statuses = read_rows(frame, {"image": "image"}, progress=False)
    return pathlib.Path(table.columns["image"][0]), statuses.tolist(), file.getvalue()


def test_kept_pictures_are_told_and_cleared_and_kept_anew(capsys):
    path, _, content = read_pictures()
    left = pictures_folder() / ".unfinished-1"
    left.write_bytes(b"of a process that was killed")
    told = {"path": str(pictures_folder()), "files": 2, "bytes": len(content) + 28}
    assert main(["cache", "info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == told
    assert main(["cache", "info"]) == 0
    assert f"pictures 2, {told['bytes']} bytes, without bound, in " in capsys.readouterr().out
    assert main(["cache", "clear"]) == 0
    assert f"Removed 2 pictures, {told['bytes']} bytes, from " in capsys.readouterr().out
    assert not list(pictures_folder().iterdir())
    assert read_pictures() == (path, ["ok"], content) and path.read_bytes() == content
    assert main(["cache", "clear", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == {
        **told,
        "files": 1,
        "bytes": len(content),
    }


def test_a_folder_of_features_has_no_pictures(tmp_path, capsys):
    path, *_ = read_pictures()
    assert main(["cache", "clear", "--path", str(tmp_path)]) == 0
    assert "pictures" not in capsys.readouterr().out and path.is_file()


def test_json_of_a_folder(tmp_path, capsys):
    info = fill(FeatureStore(tmp_path)).info()
    assert main(["cache", "info", "--path", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == info
    assert main(["cache", "clear", "--path", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "path": str(tmp_path), "entries": 4, "disk_bytes": info["disk_bytes"]
    }  # fmt: skip


def test_a_cache_at_an_address(tmp_path, capsys):
    address = tmp_path.as_uri()
    info = fill(FeatureCache(address).open()).info()
    assert main(["cache", "info", "--path", address, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == info
    assert main(["cache", "info", "--path", address]) == 0
    assert f"path     {address}\nentries  4\n" in capsys.readouterr().out
    assert main(["cache", "clear", "--path", address]) == 0
    assert "Removed 4 entries, " in capsys.readouterr().out and not list(tmp_path.iterdir())
    assert main(["cache", "info", "--path", "s3://bucket/features"]) == 2
    assert "Run: pip install s3fs" in capsys.readouterr().err


def test_an_empty_cache_is_no_error_and_makes_no_folder(tmp_path, capsys):
    for action in ("info", "clear"):
        assert main(["cache", action, "--path", str(tmp_path / "none")]) == 0
    assert "entries  0" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_a_damaged_cache_is_cleared(tmp_path, capsys):
    (tmp_path / "features.sqlite").write_bytes(b"no database" * 1000)
    assert main(["cache", "clear", "--path", str(tmp_path)]) == 0
    assert "Removed 0 entries" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["shrink"], [], ["info", "--path", __file__]])
def test_wrong_arguments_are_one_line(arguments, capsys):
    assert main(["cache", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KB"), (5 * 2**20, "5.0 MB"),
     (2**40, "1.0 TB"), (2**52, "4096.0 TB")],
)  # fmt: skip
def test_sizes_for_people(size, text):
    assert human_size(size) == text
