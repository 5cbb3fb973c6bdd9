"""What a model looked at, and how much each branch contributes."""

from fusionkeras.explanation.explainer import Explainer
from fusionkeras.explanation.explaining import explain
from fusionkeras.explanation.explanation import Explanation

__all__ = ["Explainer", "Explanation", "explain"]
