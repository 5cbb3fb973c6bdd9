"""`predict --runner direct` beside `predict`, in one run on drawn data. Run by hand.

    .ci/beam python tests/benchmarks/bench_beam.py [--rows ROWS] [--side PIXELS]

A drawn table of pictures and texts, MobileNetV2 (random weights) and an LSTM, exported. Each way is
a process of its own that is said as people say it; the answers are compared row for row. Seconds of
the wall, and of all cores, of which the workers' are a part. What it costs to begin is measured
by the same command on a table of one batch, and taken off for the rows a second.
"""

import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import pandas as pd

BATCH = 32
WAYS = {
    "predict": None,
    "Beam, 1 worker": ["--direct_num_workers=1"],
    "Beam, 2 processes": ["--direct_num_workers=2", "--direct_running_mode=multi_processing"],
}


def main(rows, side):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        make(folder, rows, side)
        answers, speeds, costs = {}, {}, {}
        for way, options in WAYS.items():
            begun = timed(folder, "few.csv", way, options)
            wall, cores = timed(folder, "statements.csv", way, options)
            speeds[way] = rows / max(wall - begun[0], 1e-9)
            costs[way] = max(cores - begun[1], 1e-9) / rows
            begin = f"to begin {begun[0]:.1f} s and {begun[1]:.1f} s"
            print(f"{way:18} {wall:7.1f} s, {cores:7.1f} s of cores; {begin}; "
                  f"{speeds[way]:.0f} rows/s, {1e3 * costs[way]:.1f} ms of cores a row",
                  flush=True)  # fmt: skip
            answers[way] = read(folder / f"statements.csv-{way}.parquet")
        for way in [*WAYS][1:]:
            pd.testing.assert_frame_equal(answers[way], answers["predict"], atol=1e-6)
            speed, cost = speeds[way] / speeds["predict"], costs[way] / costs["predict"]
            print(f"{way}: the same answers, {speed:.2f} times the rows/s, {cost:.2f} of the cores")


def make(folder, rows, side):
    """Writes the tables and the model, in a process that leaves no memory behind."""
    command = [sys.executable, __file__, "--make", str(folder), "--rows", str(rows)]
    subprocess.run([*command, "--side", str(side)], check=True)


def write(folder, rows, side):
    import fusionkeras as fk

    table = fk.draw_statements(folder, rows=rows, image_size=(side, side))
    frame = pd.read_csv(table)
    frame[:BATCH].to_csv(folder / "few.csv", index=False)
    branches = [
        fk.image_branch("mobilenet_v2", weights=None, image_size=(side, side)),
        fk.lstm_branch(sorted({word for text in frame["text"] for word in text.split()}), 8),
    ]
    serving = fk.end_to_end(
        fk.build_classifier(branches), fk.build_preprocessor(branches), ["right", "wrong"]
    )
    fk.export(serving, folder / "served", explain=False, verify=False)


def timed(folder, table, way, options):
    """The seconds of the wall and of all cores that a command takes."""
    output = folder / f"{table}-{way}.parquet"
    command = [sys.executable, "-m", "fusionkeras", "predict", str(folder / "served")]
    command += [str(folder / table), "--output", str(output), "--batch-size", str(BATCH)]
    if options is not None:
        command += ["--runner", "direct", "--shard-rows", "512", "--", *options]
    with tempfile.TemporaryDirectory() as cache:  # no way knows which pictures another has checked
        environment = {**os.environ, "FUSIONKERAS_CACHE": cache}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        before, start = used(), time.perf_counter()
        subprocess.run(command, check=True, env=environment, **quiet)
        return time.perf_counter() - start, used() - before


def used():
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def read(path):
    frame = pd.read_parquet(path)
    if "row" in frame:
        frame = frame.sort_values("row", ignore_index=True).drop(columns="row")
    return frame


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=8192)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--make", type=pathlib.Path, help="a folder, for a process of this one")
    said = parser.parse_args()
    if said.make:
        write(said.make, said.rows, said.side)
    else:
        main(said.rows, said.side)
