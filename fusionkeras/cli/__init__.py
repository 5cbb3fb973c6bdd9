"""The command line: parses, calls the library, prints."""

import sys

from fusionkeras._checks import check_tensorflow
from fusionkeras.cli.arguments import parse
from fusionkeras.cli.ask import run_evaluate
from fusionkeras.cli.audit import run_audit
from fusionkeras.cli.cache import run_cache
from fusionkeras.cli.compare import run_compare
from fusionkeras.cli.demo import run_demo
from fusionkeras.cli.export import run_export
from fusionkeras.cli.features import run_features
from fusionkeras.cli.precision import precision_of
from fusionkeras.cli.predict import run_predict
from fusionkeras.cli.report import run_report
from fusionkeras.cli.serve import run_serve
from fusionkeras.cli.train import run_train

COMMANDS = {
    "demo": run_demo,
    "train": run_train,
    "compare": run_compare,
    "evaluate": run_evaluate,
    "predict": run_predict,
    "features": run_features,
    "report": run_report,
    "export": run_export,
    "audit": run_audit,
    "cache": run_cache,
    "serve": run_serve,
}


def main(argv=None):
    """Runs one command.

    Args:
        argv: list of str, the arguments; None reads those of the process.

    Returns:
        int: 0 done, 2 for wrong arguments or a table that cannot be used, with one line on
        stderr. Any other failure raises, and Python exits with 1.
    """
    try:
        options = parse(argv)
        check_tensorflow("Commands")
        with precision_of(options):
            COMMANDS[options.command](options)
    except Exception as error:
        if not hasattr(error, "is_argument_error"):
            raise
        print(f"fusionkeras: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0
