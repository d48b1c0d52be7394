"""Room of ``common_feature_amalgamation``: a student learns several classifiers of any build.

The student learns their answers, and in a space that all share its features are to be
distributed as theirs; what that space says of a teacher must still rebuild the teacher's own
features. The space is thrown away when the student is done. No label is looked at.

Source: Luo et al. 2019 (IJCAI), arXiv 1906.10546.

Axes: ``image``; ``channel row column`` of maps; ``unit`` of a flattened map; ``column`` one output
of one teacher.
"""

from workers.methods.common_feature_amalgamation.run import Inputs, Result, run

__all__ = ["Inputs", "Result", "run"]
