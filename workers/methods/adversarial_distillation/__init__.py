"""Method ``adversarial_distillation``: data-free distillation of a teacher with a generator.

The student learns the frozen teacher's logits on images that a generator draws from noise. The
generator searches for images on which student and teacher disagree, optionally with the teacher's
batch statistics. The method receives no images.

Source: Fang et al. 2019 (DFAD), arXiv 1912.11006; Choi et al. 2020 (DFQ), arXiv 2005.04136; Fang
et al. 2021 (FastDFKD), arXiv 2112.06253.

Axes: ``image``; ``label`` one class; ``pixel`` of a dense output; ``channel row column`` of
images.
"""

from workers.methods.adversarial_distillation.run import run

__all__ = ["run"]
