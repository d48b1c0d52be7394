"""Room of ``knowledge_distillation``: a fresh student learns a frozen teacher's answers on images.

Teacher and student see the same canonical frames, each through its own preprocessing. Labels are
not needed; where they are there, they measure, and teach only if asked to.

Source: Hinton, Vinyals & Dean 2015, arXiv 1503.02531; Romero et al. 2014 (FitNets), arXiv
1412.6550; Zagoruyko & Komodakis 2016 (attention transfer), arXiv 1612.03928.

Axes: ``image``; ``side`` of the canonical frame; ``label`` one class; ``channel row column`` of
inputs and maps; ``unit`` of a feature vector.
"""

from workers.methods.knowledge_distillation.run import Inputs, Result, run

__all__ = ["Inputs", "Result", "run"]
