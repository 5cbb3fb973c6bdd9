"""`fusionkeras export`: what leaves a RUN."""

import argparse
import json
import os

from fusionkeras.cli.run import Run
from fusionkeras.cli.sources import source_of
from fusionkeras.export import export, load
from fusionkeras.export.examples import COUNT


def run_export(options):
    """Writes the next version of a served model, tried on rows of the table of the RUN."""
    run, serving = Run(options.model), load(options.model)
    config = run.read_config()
    target = export(
        serving,
        options.path,
        options.version,
        _examples(config),
        verify=not options.no_verify,
        card=_card(run, config),
        quantize=options.quantize,
        fold=options.fold,
    )
    print(f"Written to {target}")


def _examples(config):
    """Rows of a table of the RUN, the test rather than what was trained on; None without."""
    options, alone = config.get("options", {}), dict.fromkeys(("validation", "test", "split"))
    images, texts = options.get("image") or {}, options.get("text") or {}
    for table in (options.get("test"), options.get("validation"), options.get("table")):
        if not table or not os.path.exists(table):
            continue
        source = source_of(argparse.Namespace(**{**options, **alone, "table": table}))
        if source.hashes().items() <= config["tables"].items():
            root = options.get("files_root")
            how = {"files": tuple(images), "files_root": root, "check": "header"}
            rows = source.stream_rows({**images, **texts}, progress=False, **how)
            return next(rows.pieces(COUNT))[0]
    return None


def _card(run, config):
    """What `model_card.json` says of the RUN."""
    metrics = json.loads(run.metrics.read_text("utf-8")) if run.metrics.is_file() else None
    return {
        "metrics": metrics,
        "tables": config.get("tables"),
        "trained_with": config.get("versions"),
    }
