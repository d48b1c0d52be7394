"""Room of ``adaptive_amalgamation``: chosen tasks of several networks come together in one.

Every task has its sources, networks that know all of its labels. First each task gets a network
of its own, the component, whose images are each taught by the source that is least in doubt;
then the student learns all components at once. Labels of images are never looked at.

Source: Shen et al. 2019, arXiv 1908.07121.

Axes: ``image``; ``source`` one network of a task; ``label`` one of the task's; ``channel row
column`` of maps; ``out`` rows of a 1 x 1 convolution.
"""

from workers.methods.adaptive_amalgamation.run import Inputs, Result, run

__all__ = ["Inputs", "Result", "run"]
