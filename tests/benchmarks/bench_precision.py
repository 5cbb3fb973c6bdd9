"""A step of training in mixed_bfloat16 against float32, as a ratio in one run. Run by hand.

    python tests/benchmarks/bench_precision.py [--steps 20]

A trainable small_cnn at 64x64 beside a BERT of 4 layers that learn, of width 256 with random
weights, on drawn tensors, batches of 32. Both models take turns, step by step; medians. A processor
that lacks instructions for bfloat16 (AMX, AVX-512 BF16) computes it by way of float32, and is
slower: the program says which it has.
"""

import argparse
import pathlib
import tempfile
import time

import keras
import keras_hub
import numpy as np
import tensorflow as tf

import fusionkeras as fk

POLICIES = ("float32", "mixed_bfloat16")
ROWS, LENGTH, SIZE = 32, 64, (64, 64)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    print(f"Instructions for bfloat16: {', '.join(instructions()) or 'none'}")
    print(f"GPUs: {len(tf.config.list_physical_devices('GPU'))}")
    with tempfile.TemporaryDirectory() as folder:
        preset = write_bert(folder)
        models = {policy: build(policy, preset) for policy in POLICIES}
    seconds = {policy: [] for policy in POLICIES}
    for step in range(arguments.steps + 2):  # the first two trace and warm up
        for policy, (model, data) in models.items():
            begun = time.perf_counter()
            model.train_on_batch(*data)
            if step > 1:
                seconds[policy].append(time.perf_counter() - begun)
    medians = {policy: float(np.median(times)) for policy, times in seconds.items()}
    for policy, median in medians.items():
        print(f"{policy:15} {1000 * median:7.1f} ms a step of {ROWS} rows")
    print(f"mixed_bfloat16 / float32: {medians['mixed_bfloat16'] / medians['float32']:.2f}")


def instructions():
    """What the processor has of its own for bfloat16, as Linux names it."""
    path = pathlib.Path("/proc/cpuinfo")
    flags = set(path.read_text().split()) if path.exists() else set()
    return sorted(flags & {"amx_bf16", "avx512_bf16", "avx_ne_convert", "bf16"})


def write_bert(folder):
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(vocabulary),
        num_layers=4,
        num_heads=4,
        hidden_dim=256,
        intermediate_dim=1024,
        max_sequence_length=LENGTH,
    )
    backbone.save_to_preset(folder)
    keras_hub.tokenizers.BertTokenizer(vocabulary, lowercase=True).save_to_preset(folder)
    return folder


def build(policy, preset):
    """A compiled model of a precision, and a batch for it."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    branches = [
        fk.image_branch("small_cnn", image_size=SIZE),
        fk.bert_branch(preset, LENGTH, weights=None),
    ]
    model = fk.build_classifier(branches)
    fk.unfreeze(model, "text", last=4)
    fk.compile_classifier(model)
    random = np.random.default_rng(0)
    pixels = random.uniform(0, 255, (ROWS, *SIZE, 3)).astype("float32")
    ids = random.integers(5, 30, (ROWS, LENGTH)).astype("int32")
    return model, ({"image": pixels, "text_token_ids": ids}, random.integers(0, 2, ROWS))


if __name__ == "__main__":
    main()
