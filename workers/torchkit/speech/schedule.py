"""The order of clips and the rate of own tokens over a training."""

from collections.abc import Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from service.core.catalog.speech_training import SpeechTrainingConfig

_SAMPLING_RISES = 0.6


def sampling_rate(progress: float, config: SpeechTrainingConfig) -> float:
    """Share of own previous tokens: rises linearly over the first 60 % of the training."""
    return config.sampling * min(1.0, progress / _SAMPLING_RISES)


def admitted_clips(clips: int, progress: float, config: SpeechTrainingConfig) -> int:
    """How many of the clips, shortest first, a step may draw; at least one batch."""
    if config.curriculum_fraction == 0:
        return clips
    share = config.shortest_fraction + (1 - config.shortest_fraction) * min(
        1.0, progress / config.curriculum_fraction
    )
    return min(clips, max(config.batch_size, round(share * clips)))


def drawn_clips(
    shortest_first: Sequence[int],
    progress: float,
    config: SpeechTrainingConfig,
    generator: torch.Generator,
) -> Int64[Tensor, " clip"]:
    """Indices of a batch of different clips."""
    admitted = admitted_clips(len(shortest_first), progress, config)
    drawn = torch.randperm(admitted, generator=generator)[: config.batch_size]
    return torch.tensor(shortest_first)[drawn]
