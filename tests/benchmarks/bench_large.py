"""The peak memory of reading and preparing 20,000 and 2,000,000 rows. Run by hand.

    python tests/benchmarks/bench_large.py [ROWS] [--no-pass]

The large table is 1,000 Parquet files: a picture (one of 300 small PNGs), a text of about ten
words and a label. It is read, checked, split, its vocabulary is learned, and one pass of
preparation goes over the rows of training, each in a process of its own. The yardstick: 1.3 times
the peak of 20,000 rows and the columns as Arrow strings.
"""

import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

FEW, MANY, FILES = 20_000, 2_000_000, 1_000
COLUMNS = {"image": "photo", "text": "caption"}


def main(rows, passes):
    with tempfile.TemporaryDirectory() as folder:
        peaks = {}
        for count, files in ((FEW, 10), (rows, FILES)):
            table = pathlib.Path(folder) / f"{count}"
            size = write_table(table, count, files)
            print(f"{count:,} rows in {files:,} files, {size / 1e6:,.0f} MB as Arrow strings")
            peaks[count] = peak_of(table, passes)
        bound = 1.3 * peaks[FEW] + size / 1e6
        print(f"peak {peaks[rows]:,.0f} MB, {peaks[FEW]:,.0f} MB for {FEW:,} rows; at most "
              f"{bound:,.0f} MB: {peaks[rows] / bound:.2f} of it")  # fmt: skip


def write_table(folder, rows, files):
    """Writes the table; returns the bytes of its columns as Arrow strings."""
    import pyarrow as pa
    from pyarrow import parquet

    random, size = np.random.default_rng(0), 0
    folder.mkdir()
    write_pictures(folder, random)
    words = np.array([f"word{number}" for number in range(30_000)])
    for number, some in enumerate(np.array_split(np.arange(rows), files)):
        drawn = words[random.zipf(1.3, (len(some), 10)) % len(words)]
        columns = {
            "photo": [f"{row % 300}.png" for row in some],
            "caption": [" ".join(row) for row in drawn],
            "label": [f"class {row % 7}" for row in some],
        }
        table = pa.table({key: pa.array(cells, pa.string()) for key, cells in columns.items()})
        parquet.write_table(table, folder / f"{number:04}.parquet")
        size += table.nbytes
    return size


def write_pictures(folder, random):
    import tensorflow as tf

    for number in range(300):
        pixels = random.integers(0, 256, (16, 16, 3), "uint8")
        (folder / f"{number}.png").write_bytes(tf.io.encode_png(pixels).numpy())


def peak_of(table, passes):
    """The peak memory in MB of a process that goes through the table."""
    command = [sys.executable, __file__, "--read", str(table), *([] if passes else ["--no-pass"])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    *lines, peak = done.stdout.splitlines()
    print("\n".join(lines))
    return float(peak)


def go_through(table, passes):
    import fusionkeras as fk

    begin = time.perf_counter()

    def say(what):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(f"  {time.perf_counter() - begin:7.1f} s  {peak:7,.0f} MB  {what}")

    say("imported")
    data = fk.read_table(table, COLUMNS, label="label", progress=False)
    say(f"read and split: {data.summary()}")
    vocabulary = fk.learn_vocabulary(data.train, "text", size=20_000)
    say(f"vocabulary of {len(vocabulary):,} words")
    words = fk.WordIds(vocabulary, sequence_length=12)
    preprocessor = fk.JointPreprocessor({"image": fk.DecodeImage((16, 16)), "text": words})
    start = time.perf_counter()
    batches = fk.prepare(data.train, preprocessor, batch_size=256, shuffle=True)
    next(iter(batches))
    say(f"first batch, {time.perf_counter() - start:.1f} s after prepare was called")
    if passes:
        rows = sum(len(labels) for _, labels, _ in batches.as_numpy_iterator())
        say(f"one pass over {rows:,} rows")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


if __name__ == "__main__":
    arguments, wanted = sys.argv[1:], "--no-pass" not in sys.argv
    arguments = [one for one in arguments if one != "--no-pass"]
    if arguments[:1] == ["--read"]:
        go_through(arguments[1], wanted)
    else:
        main(int(arguments[0]) if arguments else MANY, wanted)
