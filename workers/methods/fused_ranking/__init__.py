"""Method ``fused_ranking``: predicted accuracy of every candidate on the target, with uncertainty.

Accuracies on other datasets, estimator scores, similarities and runs measured on the target are
combined into one Gaussian posterior over all candidates. Probabilities of being best, sets and
regrets are estimated from draws of it.

Source: ours, with the Gaussian conditioning of Rasmussen & Williams 2006, chapter 2.

Axes: ``model`` a network, ``dataset`` a column of the history, ``draw`` a sample of the posterior.
"""

from workers.methods.fused_ranking.evidence import FusedRankingData
from workers.methods.fused_ranking.outcome import BaselineOrder, Estimate, FusedRankingResult
from workers.methods.fused_ranking.run import run

__all__ = ["BaselineOrder", "Estimate", "FusedRankingData", "FusedRankingResult", "run"]
