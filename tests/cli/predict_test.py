"""`fusionkeras predict`: in parts, of any length, and on after it was broken off."""

import contextlib
import resource
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest

import fusionkeras as fk
from fusionkeras.cli import main
from fusionkeras.export.batches import answer_rows, part_rows
from fusionkeras.export.loading import as_served
from fusionkeras.export.parts import Parts

WORDS = ["red", "green", "blue"]
RUN = "import sys; from fusionkeras.cli import main; main(sys.argv[1:])"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A small model of texts as a `.keras` file and as exported folders of two versions."""
    folder = tmp_path_factory.mktemp("predict")
    branch = fk.lstm_branch(WORDS, sequence_length=4, embedding_dim=4, units=4)
    model, preprocessor = fk.build_classifier([branch]), fk.build_preprocessor([branch])
    serving = fk.end_to_end(model, preprocessor, ["cold", "warm"])
    serving.save(folder / "model.keras")
    fk.export(serving, folder / "served", explain=False)
    return folder


def write_table(path, rows, more=""):
    """A table of all pairs of words, in which each tenth cell is empty."""
    texts = [f"{WORDS[row % 3]} {WORDS[row // 3 % 3]} {more}" for row in range(rows)]
    texts = [text if row % 10 else "" for row, text in enumerate(texts)]
    pd.DataFrame({"text": texts}).to_csv(path, index_label="id")
    return path


def arguments(model, table, output, batch_size=64):
    return ["predict", str(model), str(table), "--output", str(output), "--batch-size",
            str(batch_size)]  # fmt: skip


def unfinished(folder):
    return list(folder.glob(".unfinished-*"))


@contextlib.contextmanager
def files_of_at_most(size):
    """A disk that is full: no file grows beyond some bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_forms_of_a_model_answer_alike(models, tmp_path, capsys):
    table = write_table(tmp_path / "t.csv", rows=1300)
    found = []
    for number, model in enumerate(("model.keras", "served", "served/1")):
        assert main(arguments(models / model, table, tmp_path / f"{number}.parquet")) == 0
        assert "1300 rows written" in capsys.readouterr().out
        found.append(pd.read_parquet(tmp_path / f"{number}.parquet"))
    for other in found[1:]:
        pd.testing.assert_frame_equal(found[0], other, atol=1e-6)
    assert found[0]["status"].tolist() == [
        "empty" if row % 10 == 0 else "ok" for row in range(1300)
    ]
    assert found[0]["probability"].nunique() > 5 and not unfinished(tmp_path)


def test_parts_change_nothing_about_the_answers(models, tmp_path):
    """Bit for bit: a part is whole batches."""
    from fusionkeras.data.reading.stream import StreamedRows

    table = write_table(tmp_path / "t.csv", rows=100)
    served, found = as_served(fk.load(models / "served")), []
    for batches in (1, 7, 100):
        size = part_rows(4, rows=4 * batches)
        parts = Parts(tmp_path / f"{batches}.csv", batches)
        answer_rows(served, StreamedRows(table, {"text": "text"}), parts, 4, size, progress=False)
        assert len(parts) == {1: 25, 7: 4, 100: 1}[batches]
        assert parts.join() == 10
        found.append((tmp_path / f"{batches}.csv").read_bytes())
    assert found[0] == found[1] == found[2] and found[0].count(b"\n") == 101


def test_parts_are_whole_batches():
    assert [part_rows(size) for size in (1, 32, 100, 1000)] == [512, 512, 500, 1000]
    with pytest.raises(ValueError, match="batch_size=0"):
        part_rows(0)


@pytest.mark.parametrize("limit, parts", [(1_000, 0), (30_000, 3)])
def test_a_full_disk_leaves_the_last_good_state(limit, parts, models, tmp_path, capsys):
    """With no room for a part; and with no room for the file of all parts."""
    table, output = write_table(tmp_path / "t.csv", rows=1500), tmp_path / "a.csv"
    output.write_text("before")
    with files_of_at_most(limit), pytest.raises(OSError, match="File too large"):
        main(arguments(models / "served", table, output))
    assert output.read_text() == "before"
    (folder,) = unfinished(tmp_path)
    assert len(list(folder.iterdir())) == parts
    capsys.readouterr()
    assert main(arguments(models / "served", table, output)) == 0
    assert ("Going on after the 1,500 rows" in capsys.readouterr().err) == bool(parts)
    assert len(pd.read_csv(output)) == 1500 and not unfinished(tmp_path)


