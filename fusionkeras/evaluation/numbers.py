"""How the reports write their numbers."""

import math


def as_json(pairs):
    """`(name, number)` pairs as a dict that `json.dumps` takes: NaN becomes None."""
    return {name: None if math.isnan(number) else number for name, number in pairs}


def metrics_of(report):
    """The metrics of a report, `{name: float}`, but for the number of rows.

    Of several heads the names are those of the head and the metric.
    """
    summary = report.summary()
    several = isinstance(next(iter(summary.values())), dict)
    pairs = [
        (f"{head} {name}".strip(), value)
        for head, own in (summary if several else {"": summary}).items()
        for name, value in own.items()
        if name != "rows"
    ]
    return {name: math.nan if value is None else value for name, value in pairs}


def line_of(report, names, intervals=None):
    """One readable line of the numbers of a report, `{what is shown: attribute}`, and its rows.

    With `intervals`, `{attribute: (low, high)}`, they stand beside the numbers.
    """

    def told(name):
        number = getattr(report, name)
        return with_interval(number, intervals[name]) if intervals else f"{number:.4f}"

    shown = [f"{label} {told(name)}" for label, name in names.items()]
    return "   ".join([*shown, f"rows {report.rows}"])


def short(number, sign=""):
    """Three decimals, without a zero ahead of the point; `sign="+"` writes the plus too.

    Example:
        >>> short(0.9619), short(-0.005), short(12), short(0.0000123), short(0.0003, sign="+")
        ('.962', '-.005', '12.000', '1.2e-05', '+.0003')
    """
    tiny = 0 < abs(number) < 0.0005
    text = f"{number:{sign}.2g}" if tiny else f"{number + 0.0:{sign}.3f}"
    return text.replace("0.", ".", 1) if abs(number) < 0.9995 else text


def with_interval(number, interval=None, sign=""):
    """A number and its interval, such as `.962 [.933, .986]`."""
    if interval is None:
        return short(number, sign)
    return f"{short(number, sign)} [{', '.join(short(end, sign) for end in interval)}]"


def verdict(names, gain):
    """What branches or columns add.

    Args:
        names: list of str.
        gain: above 0 where they help, below 0 where they harm; None where it cannot be told.

    Example:
        >>> verdict(["image"], 0), verdict(["image", "sound"], 1), verdict(["image"], None)
        ('image adds nothing measurable here', 'image and sound help', 'whether image helps cannot
        be told')
    """
    s = "" if len(names) > 1 else "s"
    if gain is None:
        return f"whether {' and '.join(names)} help{s} cannot be told"
    found = (
        f"help{s}" if gain > 0 else f"harm{s}" if gain < 0 else f"add{s} nothing measurable here"
    )
    return f"{' and '.join(names)} {found}"


def intervals_as_json(values):
    """Intervals, however deep in dicts, as lists that `json.dumps` takes: NaN becomes None."""
    if isinstance(values, dict):
        return {name: intervals_as_json(own) for name, own in values.items()}
    return list(as_json(enumerate(values)).values())


def matrix_lines(class_names, confusion):
    """A confusion matrix as lines of text: true class down, predicted class across."""
    width = max(len("macro average"), *map(len, class_names)) + 4
    cell = max(5, len(str(confusion.max())) + 1)
    header = "".join(f"{f'#{i}':>{cell}}" for i in range(len(class_names)))
    rows = [
        f"{f'#{i} {name}':{width}}" + "".join(f"{count:{cell}d}" for count in counts)
        for i, (name, counts) in enumerate(zip(class_names, confusion, strict=True))
    ]
    return [" " * width + header, *rows]
