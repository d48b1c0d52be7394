"""Method ``dynamic_instance_normalization``: one small network paints in the style of any picture.

A frozen network of the zoo describes a style by means and deviations of its maps; small heads turn
them into kernels and biases, which a light network applies to normalized maps of the content.

Source: Jing et al. 2020, arXiv 1911.06953; losses after Huang & Belongie 2017, arXiv 1703.06868.

Axes: ``image``; ``side`` of the canonical frame; ``channel``, ``row`` and ``column`` of maps;
``tap`` of a kernel; ``member`` of a group of channels; ``parameter`` of a style; ``twice`` means and
deviations of channels.
"""

from workers.methods.dynamic_instance_normalization.run import run

__all__ = ["run"]