@pytest.mark.parametrize("change", ["table", "model", "batch size"])
def test_what_changes_in_between_begins_anew(change, models, tmp_path, capsys):
    table, output = write_table(tmp_path / "t.csv", rows=1500), tmp_path / "a.csv"
    with files_of_at_most(30_000), pytest.raises(OSError, match="File too large"):
        main(arguments(models / "served", table, output))
    (before,) = unfinished(tmp_path)
    if change == "table":
        table.write_text(table.read_text().replace("red", "blue", 1))
    model = models / ("model.keras" if change == "model" else "served")
    capsys.readouterr()
    again = arguments(model, table, output, 32 if change == "batch size" else 64)
    assert main(again) == 0
    error = capsys.readouterr().err
    assert "Beginning anew" in error and str(before) in error and "Going on" not in error
    assert len(pd.read_csv(output)) == 1500 and not unfinished(tmp_path)


def test_what_is_there_is_not_lost(tmp_path, capsys):
    """The table itself, by whatever name, and a folder."""
    table = write_table(tmp_path / "t.csv", rows=10)
    (tmp_path / "link.csv").symlink_to(table)
    (tmp_path / "folder.csv").mkdir()
    for name, message in (
        ("t.csv", "The answers would take the place of the table. Expected another file."),
        ("link.csv", "The answers would take the place of the table. Expected another file."),
        ("folder.csv", "There is a folder of this name. Expected the name of a file."),
    ):
        assert main(arguments(tmp_path / "model.keras", table, tmp_path / name)) == 2
        assert message in capsys.readouterr().err
    assert len(pd.read_csv(table)) == 10


def test_a_table_that_changes_while_it_is_read(models, tmp_path, capsys):
    table, output = write_table(tmp_path / "t.csv", rows=3000), tmp_path / "a.csv"

    def append():
        while not list(tmp_path.glob(".unfinished-*/[0-9]*.parquet")):
            time.sleep(0.001)
        with open(table, "a") as file:
            file.write("3000,red\n")

    thread = threading.Thread(target=append, daemon=True)
    thread.start()
    assert main(arguments(models / "served", table, output, batch_size=4)) == 2
    thread.join()
    assert "The table has changed while it was read" in capsys.readouterr().err
    assert not output.exists() and not unfinished(tmp_path)


@pytest.mark.slow
def test_on_after_a_kill(models, tmp_path, capsys):
    """No row twice, none missing, and what was answered is not answered again."""
    table, output = write_table(tmp_path / "t.csv", rows=6000), tmp_path / "a.csv"
    command = arguments(models / "served", table, output, batch_size=4)
    process = subprocess.Popen([sys.executable, "-c", RUN, *command])
    deadline = time.monotonic() + 300
    while len(paths := sorted(tmp_path.glob(".unfinished-*/[0-9]*.parquet"))) < 2:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not output.exists()
    marked = pd.read_parquet(paths[0]).assign(status="answered before")
    marked.to_parquet(paths[0], index=False)
    assert main(command) == 0
    assert "Going on after the" in capsys.readouterr().err
    answers = pd.read_csv(output)
    assert answers["status"].tolist()[:513] == ["answered before"] * 512 + ["ok"]
    whole = tmp_path / "whole.csv"
    assert main(arguments(models / "served", table, whole, batch_size=4)) == 0
    expected = pd.read_csv(whole)
    pd.testing.assert_frame_equal(answers.drop(columns="status"), expected.drop(columns="status"))
    assert answers["status"][512:].tolist() == expected["status"][512:].tolist()
    assert len(expected) == 6000 and not unfinished(tmp_path)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_table(models, tmp_path):
    """The longer table has 40 MB of texts; to read it whole took 140 MB."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the peak of a process is read from /proc")
    code = RUN + "; print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    peaks = []
    for rows in (2000, 40_000):
        table = write_table(tmp_path / f"{rows}.csv", rows, more="x" * 1000)
        command = arguments(models / "served", table, tmp_path / f"{rows}.parquet", batch_size=256)
        done = subprocess.run(
            [sys.executable, "-c", code, *command], capture_output=True, text=True, check=True
        )
        assert f"{rows} rows written" in done.stdout
        peaks.append(int(done.stdout.split()[-1]) / 1000)
    assert peaks[1] - peaks[0] < 30  # MB
