"""`fusionkeras features`; and what `--runner` says where it cannot run."""

import importlib.util

import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.cli import main
from fusionkeras.export.features import features_of


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a small model of texts and a table of them."""
    folder = tmp_path_factory.mktemp("features")
    branch = fk.lstm_branch(["red", "green"], sequence_length=4, embedding_dim=4, units=4)
    model = fk.build_classifier([branch], fk.Concat(hidden_dim=3))
    serving = fk.end_to_end(model, fk.build_preprocessor([branch]), ["cold", "warm"])
    serving.save(folder / "model.keras")
    texts = ["red", "", "green red"] * 200
    pd.DataFrame({"text": texts}).to_csv(folder / "t.csv", index_label="id")
    return folder


def said(place, output, *more, command="features"):
    return main(
        [command, str(place / "model.keras"), str(place / "t.csv"), "--output", str(output), *more]
    )


@pytest.mark.parametrize("ending", [".parquet", ".jsonl"])
def test_one_vector_for_every_row(ending, place, tmp_path, capsys):
    assert said(place, tmp_path / f"f{ending}") == 0
    assert "600 rows written" in capsys.readouterr().out
    read = {".parquet": pd.read_parquet, ".jsonl": lambda path: pd.read_json(path, lines=True)}
    found = read[ending](tmp_path / f"f{ending}")
    assert found["status"].tolist() == ["ok", "empty", "ok"] * 200
    features = features_of(fk.load(place / "model.keras"))
    expected = features({"text": ["red", "", "green red"] * 200})["features"]
    np.testing.assert_allclose(np.stack(found["features"]), expected, atol=1e-6)
    assert expected.shape == (600, 3)


@pytest.mark.parametrize(
    "more, message",
    [
        (["--output", "f.csv"], "Unknown ending of the output. Expected one of ['.parquet'"),
        (["--", "--direct_num_workers=2"], "'--direct_num_workers=2' stands behind --, where"),
        (["--shard-rows", "5"], "--shard-rows means nothing without --runner"),
        (["--runner", "beam"], "invalid choice: 'beam'"),
        (
            ["--runner", "direct", "--output", "gs://bucket/out"],
            "OUT is an address. Expected a path",
        ),
    ],
)
def test_what_means_nothing_is_one_line(more, message, place, tmp_path, capsys):
    assert said(place, tmp_path / "f.parquet", *more) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["predict", "features"])
def test_without_beam_the_line_that_installs_it(command, place, tmp_path, capsys):
    if importlib.util.find_spec("apache_beam"):
        pytest.skip("Apache Beam is installed here")
    more = ("--runner", "direct", "--", "--direct_num_workers=2")
    assert said(place, tmp_path / "out", *more, command=command) == 2
    error = capsys.readouterr().err
    assert "--runner needs the package apache-beam. Expected it to be installed. Run: " in error
    assert 'pip install "fusionkeras[beam]"' in error and not list(tmp_path.iterdir())
