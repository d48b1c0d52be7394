"""A cascade as tensors and JSON values, and back; so is the first stage that others may share."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from service.core.catalog.cascade_seq2seq import CascadeStage, PassedTokens, VideoInput
from workers.methods.cascade_seq2seq.networks import Cascade
from workers.methods.cascade_seq2seq.reader import CascadeReader, FirstStage
from workers.torchkit.speech.features import CropReader
from workers.torchkit.speech.networks import NetworkSize
from workers.torchkit.speech.stored_readers import (
    FEATURES,
    NETWORK,
    StoredReader,
    UnfitReaderError,
    feature_facts,
    load_parts,
    restored_features,
    stored_parts,
    tensors_below,
)
from workers.torchkit.speech.vocabulary import Vocabulary

KIND = "cascade"
_FIRST = "first_stage."


def stored_cascade(
    reader: CascadeReader, first: FirstStage, size: NetworkSize, pinyin_from: str
) -> StoredReader:
    """The cascade as it is now, with its first stage as it was before all learned together.

    The only stage of a cascade cannot be shared, and is not stored twice.
    """
    tensors = stored_parts({FEATURES: reader.features, NETWORK: reader.network})
    if len(reader.network.stages) > 1:
        tensors |= {f"{_FIRST}{name}": value.contiguous() for name, value in first.weights.items()}
    facts = {
        "kind": KIND,
        "features": feature_facts(reader.features),
        "size": asdict(size),
        "stages": [
            {"stage": stage.value, "vocabulary": list(reader.vocabularies[stage].tokens)}
            for stage in reader.network.stages
        ],
        "tokens_per_frame": reader.rate,
        "video_in": reader.network.video.value,
        "passed": reader.passed.value,
        "pinyin_from": pinyin_from,
    }
    return StoredReader(tensors, facts)


def restored_cascade(stored: StoredReader) -> CascadeReader:
    """The cascade that was stored. Raises UnfitReaderError."""
    facts = stored.facts
    features = _features(facts)
    vocabularies = _vocabularies(facts)
    network = Cascade(
        {stage: len(vocabulary) for stage, vocabulary in vocabularies.items()},
        features.size,
        NetworkSize(**facts["size"]),
        video=VideoInput(facts["video_in"]),
    )
    load_parts(stored, {FEATURES: features, NETWORK: network})
    return CascadeReader(
        features,
        network.eval(),
        vocabularies,
        facts["tokens_per_frame"],
        PassedTokens(facts["passed"]),
    )


def restored_first_stage(stored: StoredReader) -> FirstStage:
    """The first stage of the stored cascade before all learned together. Raises UnfitReaderError."""
    features = _features(stored.facts)
    load_parts(stored, {FEATURES: features})
    stage, vocabulary = next(iter(_vocabularies(stored.facts).items()))
    weights = tensors_below(stored, _FIRST)
    return FirstStage(stage, features, vocabulary, weights, stored.facts["tokens_per_frame"])


def _features(facts: Mapping[str, Any]) -> CropReader:
    features = restored_features(facts["features"])
    if not isinstance(features, CropReader):
        raise UnfitReaderError(
            "a cascade reads lips, and its stored features are of sound",
            remedy="train the cascade again",
        )
    return features


def _vocabularies(facts: Mapping[str, Any]) -> dict[CascadeStage, Vocabulary]:
    return {
        CascadeStage(part["stage"]): Vocabulary(tuple(part["vocabulary"]))
        for part in facts["stages"]
    }
