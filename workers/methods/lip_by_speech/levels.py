"""The losses of the three levels for batches of clips, with the maps that they train."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from service.core.catalog.lip_by_speech import FrameAlignment, LipBySpeechParams
from workers.methods.lip_by_speech.maths import (
    at_pairs,
    attention_alignment,
    clip_mean,
    context_distance,
    frame_distance,
    learned_alignment,
    near_diagonal,
    pair_tensors,
    sequence_distance,
)
from workers.methods.lip_by_speech.pictures import ALIGNMENT, alignment_picture
from workers.methods.lip_by_speech.teacher_features import TeacherClip, feature_scales
from workers.torchkit.speech.features import FeatureBatch, FeatureSequence
from workers.torchkit.speech.seq2seq import ForcedReading, Seq2Seq, drawn_weights
from workers.torchkit.speech.texts import TextBatch

_SHOWN = 4
_MAPS = 2  # added to the seed of the maps, so that they change no other draw


class TeacherMaps(nn.Module):
    """t1, t2 and t3 into the teacher's space, and the bilinear form W, which starts as identity."""

    def __init__(self, student: int, teacher: int) -> None:
        super().__init__()
        self.sequence = nn.Linear(student, teacher)
        self.context = nn.Linear(student, teacher)
        self.frame = nn.Linear(student, teacher)
        self.bilinear = nn.Linear(teacher, teacher, bias=False)

    @classmethod
    def drawn(cls, student: int, teacher: int, seed: int) -> "TeacherMaps":
        """Maps with weights of the seed."""
        maps = cls(student, teacher)
        drawn_weights(maps, torch.Generator().manual_seed(seed + _MAPS))
        nn.init.eye_(maps.bilinear.weight)
        return maps


