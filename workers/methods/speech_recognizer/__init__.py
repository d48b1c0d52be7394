"""Method ``speech_recognizer``: the sound of clips becomes text, by an attention network.

It is the teacher of ``lip_by_speech``: encoder and decoder have the same shape as the lip reader's.

Source: Chan et al. 2016, arXiv 1508.01211, at a small size; Zhao et al. 2020, arXiv 1911.11502.

Axes: as in ``torchkit.speech.networks``.
"""

from workers.methods.speech_recognizer.run import run

__all__ = ["run"]
