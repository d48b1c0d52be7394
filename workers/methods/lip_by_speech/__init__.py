"""Method ``lip_by_speech``: a lip reader learns from text and from a frozen speech recognizer.

The recognizer hears the clips that the lip reader sees. Besides the text, the lip reader matches its
features at three time scales: the whole clip, each character that both texts share, each frame.

Source: Zhao et al. 2020, arXiv 1911.11502.

Axes: ``clip``; ``audio`` and ``video`` frames; ``pair`` of positions of a common character;
``teacher_unit`` of the recognizer's states.
"""

from workers.methods.lip_by_speech.run import run

__all__ = ["run"]
