"""The engines that run a pipeline, and what each of them lacks here."""

import importlib.util
import os
import shutil

from fusionkeras._checks import argument_error, missing_package

# What people say -> Beam's class. The DirectRunner looks for another engine on the network before
# it takes this one, which is the one that reads `--direct_num_workers`.
RUNNERS = {
    "direct": "FnApiRunner",
    "flink": "FlinkRunner",
    "spark": "SparkRunner",
    "dataflow": "DataflowRunner",
}
# With one of these options nobody has to begin a job server, which takes Java.
_NO_SERVER = ("--job_endpoint", "--flink_submit_uber_jar", "--spark_submit_uber_jar")


def check_runner(runner, more):
    """Raises where something lacks that a runner needs.

    Args:
        runner: str, one of `RUNNERS`.
        more: list of str, the options for Beam.

    Raises:
        ImportError: without Apache Beam, or what it needs for a runner.
        ValueError: without Java, where it is needed, and where `more` names a runner again.
    """
    if importlib.util.find_spec("apache_beam") is None:
        raise missing_package("apache-beam", "--runner", '"fusionkeras[beam]"')
    if any(option.split("=")[0] == "--runner" for option in more):
        raise argument_error(
            "The runner is named twice",
            "--runner ahead of -- only",
            runner=runner,
            more=list(more),
        )
    if runner == "dataflow":
        _check_dataflow()
    served = any(option.startswith(_NO_SERVER) for option in more)
    if runner in ("flink", "spark") and not served and not _has_java():
        raise argument_error(
            f"There is no Java to begin a job server of {runner} with",
            "the program java",
            "Install it, or name a server that is there: -- --job_endpoint=HOST:PORT",
            runner=runner,
        )


def _check_dataflow():
    try:
        importlib.import_module("google.cloud.dataflow")
    except ImportError as error:
        raise missing_package(
            "google-cloud-dataflow-client", "--runner dataflow", '"apache-beam[gcp]"'
        ) from error


def _has_java():
    home = os.environ.get("JAVA_HOME")
    return shutil.which(os.path.join(home, "bin", "java") if home else "java") is not None
