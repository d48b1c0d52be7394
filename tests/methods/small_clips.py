"""Tiny clips whose pictures and sound both show the text, for tests of trainings on clips."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from workers.torchkit.clips import Clip

SYLLABLES = {"买": "mai3", "卖": "mai4", "看": "kan4", "书": "shu1", "树": "shu4", "鱼": "yu2"}
FRAMES_PER_CHARACTER, MEL_PER_CHARACTER = 5, 22


def drawn_clip(text: str, seed: int, *, speaker: str = "a") -> Clip:
    """A clip of 6 x 8 pixels with five frames per character; both modalities show it plainly."""
    generator = torch.Generator().manual_seed(seed)
    looks = torch.randn(len(SYLLABLES), 6, 8, generator=torch.Generator().manual_seed(0))
    sounds = torch.randn(len(SYLLABLES), 80, generator=torch.Generator().manual_seed(1))
    characters = torch.tensor([list(SYLLABLES).index(character) for character in text])
    pixels = looks[characters].repeat_interleave(FRAMES_PER_CHARACTER, 0)
    mel = sounds[characters].repeat_interleave(MEL_PER_CHARACTER, 0)
    pixels = pixels + 0.2 * torch.randn(pixels.shape, generator=generator)
    mel = mel + 0.2 * torch.randn(mel.shape, generator=generator)
    return Clip(
        crops=(128 + 40 * pixels).clamp(0, 255).to(torch.uint8),
        crop_times=(torch.arange(len(pixels)) + 0.5) / 25,
        mel=mel,
        mel_times=torch.arange(len(mel)) * 0.01 + 0.0125,
        transcript=text,
        pinyin=tuple(SYLLABLES[character] for character in text),
        speaker=speaker,
    )


def drawn_texts(count: int, seed: int) -> list[str]:
    """Texts of one to four characters."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, 5, (count,), generator=generator).tolist()
    return [
        "".join(
            list(SYLLABLES)[index]
            for index in torch.randint(len(SYLLABLES), (length,), generator=generator).tolist()
        )
        for length in lengths
    ]


def small_clips(count: int, seed: int = 0) -> tuple[Clip, ...]:
    """Clips of drawn texts."""
    return tuple(
        drawn_clip(text, 100 * seed + number)
        for number, text in enumerate(drawn_texts(count, seed))
    )


def silent(clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """The same clips without sound."""
    return tuple(replace(clip, mel=torch.zeros(0, 80), mel_times=torch.zeros(0)) for clip in clips)
