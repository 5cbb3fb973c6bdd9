"""Data that the package makes itself."""

from fusionkeras.datasets.drawn import draw_statements

__all__ = ["draw_statements"]
