"""Figures, and the page that people read."""

from fusionkeras.report.figures.comparison import plot_comparison
from fusionkeras.report.figures.confusion import plot_confusion
from fusionkeras.report.figures.curves import plot_precision_recall, plot_roc
from fusionkeras.report.figures.explanation import plot_explanation
from fusionkeras.report.figures.history import plot_history
from fusionkeras.report.figures.learning_curve import plot_learning_curve
from fusionkeras.report.figures.predictions import plot_predictions
from fusionkeras.report.figures.reliability import plot_reliability
from fusionkeras.report.figures.robustness import plot_robustness

__all__ = [
    "plot_comparison",
    "plot_confusion",
    "plot_explanation",
    "plot_history",
    "plot_learning_curve",
    "plot_precision_recall",
    "plot_predictions",
    "plot_reliability",
    "plot_robustness",
    "plot_roc",
]
