"""Method ``cascade_seq2seq``: lips become syllables, then tones, then Mandarin characters.

Each stage decodes with attention to the video and to the texts of all earlier stages. Stages learn one
after the other on true texts, then together on what the stages before them predict.

Source: Zhao et al. 2019, arXiv 1908.04917.

Axes: ``clip``; ``token`` of a text; ``word`` of a vocabulary; ``time`` and ``unit`` as in
``torchkit.speech.networks``.
"""

from workers.methods.cascade_seq2seq.run import run

__all__ = ["run"]
