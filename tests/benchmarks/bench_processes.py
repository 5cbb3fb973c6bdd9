"""One process against two, by MultiWorkerMirroredStrategy over loopback. Run by hand, on Linux.

    python tests/benchmarks/bench_processes.py [--rows ROWS] [--side PIXELS] [--rounds ROUNDS]

Each way is `fk.fit` as people write it, at the same batch for all processes together: one process
that may use one core, one that may use two, and two with a core each. The ways take turns; medians
of the rounds. Measured of each:

- the frozen pass: MobileNetV2 (random weights) over drawn pictures, seconds of `ROWS` pictures less
  those of one batch, so that beginning and tracing are taken off;
- an epoch of the learner over the kept features, once it is traced, of a small fusion and head,
  and with two dense layers of 2048 behind, whose gradients are exchanged in every step.

The losses that the ways reach are compared, too: they train the same.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

BATCH, EPOCHS = 128, 6
WAYS = {
    "1 process, 1 core": ["0"],
    "1 process, 2 cores": ["0,1"],
    "2 processes, a core each": ["0", "1"],
}
HEADS = {"small": [], "large": [2048, 2048]}


def main(rows, side, rounds):
    import fusionkeras as fk

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        fk.draw_statements(folder, rows, image_size=(side, side))
        found = {way: [] for way in WAYS}
        for number in range(rounds):
            for way, cores in WAYS.items():
                found[way].append(run(folder, folder / f"{number} {way}", cores))
    show(found, rows)


def run(folder, out, cores):
    """What processes that train together measure; the chief's figures."""
    sys.path.append(str(pathlib.Path(__file__).parents[1] / "tools"))
    from loopback import free_addresses, tf_config

    out.mkdir()
    addresses, processes = free_addresses(len(cores)), []
    for index, core in enumerate(cores):
        environ = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
        if len(cores) > 1:
            environ |= tf_config({"worker": addresses}, "worker", index)
        environ["FUSIONKERAS_CACHE"] = str(out / "checked")
        # TensorFlow makes as many threads as there are cores that it may use.
        command = ["taskset", "-c", core, sys.executable, __file__, "--work", str(folder), str(out)]
        with (out / f"{index}.log").open("wb") as log:
            processes.append(subprocess.Popen(command, env=environ, stdout=log, stderr=log))
    if any([process.wait() for process in processes]):
        raise RuntimeError("\n".join(path.read_text()[-3000:] for path in out.glob("*.log")))
    return json.loads((out / "figures.json").read_text())


def show(found, rows):
    medians = {
        way: {key: float(np.median([one[key] for one in figures])) for key in figures[0]}
        for way, figures in found.items()
    }
    alone, whole, two = medians.values()
    for key in ("pass", *HEADS):
        what = "frozen pass" if key == "pass" else f"{key} learner, an epoch"
        if key != "pass":
            what += f" ({alone[f'{key} bytes'] / 1e6:.1f} MB of gradients)"
        print(f"{what}, {rows} rows")
        for way, figures in medians.items():
            print(f"  {way:25} {figures[key]:6.2f} s, {rows / figures[key]:6.0f} rows/s")
        print(f"  2 processes: {alone[key] / two[key]:.2f} times as fast as 1 on one core, "
              f"{whole[key] / two[key]:.2f} times as fast as 1 on both")  # fmt: skip
    losses = [[figures[f"{head} loss"] for head in HEADS] for figures in medians.values()]
    np.testing.assert_allclose(losses[1:], losses[:1] * 2, rtol=1e-3)
    print("All ways reach the same losses, to 0.1 %.")


def work(folder, out):
    """One of the processes: trains, and writes down what it took."""
    import keras
    import pandas as pd

    import fusionkeras as fk

    strategy = fk.build_strategy("auto", timeout=120)
    frame = pd.read_csv(folder / "statements.csv")
    side = keras.utils.load_img(folder / frame["image"][0]).size[0]
    figures = {}
    begin = train(fk, strategy, frame[:BATCH], folder, side, [], out / "first", epochs=1).begun
    for head, dims in HEADS.items():
        clock = train(fk, strategy, frame, folder, side, dims, out / "all", EPOCHS)
        more = (clock.begun - begin) * len(frame) / (len(frame) - BATCH)
        figures.setdefault("pass", more)  # the features are there for the second head
        figures[head] = float(np.median(np.diff(clock.epochs)))
        figures[f"{head} loss"] = clock.loss
        figures[f"{head} bytes"] = clock.bytes
    with strategy.scope():
        if fk.is_chief():
            (out / "figures.json").write_text(json.dumps(figures))


def train(fk, strategy, frame, folder, side, dims, cache, epochs):
    import keras

    keras.utils.set_random_seed(0)
    with strategy.scope():
        data = fk.read_table(frame, {"image": "image", "text": "text"}, files=["image"],
                             label="label", files_root=folder, split=(1, 0, 0),
                             progress=False)  # fmt: skip
        words = sorted({word for text in frame["text"] for word in text.split()})
        branches = [
            fk.image_branch("mobilenet_v2", weights=None, image_size=(side, side)),
            fk.lstm_branch(words, 8, embedding_dim=16, units=16),
        ]
        model = fk.build_classifier(branches, hidden_dims=dims)
    fk.compile_classifier(model, 0.01, "sgd")
    batches = fk.prepare(data.train, fk.build_preprocessor(branches), BATCH, shuffle=True)
    clock = clock_of(model)
    clock.start = time.perf_counter()
    history = fk.fit(model, batches, None, epochs, [clock], cache, verbose=0)
    clock.loss = history.history["loss"][-1]
    return clock


def clock_of(model):
    """A callback that writes down when the features were there, and when each epoch ended."""
    import keras

    class Clock(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.epochs = []
            self.bytes = sum(
                weight.value.shape.num_elements() for weight in model.trainable_weights
            )
            self.bytes *= 4

        def on_train_begin(self, logs=None):
            self.begun = time.perf_counter() - self.start

        def on_epoch_end(self, epoch, logs=None):
            self.epochs.append(time.perf_counter())

    return Clock()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=pathlib.Path, nargs=2, help="for a process of this one")
    said = parser.parse_args()
    if said.work:
        work(*said.work)
    else:
        main(said.rows, said.side, said.rounds)
