"""Shards are written whole and once, whoever writes them and how often; without Beam."""

import pandas as pd
import pytest

from fusionkeras.data.reading.spans import SpannedRows, Spans
from fusionkeras.export.bulk.job import Job
from fusionkeras.export.bulk.writing import Shards, Writing, name_of


def job_of(folder, rows, size):
    spans = SpannedRows(Spans("", (("t.parquet", rows),)), {"text": "text"}, ())
    return Job("predict", "model.keras", spans, 2, size, str(folder))


def answers(job, shard, label="warm"):
    """Each third row is not ok."""
    rows = job.within(shard)
    return pd.DataFrame(
        {"label": label, "status": ["empty" if row % 3 == 0 else "ok" for row in rows]}
    )


def write(output, rows, size, label, times=1):
    shards = Shards(output, [rows, size, label])
    job = job_of(shards.folder, rows, size)
    for shard in [*range(job.shards)] * times:
        Writing(job)((shard, answers(job, shard, label)))
    return shards, job


def test_a_run_takes_the_place_of_the_one_before(tmp_path):
    """Twice over, with fewer shards, and another answer: no row is there twice, none is left."""
    output = tmp_path / "out"
    for rows, size, label, names in ((10, 2, "warm", 5), (9, 6, "cold", 2)):
        shards, job = write(output, rows, size, label, times=2)
        assert shards.pending(job) == [] and shards.publish(job) == -(-rows // 3)
        assert len(list((output / "ok").iterdir())) == names
        found = pd.read_parquet(output).sort_values("row")
        assert found["row"].tolist() == list(range(rows)) and set(found["label"]) == {label}
        bad = pd.read_parquet(output / "bad")
        assert bad["row"].tolist() == list(range(0, rows, 3)) and set(bad["status"]) == {"empty"}
        assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_row_that_got_well_leaves_the_bad_ones(tmp_path):
    shards, job = write(tmp_path / "out", 4, 4, "warm")
    Writing(job)((0, answers(job, 0).assign(status="ok")))
    assert shards.publish(job) == 0 and len(pd.read_parquet(tmp_path / "out")) == 4


def test_what_lacks_is_not_published(tmp_path):
    shards = Shards(tmp_path / "out", "depends on")
    job = job_of(shards.folder, rows=6, size=4)
    with pytest.raises(RuntimeError, match="3 rows were answered for the 4 from row 0 on"):
        Writing(job)((0, answers(job, 0)[:3]))
    Writing(job)((0, answers(job, 0)))
    killed = shards.folder / "ok" / f".unfinished-1-{name_of(1, 2)}"
    killed.write_text("half")
    assert shards.pending(job) == [1]
    with pytest.raises(RuntimeError, match="4 of 6 rows are in"):
        shards.publish(job)
    again = Shards(tmp_path / "out", "depends on")  # and what is there is not written again
    assert again.pending(job) == [1] and not (tmp_path / "out").exists()
    Writing(job)((1, answers(job, 1)))
    again.publish(job)
    assert not list(tmp_path.rglob(".unfinished-*"))


def test_what_somebody_else_wrote_stays(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_text("")
    (tmp_path / "file").write_text("")
    for name in ("photos", "file"):
        with pytest.raises(ValueError, match="There is something else at this place"):
            Shards(tmp_path / name, "depends on")
    with pytest.raises(ValueError, match="There is no folder to write into"):
        Shards(tmp_path / "nowhere" / "out", "depends on")
