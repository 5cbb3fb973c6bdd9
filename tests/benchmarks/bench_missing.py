"""Products of which many lack their photo or their text, with and without modality dropout.

From 30 % of the rows of every table the photo is taken away, from another 30 % the text. Frozen
MobileNetV2 and MiniLM.

Run: PYTHONPATH=. python tests/benchmarks/bench_missing.py flipkart1050 WEIGHTS.h5 MINILM_FOLDER
"""

import argparse
import pathlib

import keras
import numpy as np
import pandas as pd

import fusionkeras as fk

SHARES = [0, 0.25, 0.5, 0.75, 1]
SPLITS = ("train", "validation", "test")


def read(folder, share, seed):
    """The tables with their images and texts, less those of some rows."""
    random, frames = np.random.default_rng(seed), {}
    for split in SPLITS:
        frame = pd.read_csv(folder / f"{split}.csv", dtype=str, keep_default_na=False)
        draw = random.uniform(size=len(frame))
        frame.loc[draw < share, "image_path"] = ""
        frame.loc[draw > 1 - share, "text"] = ""
        frames[split] = frame
    columns = {"image": "image_path", "text": "text"}
    return fk.read_table(
        **frames, columns=columns, label="label", files_root=folder, missing="allow"
    )


def measure(options, data, whole, fusion, rate, seed):
    """Trains on tables with gaps; accuracy on such a test table, and by what is missing."""
    keras.utils.set_random_seed(seed)
    branches = [
        fk.image_branch("mobilenet_v2", weights=options.weights),
        fk.bert_branch(options.preset, sequence_length=128),
    ]
    model = fk.build_classifier(
        branches, fusion, len(data.class_names), dropout=0.2, modality_dropout=rate
    )
    preprocessor = fk.build_preprocessor(branches)
    fk.compile_classifier(model)
    stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    fk.fit(
        model,
        fk.prepare(data.train, preprocessor, shuffle=True, seed=seed),
        fk.prepare(data.validation, preprocessor),
        epochs=30,
        callbacks=[stop],
        verbose=0,
    )
    gaps = fk.evaluate(model, fk.prepare(data.test, preprocessor), data.class_names).accuracy
    test = fk.prepare(whole.test, preprocessor)
    by_share = fk.evaluate(model, test, data.class_names, missing=SHARES).metrics()["accuracy"][
        "missing"
    ]
    return gaps, *(by_share[key][share] for key in ("image", "text") for share in SHARES)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("weights")
    parser.add_argument("preset")
    parser.add_argument("--fusions", nargs="*", default=["concat", "gated", "late"])
    parser.add_argument("--share", type=float, default=0.3)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    data, whole = read(options.folder, options.share, 0), read(options.folder, 0, 0)
    print(data.summary())
    shares = [f"{key} {share:g}" for key in ("no image", "no text") for share in SHARES]
    print("| trained on gaps | dropout | test with gaps |", " | ".join(shares), "|")
    for fusion in options.fusions:
        for rate in (0.0, 0.3):
            runs = [
                measure(options, data, whole, fusion, rate, seed) for seed in range(options.seeds)
            ]
            means = " | ".join(f"{mean:.3f}" for mean in np.mean(runs, axis=0))
            print(f"| {fusion} | {rate} | {means} |", flush=True)


if __name__ == "__main__":
    main()
