"""Room of ``fused_ranking``: how accurate will every candidate be on the target, and how sure is that.

Accuracies on other datasets, scores of estimators, similarities and runs measured on the target
itself become one Gaussian posterior over all candidates; probabilities of being the best, sets
and regrets are counted in draws from it.

Source: ours, with the Gaussian conditioning of Rasmussen & Williams 2006, chapter 2.

Axes: ``model`` a network, ``dataset`` one of the history, ``draw`` one sample of the posterior.
"""

from workers.methods.fused_ranking.evidence import Inputs
from workers.methods.fused_ranking.outcome import Baseline, Estimate, Result
from workers.methods.fused_ranking.run import run

__all__ = ["Baseline", "Estimate", "Inputs", "Result", "run"]
