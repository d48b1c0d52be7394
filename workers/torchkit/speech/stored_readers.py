"""A reader as tensors and JSON values, and back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor, nn

from service.core.errors import MethodError
from workers.torchkit.speech.features import CropReader, MelReader
from workers.torchkit.speech.networks import NetworkSize
from workers.torchkit.speech.readers import Reader
from workers.torchkit.speech.seq2seq import Seq2Seq
from workers.torchkit.speech.vocabulary import Vocabulary

FEATURES, NETWORK = "features.", "network."
_AUDIO, _VIDEO = "audio", "video"


class UnfitReaderError(MethodError):
    """Stored tensors do not belong to the stored sizes."""

    code = "unfit_reader"


@dataclass(frozen=True)
class StoredReader:
    """A reader without code.

    Attributes:
        tensors: All weights and buffers by name, on the CPU.
        facts: Modality, sizes, vocabulary and rates as JSON values.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def stored_reader(reader: Reader, size: NetworkSize) -> StoredReader:
    """The reader as it is now."""
    tensors = stored_parts({FEATURES: reader.features, NETWORK: reader.network})
    facts = {
        "features": feature_facts(reader.features),
        "size": asdict(size),
        "vocabulary": list(reader.vocabulary.tokens),
        "tokens_per_frame": reader.rate,
    }
    return StoredReader(tensors, facts)


def restored_reader(stored: StoredReader) -> Reader:
    """The reader that was stored. Raises UnfitReaderError."""
    facts = stored.facts
    features = restored_features(facts["features"])
    vocabulary = Vocabulary(tuple(facts["vocabulary"]))
    network = Seq2Seq(features.size, len(vocabulary), NetworkSize(**facts["size"]))
    load_parts(stored, {FEATURES: features, NETWORK: network})
    return Reader(features, network.eval(), vocabulary, facts["tokens_per_frame"])


def stored_parts(parts: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """All weights and buffers of the parts on the CPU, by the prefix of the part and their name."""
    return {
        f"{prefix}{name}": value.detach().cpu().contiguous()
        for prefix, part in parts.items()
        for name, value in part.state_dict().items()
    }


def load_parts(stored: StoredReader, parts: Mapping[str, nn.Module]) -> None:
    """Loads the stored tensors into the parts, by prefix. Raises UnfitReaderError."""
    for prefix, part in parts.items():
        try:
            part.load_state_dict(tensors_below(stored, prefix))
        except RuntimeError as error:
            raise UnfitReaderError(
                f"the stored weights of {prefix[:-1]} do not fit: {error}"[:500],
                remedy="train the reader again",
            ) from error


def tensors_below(stored: StoredReader, prefix: str) -> dict[str, Tensor]:
    """The stored tensors whose names begin with the prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in stored.tensors.items()
        if name.startswith(prefix)
    }


def feature_facts(features: CropReader | MelReader) -> dict[str, Any]:
    """What the tensors of the features do not say."""
    if isinstance(features, MelReader):
        return {"modality": _AUDIO, "mels": features.mels}
    height, width = features.shape
    return {
        "modality": _VIDEO,
        "height": height,
        "width": width,
        "rate": features.rate,
        "components": len(features.spreads),
        "least_motion": features.least_motion,
    }


def restored_features(facts: Mapping[str, Any]) -> CropReader | MelReader:
    """Features of these facts, before their tensors are loaded."""
    settings = {name: value for name, value in facts.items() if name != "modality"}
    if facts["modality"] == _AUDIO:
        return MelReader(**settings)
    return CropReader(**settings)
