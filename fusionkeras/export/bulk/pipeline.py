"""The pipeline: numbers of shards, their rows, answers, files."""

from fusionkeras.export.bulk.reading import Reading
from fusionkeras.export.bulk.runners import RUNNERS, check_runner
from fusionkeras.export.bulk.writing import Writing


def run_job(job, shards, runner, more=()):
    """Answers and writes some shards of a job, and waits for the end.

    To the workers go the numbers of shards, and no row: each reads its own. Nothing is lost or
    there twice when a worker fails and is tried again, since a shard that is written again takes
    the place of the first.

    Args:
        job: `Job`.
        shards: list of int.
        runner: str, one of `RUNNERS`, or the name of a class of Beam's.
        more: list of str, further options for Beam as they are.

    Returns:
        Beam's `PipelineResult`.

    Raises:
        ImportError: without Apache Beam, or what it needs for the runner.
        ValueError: where something else lacks that the runner needs.
        RuntimeError: where the pipeline fails, with what Beam tells.
    """
    check_runner(runner, more)
    import apache_beam as beam
    from apache_beam.ml.inference.base import RunInference
    from apache_beam.options.pipeline_options import PipelineOptions

    from fusionkeras.export.bulk.handler import Handler

    options = PipelineOptions([f"--runner={RUNNERS.get(runner, runner)}", *more])
    pipeline = beam.Pipeline(options=options)
    (
        pipeline
        | "Shards" >> beam.Create(shards)
        | "Spread" >> beam.Reshuffle()
        | "Read" >> beam.Map(Reading(job))
        | "Answer" >> RunInference(Handler(job))
        | "Write" >> beam.Map(Writing(job))
    )
    result = pipeline.run()
    result.wait_until_finish()
    return result
