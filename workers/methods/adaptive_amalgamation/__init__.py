"""Method ``adaptive_amalgamation``: selected tasks of several networks are combined in one.

Every task has sources: networks with all of its labels. First each task gets its own network, the
component, which learns every image from the source with the lowest ambiguity; then the student
learns all components at once. Labels of images are not used.

Source: Shen et al. 2019, arXiv 1908.07121.

Axes: ``image``; ``source`` one network of a task; ``label`` one of the task's; ``channel row
column`` of maps; ``out`` rows of a 1 x 1 convolution.
"""

from workers.methods.adaptive_amalgamation.run import run

__all__ = ["run"]
