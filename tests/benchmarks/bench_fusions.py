"""Every fusion on one table: the same branches, the same seed, the same epochs.

Both encoders learn from scratch, so what differs is the fusion.

Run: PYTHONPATH=. python tests/benchmarks/bench_fusions.py easy_vqa/train.csv easy_vqa/test.csv
     PYTHONPATH=. python tests/benchmarks/bench_fusions.py drawn --epochs 16 --batch-size 32
"""

import argparse
import tempfile
import time

import keras

import fusionkeras as fk
from fusionkeras.fusion import FUSIONS


def read(options):
    if options.train == "drawn":
        table = fk.draw_statements(tempfile.mkdtemp(), rows=options.rows)
        columns, test = {"image": "image", "text": "text"}, None
    else:
        table, test = options.train, options.test
        columns = {"image": "image_path", "text": "text"}
    return fk.read_table(table, columns, label="label", test=test)


def build_branches(data, options, names):
    size = (options.image_size, options.image_size)
    vocabulary = fk.learn_vocabulary(data.train, "text")
    branches = {
        "image": lambda: fk.image_branch("small_cnn", image_size=size),
        "text": lambda: fk.lstm_branch(
            vocabulary, options.sequence_length, embedding_dim=64, units=64
        ),
    }
    return [branches[name]() for name in names]


def measure(data, options, fusion, names=("image", "text")):
    """Trains one model; returns its test accuracy, parameters of the fusion and seconds."""
    keras.utils.set_random_seed(options.seed)
    branches = build_branches(data, options, names)
    model = fk.build_classifier(
        branches,
        fusion,
        len(data.class_names),
        options.hidden_dims,
        modality_dropout=options.modality_dropout,
    )
    preprocessor = fk.build_preprocessor(branches)
    train = fk.prepare(data.train, preprocessor, options.batch_size, shuffle=True, cache=True)
    fk.compile_classifier(model, options.learning_rate)
    begun = time.perf_counter()
    fk.fit(model, train, epochs=options.epochs, verbose=0)
    seconds = time.perf_counter() - begun
    test = fk.prepare(data.test, preprocessor, 256)
    report = fk.evaluate(model, test, data.class_names)
    parameters = sum(
        model.get_layer(x.name).count_params() for x in model.layers if x.name == "fusion"
    )
    missing = None
    if options.modality_dropout and len(names) > 1:
        missing = fk.evaluate(model, test, data.class_names, missing=[0, 0.25, 0.5, 0.75, 1])
    return report.accuracy, parameters, seconds, missing


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", help="a table, or 'drawn' for statements about drawn shapes")
    parser.add_argument("test", nargs="?")
    parser.add_argument("--fusions", nargs="*", choices=FUSIONS, default=list(FUSIONS))
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--image-size", type=int, default=32)
    parser.add_argument("--sequence-length", type=int, default=16)
    parser.add_argument(
        "--hidden-dims", type=lambda x: [int(n) for n in x.split(",")], default=[128]
    )
    parser.add_argument("--modality-dropout", type=float, default=0.0)
    parser.add_argument("--alone", action="store_true", help="each branch by itself as well")
    parser.add_argument("--rows", type=int, default=3000, help="statements to draw")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = read(options)
    print(data.summary())
    print("| fusion | test accuracy | parameters of the fusion | seconds |\n|---|---|---|---|")
    runs = [(name, name, ("image", "text")) for name in options.fusions]
    alone = [(f"{name} alone", "concat", (name,)) for name in ("image", "text")]
    for title, fusion, names in (alone if options.alone else []) + runs:
        accuracy, parameters, seconds, missing = measure(data, options, fusion, names)
        print(f"| {title} | {accuracy:.4f} | {parameters:,} | {seconds:.0f} |", flush=True)
        if missing is not None:
            print(missing, flush=True)


if __name__ == "__main__":
    main()