class SpeechLevels:
    """Sequence, context and frame level of a training, each with its weight.

    Args:
        sequences: Video features of the training clips.
        teacher: The teacher's quantities of the same clips; None for clips without sound.
        network: The student, which the picture of the alignment reads.
    """

    def __init__(
        self,
        params: LipBySpeechParams,
        teacher: Sequence[TeacherClip | None],
        *,
        sequences: Sequence[FeatureSequence],
        texts: Sequence[Sequence[int]],
        network: Seq2Seq,
    ) -> None:
        self._params, self._teacher, self._network = params, list(teacher), network
        self._sequences, self._texts = sequences, texts
        self._audible = [clip for clip in teacher if clip is not None]
        self.scales = feature_scales(self._audible)
        student_units = network.decoder.gru.hidden_size
        units = self._audible[0].end.shape[0]
        self.maps = TeacherMaps.drawn(student_units, units, params.seed)
        self.maps.to(next(network.parameters()).device)
        self._units = units

    def networks(self) -> Mapping[str, nn.Module]:
        """The maps."""
        return {"maps": self.maps}

    def losses(
        self, reading: ForcedReading, clips: Int64[Tensor, " clip"]
    ) -> Mapping[str, Tensor]:
        """The weighted losses of the levels that are on, over the clips with sound."""
        teacher = [self._teacher[int(clip)] for clip in clips]
        rows = torch.tensor([row for row, clip in enumerate(teacher) if clip is not None])
        audible = [clip for clip in teacher if clip is not None]
        if not audible:
            return {}
        rows = rows.to(reading.encoded.states.device)
        weights, losses = self._params.weights, {}
        if weights.sequence > 0:
            losses["sequence"] = weights.sequence * self._sequence(reading, rows, audible)
        if weights.context > 0:
            losses["context"] = weights.context * self._context(reading, rows, audible)
        if weights.frame > 0:
            losses["frame"] = weights.frame * self._frame(reading, rows, audible)
        return losses

    def _sequence(
        self, reading: ForcedReading, rows: Tensor, clips: Sequence[TeacherClip]
    ) -> Tensor:
        teacher = torch.stack([clip.end for clip in clips])
        distances = sequence_distance(teacher, self.maps.sequence(reading.encoded.end[rows]))
        return distances.mean() / (self.scales.sequence * self._units)

    def _context(
        self, reading: ForcedReading, rows: Tensor, clips: Sequence[TeacherClip]
    ) -> Tensor:
        own, theirs, mask = (
            part.to(rows.device) for part in pair_tensors([clip.pairs for clip in clips])
        )
        contexts = pad_sequence([_never_empty(clip.contexts) for clip in clips], batch_first=True)
        distances = context_distance(
            at_pairs(contexts, theirs),
            self.maps.context(at_pairs(reading.decoded.contexts[rows], own)),
            mask,
        )
        weights = torch.tensor([clip.weight for clip in clips], device=rows.device)
        return clip_mean(distances, weights) / (self.scales.context * self._units)

    def _frame(self, reading: ForcedReading, rows: Tensor, clips: Sequence[TeacherClip]) -> Tensor:
        audio, mask = _padded([clip.states for clip in clips])
        video = self.maps.frame(reading.encoded.states[rows])
        alignment = self._alignment(reading, rows, clips)
        distances = frame_distance(audio, alignment @ video, mask)
        return distances.mean() / (self.scales.frame * self._units)

    def _alignment(
        self, reading: ForcedReading, rows: Tensor, clips: Sequence[TeacherClip]
    ) -> Float[Tensor, "clip audio video"]:
        mask = reading.encoded.mask[rows]
        if self._params.align is FrameAlignment.LEARNED:
            audio, _ = _padded([clip.states for clip in clips])
            video = self.maps.frame(reading.encoded.states[rows])
            # h^a W as a product with the weight itself: a linear layer multiplies by its transpose.
            return learned_alignment(audio @ self.maps.bilinear.weight, video, mask)
        own, theirs, pairs = (
            part.to(rows.device) for part in pair_tensors([clip.pairs for clip in clips])
        )
        frames = max(len(clip.states) for clip in clips)
        attention = _padded_attention(clips, frames)
        teacher = at_pairs(attention, theirs) * pairs[:, :, None]
        student = at_pairs(reading.decoded.attention[0][rows], own) * pairs[:, :, None]
        return attention_alignment(teacher, student, mask)

    def numbers(self) -> dict[str, float]:
        """Shares of the filter, and how near the alignment of four clips is to the diagonal."""
        filtered = sum(clip.weight > 0 for clip in self._audible) / len(self._audible)
        shared = sum(len(clip.pairs) / max(1, len(clip.text)) for clip in self._audible)
        numbers = {"filtered_share": filtered, "pair_share": shared / len(self._audible)}
        shares = [
            near_diagonal(alignment, clip.times, times) for alignment, clip, times in self._shown()
        ]
        return numbers | {"diagonal_share": sum(shares) / len(shares)}

    def pictures(self) -> Mapping[str, bytes]:
        """The alignment of four clips."""
        return {ALIGNMENT: alignment_picture(self._shown())}

    @torch.no_grad()
    def _shown(self) -> list[tuple[Tensor, TeacherClip, Tensor]]:
        """Alignment, teacher's quantities and video times of the first four clips with sound."""
        indices = [index for index, clip in enumerate(self._teacher) if clip is not None][:_SHOWN]
        shown = []
        device = next(self._network.parameters()).device
        for index in indices:
            sequence, clip = self._sequences[index], self._teacher[index]
            assert clip is not None
            batch = FeatureBatch.of([sequence], device)
            reading = self._network.forced(batch, TextBatch.of([self._texts[index]], device))
            rows = torch.zeros(1, dtype=torch.long, device=device)
            alignment = self._alignment(reading, rows, [clip])[0]
            shown.append((alignment.cpu(), clip, sequence.times))
        return shown


def _padded(
    values: Sequence[Tensor],
) -> tuple[Float[Tensor, "clip audio teacher_unit"], Bool[Tensor, "clip audio"]]:
    padded = pad_sequence(list(values), batch_first=True)
    lengths = torch.tensor([len(value) for value in values], device=padded.device)
    return padded, torch.arange(padded.shape[1], device=padded.device) < lengths[:, None]


def _padded_attention(
    clips: Sequence[TeacherClip], frames: int
) -> Float[Tensor, "clip token audio"]:
    wide = [
        nn.functional.pad(_never_empty(clip.attention), (0, frames - clip.attention.shape[1]))
        for clip in clips
    ]
    return pad_sequence(wide, batch_first=True)


def _never_empty(values: Float[Tensor, "token unit"]) -> Float[Tensor, "row unit"]:
    """The rows, or one row of zeros where there is none."""
    return values if len(values) else values.new_zeros(1, values.shape[1])
