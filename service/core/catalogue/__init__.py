"""What can be done: the one list of methods."""

from service.core.catalogue import (
    adaptive_amalgamation,
    adversarial_distillation,
    attribution_map,
    common_feature_amalgamation,
    dataset_ingestion,
    depara,
    dual_gan_amalgamation,
    fine_tune,
    fused_ranking,
    knowledge_distillation,
    layer_selection,
    linear_probe,
    model_validation,
    ranking,
    reference_network,
    transferability_estimators,
    transferability_map,
)
from service.core.catalogue.card import Audience, Family, Inputs, MethodCard, Params
from service.core.errors import NotFoundError

__all__ = [
    "Audience",
    "Family",
    "Inputs",
    "MethodCard",
    "Params",
    "card_named",
    "cards",
    "public_cards",
]

_CARDS = (
    attribution_map.CARD,
    depara.CARD,
    ranking.CARD,
    fused_ranking.CARD,
    transferability_estimators.CARD,
    transferability_map.CARD,
    layer_selection.CARD,
    knowledge_distillation.CARD,
    adaptive_amalgamation.CARD,
    common_feature_amalgamation.CARD,
    dual_gan_amalgamation.CARD,
    fine_tune.CARD,
    linear_probe.CARD,
    adversarial_distillation.CARD,
    reference_network.CARD,
    model_validation.CARD,
    dataset_ingestion.CARD,
)


def cards() -> tuple[MethodCard, ...]:
    """Every method, internal ones included."""
    return _CARDS


def public_cards() -> tuple[MethodCard, ...]:
    """The methods that anybody with the scope may submit."""
    return tuple(card for card in _CARDS if card.audience is Audience.PUBLIC)


def card_named(name: str) -> MethodCard:
    """The card of a method. Raises NotFoundError naming the known methods."""
    for card in _CARDS:
        if card.name == name:
            return card
    known = ", ".join(card.name for card in public_cards())
    raise NotFoundError(
        f"no method is called {name!r}", code="unknown_method", remedy=f"use one of: {known}"
    )
