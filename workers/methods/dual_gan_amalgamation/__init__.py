"""Method ``dual_gan_amalgamation``: data-free amalgamation of several frozen networks.

A generator learns images on which all teachers are confident, which cover all labels and show few
labels each. In ``dfka`` the student is then trained block by block: the teachers' later blocks
evaluate the output of its first ones. In ``dfq_ka`` it learns all logits while the generator
trains adversarially. The method receives no images.

Source: Ye et al. 2020 (DFKA), arXiv 2003.09088; Chen et al. 2019 (DAFL), arXiv 1904.01186.

Axes: ``image``; ``output`` one of a teacher; ``label`` one of the student; ``channel row column``
of images and maps. Blocks are counted from 1, from the image to the logits; groups of the
generator from the noise to the image.
"""

from workers.methods.dual_gan_amalgamation.run import run

__all__ = ["run"]
