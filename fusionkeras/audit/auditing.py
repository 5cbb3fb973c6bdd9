"""The audit of a table."""

from fusionkeras._checks import argument_error
from fusionkeras.audit.finding import SEVERITIES
from fusionkeras.audit.report import AuditReport
from fusionkeras.data.table import Data


def audit(data, sequence_length=None, preprocessor=None, progress=True):
    """Looks for what is the matter with a table before anything is trained on it.

    Pictures that are missing, damaged, cut, of a format that is not read, gigantic, tiny, of one
    colour, animated, rotated; texts that are empty, longer than is read, with control
    characters, of mixed encodings, with HTML; labels that are missing, rare, nearly alike,
    uneven; pictures, texts and rows on both sides of a split; labels that stand in the text, and
    columns that tell them. What the reader has put into the quarantine is judged there: a row
    counts with its first problem.

    Every distinct picture is opened once, at a small size, on all cores; of each row no more
    than a few numbers are kept.

    Args:
        data: `Data`, what `read_table` returns.
        sequence_length: int, the words of a text that a model reads; or a dict of
            `{column: int}`; None finds no text too long, unless a preprocessor tells.
        preprocessor: `Preprocessor` of one or several branches: texts are counted in its tokens
            in place of words, and its sequence length holds where none is said.
        progress: bool, whether bars on stderr show how far it is.

    Returns:
        `AuditReport`.

    Raises:
        TypeError: for arguments of the wrong type.
        ValueError: for wrong values.
        ImportError: where there are pictures, and Pillow or ImageHash is not installed.

    Example:
    >>> import pandas as pd
    >>> from fusionkeras.data import read_table
    >>> rows = {"caption": ["red &amp; blue", "blue", "green"], "category": ["a", "a", "b"]}
    >>> data = read_table(pd.DataFrame(rows), {"text": "caption"}, "category", split=(1, 0, 0))
    >>> for finding in audit(data).findings:
    ...     print(finding.kind, finding.count, [place.row for place in finding.rows])
    html 1 [0]
    class_of_one_row 1 [2]
    """
    if not isinstance(data, Data):
        raise argument_error(
            "Wrong type of data",
            "what read_table returns",
            kind=TypeError,
            data=type(data).__name__,
        )
    # Here, as many modules look and `import fusionkeras` is quick.
    from fusionkeras.audit.families import find

    findings = find(data, sequence_length, preprocessor, progress)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return AuditReport(tuple(findings), data.summary(), data.train.files)
