"""The peak memory of `fk.fit` over 1,000 and over 20,000 rows. Run by hand.

    python tests/benchmarks/bench_memory.py

Every row is a picture of its own (noise, 96x96), encoded by a frozen MobileNetV2 at 64x64, and a
text of its own. One epoch from a cold cache, each in a process of its own; the table is made and
read within it.
"""

import pathlib
import resource
import subprocess
import sys
import tempfile

import numpy as np


def main():
    peaks = [int(peak_of(rows)) for rows in (1_000, 20_000)]
    print(f"1,000 rows {peaks[0]:,} MB, 20,000 rows {peaks[1]:,} MB: {peaks[1] / peaks[0]:.2f}x")


def peak_of(rows):
    done = subprocess.run(
        [sys.executable, __file__, str(rows)], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.split()[-1]


def train(rows):
    import pandas as pd
    import tensorflow as tf

    import fusionkeras as fk

    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(pathlib.Path(folder) / f"{row}.jpg") for row in range(rows)]
        for path in paths:
            pixels = random.integers(0, 256, (96, 96, 3), "uint8")
            pathlib.Path(path).write_bytes(tf.io.encode_jpeg(pixels).numpy())
        frame = pd.DataFrame({"image": paths, "text": [f"row {row}" for row in range(rows)]})
        frame["label"] = np.where(np.arange(rows) % 2, "odd", "even")
        columns = {"image": "image", "text": "text"}
        data = fk.read_table(frame, columns, label="label", split=(1, 0, 0), files_root=folder)
        branches = [
            fk.image_branch("mobilenet_v2", weights=None, image_size=(64, 64)),
            fk.lstm_branch(fk.learn_vocabulary(data.train, "text", size=1000), sequence_length=8),
        ]
        model = fk.compile_classifier(fk.build_classifier(branches))
        prepared = fk.prepare(data.train, fk.build_preprocessor(branches), shuffle=True)
        fk.fit(model, prepared, epochs=1, cache=f"{folder}/cache", verbose=0)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        train(int(sys.argv[1]))
    else:
        main()
