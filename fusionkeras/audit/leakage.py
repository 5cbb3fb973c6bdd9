"""What a model could cheat with."""

from fusionkeras.audit.across import find_across
from fusionkeras.audit.classes import classes_of
from fusionkeras.audit.telling import find_determining, find_named_labels


def audit_leakage(subject):
    """Finds what is on both sides of a split, and what tells the label.

    Args:
        subject: `Subject`.

    Returns:
        list of `Finding`.
    """
    findings = find_across(subject)
    for head, classes in classes_of(subject.rows).items():
        findings += find_named_labels(subject.rows, head, classes)
        findings += find_determining(subject, head, classes)
    return findings
