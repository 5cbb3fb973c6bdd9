"""`fusionkeras features`: what the fusion of a model makes of every row of a table."""

from fusionkeras.cli.predict import answer_table


def run_features(options):
    """Writes one vector for every row of the table, in order; goes on where it was broken off."""
    answer_table(options, "features", (".parquet", ".jsonl"))  # which have cells of many numbers
