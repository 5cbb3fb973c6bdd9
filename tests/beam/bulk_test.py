"""`predict --runner` and `features --runner` on Beam's DirectRunner, in an environment of its own.

    .ci/beam

What Beam answers is compared with what the same command answers without it.
"""

import shutil

import numpy as np
import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.cli import main
from fusionkeras.datasets import draw_statements

pytest.importorskip("apache_beam", reason="Apache Beam has an environment of its own: see .ci/beam")

from fusionkeras.data import read_table, write_tfrecords
from fusionkeras.export.bulk.handler import Handler
from fusionkeras.export.bulk.runners import RUNNERS
from fusionkeras.export.bulk.writing import Shards

THREADS = ["--direct_num_workers=2", "--direct_running_mode=multi_threading"]
PROCESSES = ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]
# Rows of a batch, and of a shard: neither divides the table.
ROWS, BATCH, SHARD = 90, 7, 14


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a model of a picture and a text in two forms, and tables of the same rows."""
    folder = tmp_path_factory.mktemp("bulk")
    frame = pd.read_csv(draw_statements(folder, rows=ROWS))
    good = read_table(folder / "statements.csv", {"image": "image", "text": "text"}, "label",
                      progress=False)  # fmt: skip
    write_tfrecords(good, folder / "records", shards=2, progress=False)
    frame.loc[[3, 41], "image"] = "nowhere.png"
    frame.loc[[5, 89], "text"] = ""
    (folder / "bad.png").write_text("no picture")
    frame.loc[60, "image"] = "bad.png"
    frame["text"] = frame["text"].str.replace(" ", ' "\n', n=1)
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_parquet(folder / "t.parquet", index=False, row_group_size=20)
    branches = [
        fk.image_branch("small_cnn", image_size=(16, 16)),
        fk.lstm_branch(fk.learn_vocabulary(good.train, "text"), 8, units=8),
    ]
    model = fk.build_classifier(branches, fk.Concat(hidden_dim=4))
    serving = fk.end_to_end(model, fk.build_preprocessor(branches), good.class_names)
    serving.save(folder / "model.keras")
    fk.export(serving, folder / "served", explain=False, verify=False)  # which loads the quickest
    return folder


def words(command, place, table, output, *more):
    model = {"predict": "served", "features": "model.keras"}[command]
    return [command, str(place / model), str(place / table), "--output", str(output),
            "--batch-size", str(BATCH), *more]  # fmt: skip


def bulk(place, table, output, options=THREADS, command="predict", runner="direct"):
    more = ("--shard-rows", str(SHARD), "--runner", runner, "--", *options)
    return main(words(command, place, table, output, *more))


@pytest.fixture(scope="module")
def local(place):
    """What the commands answer without a runner, by command and table."""
    known = {}

    def answer(command, table):
        if (command, table) not in known:
            output = place / f"{command}-{table}.parquet"
            assert main(words(command, place, table, output)) == 0
            known[command, table] = pd.read_parquet(output)
        return known[command, table]

    return answer


def check(output, expected):
    """The union of all that was written, row for row; and that the bad ones are apart."""
    ok, bad = ([pd.read_parquet(path) for path in sorted((output / name).iterdir())]
               for name in ("ok", "bad"))  # fmt: skip
    assert {status for one in ok for status in one["status"]} == {"ok"}
    assert "ok" not in {status for one in bad for status in one["status"]}
    found = pd.concat([*ok, *bad]).sort_values("row", ignore_index=True)
    pd.testing.assert_frame_equal(
        pd.read_parquet(output).sort_values("row", ignore_index=True), found
    )
    assert found.pop("row").tolist() == list(range(len(expected)))
    if "features" in found:
        vectors = [np.stack(frame.pop("features")) for frame in (found, expected.copy())]
        np.testing.assert_allclose(*vectors, atol=1e-6)
        expected = expected.drop(columns="features")
    pd.testing.assert_frame_equal(found, expected, atol=1e-6)
    names = sorted(path.name for path in (output / "ok").iterdir())
    assert names == [f"{number:05}-of-00007.parquet" for number in range(7)]
    assert not list(output.parent.glob(".unfinished-*"))


@pytest.mark.parametrize("command, table", [("features", "t.parquet"), ("predict", "records")])
def test_two_threads_answer_as_the_command_does(command, table, place, local, tmp_path, capsys):
    expected = local(command, table)
    bad = (expected["status"] != "ok").sum()
    assert bad == (0 if table == "records" else 5)
    assert bulk(place, table, tmp_path / "out", command=command) == 0
    assert f"90 rows written to {tmp_path}/out/ok, but for {bad}" in capsys.readouterr().out
    check(tmp_path / "out", expected)


def fail(monkeypatch, folder, times):
    """Lets the first askings of each shard raise, so many of them, whoever asks."""
    ask = Handler.run_inference

    def run_inference(self, batch, model, inference_args=None):
        for number in range(times(batch.number)):
            marker = folder / f"{batch.number}-{number}"
            if not marker.exists():
                marker.write_text("")
                raise OSError("the worker has failed")
        yield from ask(self, batch, model, inference_args)

    folder.mkdir()
    monkeypatch.setattr(Handler, "run_inference", run_inference)


def test_workers_that_fail_are_tried_again(place, local, tmp_path, monkeypatch):
    """By a runner of Beam that does so; the DirectRunner gives up at once."""
    monkeypatch.setitem(RUNNERS, "direct", "BundleBasedDirectRunner")
    fail(monkeypatch, tmp_path / "failures", times=lambda shard: shard % 2)
    assert bulk(place, "t.csv", tmp_path / "out", []) == 0
    assert len(list((tmp_path / "failures").iterdir())) == 3  # shards 1, 3 and 5
    check(tmp_path / "out", local("predict", "t.csv"))


def test_a_run_that_failed_goes_on(place, local, tmp_path, monkeypatch, capsys):
    """And until it is through, what was there before stays as it was; then nothing of it does."""
    output = tmp_path / "out"
    (output / "ok").mkdir(parents=True)
    before = output / "ok" / "00099-of-00100.parquet"
    before.write_text("before")
    fail(monkeypatch, tmp_path / "failures", times=lambda shard: int(shard == 4))
    with pytest.raises(RuntimeError, match="the worker has failed"):
        bulk(place, "t.csv", output, THREADS)
    assert before.read_text() == "before"
    left = len(list(tmp_path.glob(".unfinished-*/ok/*.parquet")))
    # Threads of the run that failed may still write; what the next one finds is what counts.
    found, pending = [], Shards.pending
    monkeypatch.setattr(
        Shards, "pending", lambda self, job: found.append(pending(self, job)) or found[-1]
    )
    capsys.readouterr()
    assert bulk(place, "t.csv", output, THREADS) == 0
    error, written = capsys.readouterr().err, 7 - len(found[0])
    assert written >= left
    assert (f"Going on: {written} of 7 shards are there already" in error) == bool(written)
    assert not before.exists()
    check(output, local("predict", "t.csv"))


def test_two_processes_each_load_the_model_once(place, local, tmp_path, monkeypatch):
    """A process begins with nothing of this one: it reads its rows and the model by their paths."""
    from fusionkeras.cli import bulk as command

    results, run = [], command.run_job
    monkeypatch.setattr(command, "run_job", lambda *given: results.append(run(*given)))
    assert bulk(place, "t.csv", tmp_path / "out", PROCESSES) == 0
    check(tmp_path / "out", local("predict", "t.csv"))
    counted = {one.key.metric.name: one.result.count
               for one in results[0].metrics().query()["distributions"]}  # fmt: skip
    assert counted["load_model_latency_milli_secs"] <= 2


def test_a_table_that_changes_is_told(place, tmp_path, monkeypatch, capsys):
    from fusionkeras.cli import bulk as command

    table = shutil.copy(place / "t.parquet", tmp_path / "t.parquet")
    monkeypatch.setattr(command, "run_job", lambda *given: open(table, "ab").close())
    more = ("--files-root", str(place), "--runner", "direct")
    stamps = iter([[1], [2]])
    monkeypatch.setattr(command, "stamps_of", lambda path: next(stamps))
    assert main(words("predict", place, table, tmp_path / "out", *more)) == 2
    assert "The table has changed while it was read" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


@pytest.mark.parametrize("runner, message", [
    ("flink", "There is no Java to begin a job server of flink with. Expected the program java"),
    ("spark", "-- --job_endpoint=HOST:PORT"),
    ("dataflow", 'Run: pip install "apache-beam[gcp]"'),
])  # fmt: skip
def test_what_a_runner_lacks_is_told_ahead(runner, message, place, tmp_path, monkeypatch, capsys):
    """These three are not run here: without Java and a Google project nothing begins."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert bulk(place, "t.csv", tmp_path / "out", [], runner=runner) == 2
    assert message in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_what_is_not_read_is_told(place, tmp_path, capsys):
    for name in ("a", "b"):
        shutil.copytree(place / "images", tmp_path / "classes" / name)
    assert bulk(place, tmp_path / "classes", tmp_path / "out") == 2
    assert "--runner does not read a folder of classes" in capsys.readouterr().err
