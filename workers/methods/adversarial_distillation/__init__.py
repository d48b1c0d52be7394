"""Room of ``adversarial_distillation``: student and generator play against each other.

The student learns the frozen teacher's answers on images that a generator draws from noise; the
generator looks for images on which both answer differently, and may be held to what the teacher
remembers of real ones. No image is ever given to this room.

Source: Fang et al. 2019 (DFAD), arXiv 1912.11006; Choi et al. 2020 (DFQ), arXiv 2005.04136; Fang
et al. 2021 (FastDFKD), arXiv 2112.06253.

Axes: ``image``; ``label`` one class; ``place`` of an answer's pixel; ``channel row column`` of
images.
"""

from workers.methods.adversarial_distillation.run import Inputs, Result, run

__all__ = ["Inputs", "Result", "run"]
