"""Figures: each takes what was measured, and draws it on axes of Matplotlib.

They belong to no window and not to pyplot: `.figure` of what is returned is saved with `savefig`,
and a notebook that said `%matplotlib inline` shows it.
"""
