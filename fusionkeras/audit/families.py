"""The families of findings, one after another."""

from fusionkeras.audit.labels import audit_labels
from fusionkeras.audit.leakage import audit_leakage
from fusionkeras.audit.lengths import lengths_of
from fusionkeras.audit.pictures import audit_pictures
from fusionkeras.audit.rows import Rows
from fusionkeras.audit.subject import Subject
from fusionkeras.audit.texts import audit_texts

# Family -> function from a `Subject` to a list of `Finding`.
AUDITS = {
    "pictures": audit_pictures,
    "texts": audit_texts,
    "labels": audit_labels,
    "leakage": audit_leakage,
}


def find(data, sequence_length, preprocessor, progress):
    """What there is to find, a list of `Finding`; as for `audit`."""
    rows = Rows(data)
    subject = Subject(rows, lengths_of(rows.texts, sequence_length, preprocessor), progress)
    return [finding for family in AUDITS.values() for finding in family(subject)]
