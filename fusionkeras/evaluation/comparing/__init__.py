"""Whether fusing helps: each branch alone against every fusion.

`candidates` are the models; `rows` holds what they read, `starts` where their encoders begin;
`training` trains one of them with each seed, which gives an `outcome`, `kept` in a folder. The
`comparison` of all of them tells `metrics` with their intervals by `bootstrap`.
"""

from fusionkeras.evaluation.comparing.comparing import compare
from fusionkeras.evaluation.comparing.comparison import Comparison

__all__ = ["Comparison", "compare"]
