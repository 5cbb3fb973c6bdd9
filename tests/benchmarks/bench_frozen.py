"""What `fk.fit` costs beside `model.fit`, where the picture encoder is frozen. Run by hand.

    python tests/benchmarks/bench_frozen.py photos flipkart1050/train.csv
    python tests/benchmarks/bench_frozen.py questions easy_vqa/train.csv

`photos`: 512 distinct photos, frozen ResNet50 (random weights) at 224x224 + LSTM, 10 epochs:
cold cache, warm cache with a fusion of another width, and the obvious way by hand
(`extractor.predict` over photos that are decoded already, then the learner on arrays).
`questions`: all rows, frozen MobileNetV2 (random weights) at 64x64 + LSTM, 5 epochs, and how many
pictures went through the encoder. Both tables need the columns `image_path`, `text` and `label`.
No validation rows; tracing counts for all sides.
"""

import argparse
import pathlib
import tempfile
import time

import keras
import numpy as np
import pandas as pd

import fusionkeras as fk


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("photos", "questions"))
    parser.add_argument("table")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--rows", type=int)
    arguments = parser.parse_args()
    {"photos": photos, "questions": questions}[arguments.what](arguments)


def photos(arguments):
    epochs = arguments.epochs or 10
    table = read(arguments.table, arguments.rows or 512, distinct=True)
    settings = {"encoder": "resnet50", "size": 224, "length": 64, "batch_size": 32}
    with tempfile.TemporaryDirectory() as folder:
        cold = timed("fk.fit, cold cache", fit_fast, table, settings, epochs, folder)
        warm = timed("fk.fit, warm cache", fit_fast, table, settings, epochs, folder, 64)
    by_hand = timed_by_hand(table, settings, epochs)
    plain = timed("model.fit", fit_plainly, table, settings, epochs)
    print(f"cold {plain / cold:.1f}x, warm {plain / warm:.1f}x as fast as model.fit")
    print(f"cold {cold / by_hand:.2f} of extractor.predict + learner by hand")


def questions(arguments):
    epochs = arguments.epochs or 5
    table = read(arguments.table, arguments.rows)
    settings = {"encoder": "mobilenet_v2", "size": 64, "length": 16, "batch_size": 128}
    with tempfile.TemporaryDirectory() as folder:
        cold = timed("fk.fit, cold cache", fit_fast, table, settings, epochs, folder)
        passes = fk.FeatureCache(folder).open().info()["entries"]
    print(f"{passes:,} pictures through the encoder; by model.fit {len(table) * epochs:,}")
    plain = timed("model.fit", fit_plainly, table, settings, epochs)
    print(f"cold {plain / cold:.1f}x as fast as model.fit")


def read(path, rows, distinct=False):
    frame = pd.read_csv(path)
    frame = frame.drop_duplicates("image_path") if distinct else frame
    frame = frame if rows is None else frame.head(rows)
    data = fk.read_table(
        frame,
        {"image": "image_path", "text": "text"},
        label="label",
        split=(1, 0, 0),
        files_root=pathlib.Path(path).parent,
        progress=False,
    )
    return data.train


def build(table, settings, hidden_dim=128):
    keras.utils.set_random_seed(0)
    size = (settings["size"], settings["size"])
    vocabulary = fk.learn_vocabulary(table, "text", size=5000)
    branches = [
        fk.image_branch(settings["encoder"], weights=None, image_size=size),
        fk.lstm_branch(vocabulary, sequence_length=settings["length"]),
    ]
    fusion = fk.Concat(hidden_dim=hidden_dim)
    model = fk.build_classifier(branches, fusion, num_classes=len(table.class_names))
    fk.compile_classifier(model)
    train = fk.prepare(table, fk.build_preprocessor(branches), settings["batch_size"], shuffle=True)
    return model, train


def fit_fast(table, settings, epochs, folder, hidden_dim=128):
    model, train = build(table, settings, hidden_dim)
    start = time.perf_counter()
    fk.fit(model, train, epochs=epochs, cache=folder, verbose=0)
    return time.perf_counter() - start


def fit_plainly(table, settings, epochs):
    model, train = build(table, settings)
    start = time.perf_counter()
    model.fit(train, epochs=epochs, shuffle=False, verbose=0)
    return time.perf_counter() - start


def timed(name, function, *arguments):
    seconds = function(*arguments)
    print(f"{name:45} {seconds:8.1f} s", flush=True)
    return seconds


def timed_by_hand(table, settings, epochs):
    """Features by `predict` on an array of photos, then the learner by `fit` on arrays."""
    model, train = build(table, settings)
    batches = list(train)
    inputs = {key: np.concatenate([x[key] for x, _, _ in batches]) for key in batches[0][0]}
    labels = np.concatenate([label for _, label, _ in batches])
    start = time.perf_counter()
    extractor, learner = fk.split_frozen(model)
    features = extractor.predict(inputs, batch_size=32, verbose=0)
    middle = time.perf_counter()
    fk.compile_classifier(learner)
    learner.fit(features, labels, batch_size=32, epochs=epochs, verbose=0)
    end = time.perf_counter()
    print(f"{'extractor.predict, photos decoded in advance':45} {middle - start:8.1f} s")
    print(f"{'learner.fit on arrays':45} {end - middle:8.1f} s", flush=True)
    return end - start


if __name__ == "__main__":
    main()
