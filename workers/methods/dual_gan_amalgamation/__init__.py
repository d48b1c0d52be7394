"""Room of ``dual_gan_amalgamation``: several frozen networks become one without any image.

A generator learns images that make all teachers decided, about all labels, with a few labels each.
The student is then made block by block: the teachers' later blocks judge what its first ones put
out. Or, more simply, it learns all answers side by side while the generator still moves. No image
is ever given to this room.

Source: Ye et al. 2020 (DFKA), arXiv 2003.09088; Chen et al. 2019 (DAFL), arXiv 1904.01186.

Axes: ``image``; ``output`` one of a teacher; ``label`` one of the student; ``channel row column``
of images and maps. Blocks are counted from 1, from the image to the answer; groups of the
generator from the noise to the image.
"""

from workers.methods.dual_gan_amalgamation.run import Inputs, Result, run

__all__ = ["Inputs", "Result", "run"]
