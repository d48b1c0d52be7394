"""Method ``common_feature_amalgamation``: a student learns several classifiers of any architecture.

The student learns their logits. In a shared feature space, its features must have the same
distribution as those of each teacher, and each teacher's features must be reconstructible from
the space. The space is discarded after training. Labels are not used.

Source: Luo et al. 2019 (IJCAI), arXiv 1906.10546.

Axes: ``image``; ``channel row column`` of maps; ``unit`` of a flattened map; ``column`` one output
of one teacher.
"""

from workers.methods.common_feature_amalgamation.run import run

__all__ = ["run"]
