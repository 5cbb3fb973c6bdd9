"""What is the matter with a table, before anything is trained on it."""

from fusionkeras.audit.auditing import audit
from fusionkeras.audit.finding import Finding, Place
from fusionkeras.audit.report import AuditReport

__all__ = ["AuditReport", "Finding", "Place", "audit"]
