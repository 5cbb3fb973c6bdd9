"""The only writer of argument errors, so that all of them read alike."""

import difflib
import math
import numbers


def argument_error(problem, expected, cure="", kind=ValueError, **received):
    """Makes the exception `<problem>. Expected <expected>. Received: <name>=<repr>. <cure>`.

    It is marked, so that the command line can tell a wrong argument from a fault of ours.
    """
    parts = [f"{problem}.", f"Expected {expected}."]
    if received:
        shown = ", ".join(f"{name}={shorten(value)}" for name, value in received.items())
        parts.append(f"Received: {shown}.")
    error = kind(" ".join([*parts, cure]).strip())
    error.is_argument_error = True
    return error


def shorten(value, limit=200):
    """The `repr` of `value`, cut in the middle where it is long."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit // 2]} ... {text[-limit // 2 :]}"


def did_you_mean(value, choices):
    """A sentence that names the nearest of `choices`, or nothing where none is near."""
    near = difflib.get_close_matches(str(value), [str(choice) for choice in choices], n=1)
    return f"Did you mean {near[0]!r}?" if near else ""


def check_tensorflow(what):
    """Raises ValueError where Keras runs on another backend than TensorFlow.

    Args:
        what: str, what runs on TensorFlow alone, in the plural.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise argument_error(
            f"{what} run on TensorFlow alone",
            "KERAS_BACKEND='tensorflow'",
            "Save the model, and load it there: weights and .keras files are the same.",
            KERAS_BACKEND=keras.backend.backend(),
        )


def check_choice(what, choices, cure="", **received):
    """Raises ValueError unless the one received value is among `choices`; returns it."""
    ((_, value),) = received.items()
    if isinstance(value, str) and value in choices:
        return value
    choices = list(choices)
    cure = did_you_mean(value, choices) or cure
    raise argument_error(f"Unknown {what}", f"one of {choices}", cure, **received)


def check_built_for(layer, built, features):
    """Raises where a layer that has its weights meets branches that they are not for."""
    if set(built) != set(features):
        raise argument_error(
            f"This {type(layer).__name__} belongs to a model of other branches",
            f"{sorted(built)}",
            "Make a new one, or name it, and every model gets its own.",
            branches=sorted(features),
        )


def check_integer(what, minimum=1, **received):
    """Raises unless the one received value is an int of at least `minimum`; returns it."""
    ((_, value),) = received.items()
    expected = f"an integer of at least {minimum}"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise argument_error(f"Wrong type for the {what}", expected, kind=TypeError, **received)
    if value < minimum:
        raise argument_error(f"The {what} is too small", expected, **received)
    return int(value)


def check_rate(what, **received):
    """Raises unless the one received value is a number in [0, 1); returns it."""
    ((_, value),) = received.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value < 1:
        raise argument_error(f"Wrong {what}", "a number in [0, 1)", **received)
    return float(value)


def check_learning_rate(learning_rate):
    """Raises unless the rate is a positive, finite number; returns it."""
    is_number = isinstance(learning_rate, numbers.Real) and not isinstance(learning_rate, bool)
    if not (is_number and math.isfinite(learning_rate) and learning_rate > 0):
        raise argument_error(
            "Wrong learning rate", "a positive number", learning_rate=learning_rate
        )
    return learning_rate


def check_image_size(image_size):
    """Raises unless `image_size` is two positive integers; returns them as a tuple (H, W)."""
    if isinstance(image_size, (list, tuple)) and len(image_size) == 2:
        return tuple(check_integer("side of the picture", image_size=side) for side in image_size)
    raise argument_error("Wrong image size", "(height, width) in pixels", image_size=image_size)


def missing_package(package, purpose, install):
    """Makes the ImportError for an optional package, with the line that installs it."""
    return argument_error(
        f"{purpose} needs the package {package}",
        "it to be installed",
        f"Run: pip install {install}",
        ImportError,
    )
