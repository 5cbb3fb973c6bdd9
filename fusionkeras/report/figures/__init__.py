"""Figures: each takes what was measured, and draws it on axes of Matplotlib."""
