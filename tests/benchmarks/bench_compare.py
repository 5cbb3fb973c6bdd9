"""The 14 pooled fusions and each branch alone, over five seeds, with frozen encoders.

Run: PYTHONPATH=. python tests/benchmarks/bench_compare.py flipkart1050 --label label2 \
         --image-weights mobilenet_v2_imagenet_notop.weights.h5
     PYTHONPATH=. python tests/benchmarks/bench_compare.py flipkart1050 --image-encoder resnet50
Without --cache the features are computed anew, which belongs to the price. The picture encoder has
random weights where no file is named: the same time, another result.
"""

import argparse
import pathlib
import tempfile
import time

from arguments import minilm_folder

import fusionkeras as fk


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="with train, validation and test.csv")
    parser.add_argument("--label", default="label2")
    parser.add_argument("--text", default="title")
    parser.add_argument("--image-encoder", default="mobilenet_v2")
    parser.add_argument("--image-weights")
    parser.add_argument("--fusions", default="pooled")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--cache", help="a folder of features; none begins with an empty one")
    return parser.parse_args()


def main():
    options = read_options()
    data = fk.read_table(
        options.folder / "train.csv",
        {"image": "image_path", "text": options.text},
        label=options.label,
        validation=options.folder / "validation.csv",
        test=options.folder / "test.csv",
        progress=False,
    )
    begun, used = time.perf_counter(), time.process_time()
    branches = [
        fk.image_branch(options.image_encoder, weights=options.image_weights),
        fk.bert_branch(str(minilm_folder()), sequence_length=32),
    ]
    fusions = options.fusions
    comparison = fk.compare(
        branches,
        data,
        fusions if fusions in ("all", "pooled") else fusions.split(","),
        options.seeds,
        options.epochs,
        cache=options.cache or tempfile.mkdtemp(),
    )
    seconds, processor = time.perf_counter() - begun, time.process_time() - used
    print(f"\n{comparison}\n")
    print(f"{seconds / 60:.1f} minutes, {processor / 60:.1f} of processor time")


if __name__ == "__main__":
    main()
