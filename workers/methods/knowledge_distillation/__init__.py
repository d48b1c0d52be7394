"""Method ``knowledge_distillation``: a new student learns the logits of frozen teachers on images.

Teachers and student receive the same canonical frames, each through its own preprocessing. Labels
are optional: they serve evaluation, and training only on request.

Source: Hinton, Vinyals & Dean 2015, arXiv 1503.02531; Romero et al. 2014 (FitNets), arXiv
1412.6550; Zagoruyko & Komodakis 2016 (attention transfer), arXiv 1612.03928.

Axes: ``image``; ``side`` of the canonical frame; ``label`` one class; ``channel row column`` of
inputs and maps; ``unit`` of a feature vector.
"""

from workers.methods.knowledge_distillation.run import run

__all__ = ["run"]
