"""Method ``ranking``: similarity of every candidate to the target, with intervals.

Sources: Song et al., NeurIPS 2019 (nodes) and CVPR 2020 (edges); intervals are ours.

Axes: ``probe`` one image, ``edge`` one pair of probes, ``replicate`` one resampled probe set.
"""

from workers.methods.ranking.run import ComparedGraph, RankingData, RankingResult, run

__all__ = ["ComparedGraph", "RankingData", "RankingResult", "run"]
