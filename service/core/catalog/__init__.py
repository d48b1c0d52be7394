"""The catalog of methods: one tuple lists their specs."""

from service.core.catalog import (
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
from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    MethodKind,
    MethodSpec,
    Params,
    TrainingTrait,
)
from service.core.errors import NotFoundError

__all__ = [
    "Audience",
    "Family",
    "JobInputs",
    "MethodKind",
    "MethodSpec",
    "Params",
    "TrainingTrait",
    "all_methods",
    "method_named",
    "methods_of",
    "public_methods",
]

_SPECS = (
    attribution_map.SPEC,
    depara.SPEC,
    ranking.SPEC,
    fused_ranking.SPEC,
    transferability_estimators.SPEC,
    transferability_map.SPEC,
    layer_selection.SPEC,
    knowledge_distillation.SPEC,
    adaptive_amalgamation.SPEC,
    common_feature_amalgamation.SPEC,
    dual_gan_amalgamation.SPEC,
    fine_tune.SPEC,
    linear_probe.SPEC,
    adversarial_distillation.SPEC,
    reference_network.SPEC,
    model_validation.SPEC,
    dataset_ingestion.SPEC,
)


def all_methods() -> tuple[MethodSpec, ...]:
    """Every method, internal ones included."""
    return _SPECS


def public_methods() -> tuple[MethodSpec, ...]:
    """The methods that everyone with the scope may submit."""
    return tuple(spec for spec in _SPECS if spec.audience is Audience.PUBLIC)


def methods_of(kind: MethodKind) -> tuple[MethodSpec, ...]:
    """The methods of one kind, such as all trainings."""
    return tuple(spec for spec in _SPECS if spec.kind is kind)


def method_named(name: str) -> MethodSpec:
    """The spec of a method. Raises NotFoundError naming the public methods."""
    for spec in _SPECS:
        if spec.name == name:
            return spec
    names = ", ".join(spec.name for spec in public_methods())
    raise NotFoundError(
        f"no method is called {name!r}", code="unknown_method", remedy=f"use one of: {names}"
    )
