"""Method ``style_baking``: a stylizer and one style become a network from pictures to pictures.

The parameters of the style are computed once and stored as constants; nothing is trained.

Axes: ``image``; ``side`` of the canonical frame; ``row`` and ``column`` of pictures; ``parameter`` of
a style.
"""

from workers.methods.style_baking.run import StyleBakingData, StyleBakingResult, run

__all__ = ["StyleBakingData", "StyleBakingResult", "run"]
