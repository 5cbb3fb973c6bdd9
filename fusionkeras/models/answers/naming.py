"""The names of classes, and what is answered with them."""

import tensorflow as tf

from fusionkeras._checks import argument_error


def named(class_names):
    """What a layer declares that names classes."""
    return {"label": ((), "string"), "probabilities": ((len(class_names),), "float32")}


def likeliest(class_names, probabilities):
    """The name of the likeliest class of each row."""
    return tf.gather(tf.constant(class_names), tf.argmax(probabilities, axis=-1))


def check_names(class_names):
    """Raises unless these are two or more distinct names; returns them as a list."""
    names = [] if class_names is None or isinstance(class_names, str) else list(class_names)
    if not len(set(names)) == len(names) >= 2 or not all(isinstance(x, str) for x in names):
        raise argument_error(
            "Wrong class names", "two or more distinct names", class_names=class_names
        )
    return names


def check_count(class_names, classes):
    """Raises unless there is a name for every class."""
    if len(class_names) != classes:
        raise argument_error(
            f"The model tells {classes} classes apart",
            f"{classes} class names",
            class_names=class_names,
        )
