"""Reading files within a graph, so that none of them ends an epoch."""

import tensorflow as tf


def read_files(paths):
    """Reads files and never fails.

    A graph has no `try`; a one-element dataset that ignores errors, with a fallback behind it,
    serves as one. The whole batch is tried first, then, where that fails, each file by itself.

    Args:
        paths: string tensor of shape `(batch,)`; an empty path is no file.

    Returns:
        `(contents, readable)`: string tensor `(batch,)`, empty where there is no file or it
        cannot be read; and bool `(batch,)`, False where a file cannot be read.
    """
    # A graph that called this and `decode_images` as functions of their own would be placed in the
    # first of several processes, and fail in the others (seen on TensorFlow 2.21).
    return _read_all(paths) if tf.inside_function() else _read_compiled(paths)


def _read_all(paths):
    signature = (tf.TensorSpec((), tf.string), tf.TensorSpec((), tf.bool))
    together, one_by_one = (
        _attempt(
            lambda rows, each=each: tf.map_fn(each, rows, fn_output_signature=signature), paths
        )
        for each in (_read, _read_guarded)
    )
    return _first(together, one_by_one)


_read_compiled = tf.function(_read_all, reduce_retracing=True, autograph=False)


def _read(path):
    content = tf.cond(path == "", lambda: tf.constant(""), lambda: tf.io.read_file(path))
    return content, tf.constant(True)


def _read_guarded(path):
    nothing = tf.data.Dataset.from_tensors((tf.constant(""), tf.constant(False)))
    return _first(_attempt(_read, path), nothing)


def _attempt(function, value):
    return tf.data.Dataset.from_tensors(value).map(function)


def _first(attempt, fallback):
    guarded = attempt.ignore_errors(log_warning=False).concatenate(fallback)
    return guarded.take(1).get_single_element()
