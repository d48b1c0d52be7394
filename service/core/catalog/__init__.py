"""The catalog of methods: one tuple lists their specs."""

from service.core.catalog import (
    adaptive_amalgamation,
    adversarial_distillation,
    attribution_map,
    cascade_seq2seq,
    class_regularization,
    common_feature_amalgamation,
    concept_search,
    dataset_ingestion,
    depara,
    dual_gan_amalgamation,
    dynamic_instance_normalization,
    few_shot_adaptation,
    fine_tune,
    fused_ranking,
    knowledge_distillation,
    layer_selection,
    linear_probe,
    lip_by_speech,
    model_validation,
    ranking,
    reference_network,
    speech_recognizer,
    style_baking,
    transferability_estimators,
    transferability_map,
    unit_responses,
)
from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobInputs,
    JobLane,
    MethodKind,
    MethodSpec,
    Params,
    TrainingTrait,
)
from service.core.errors import NotFoundError
from service.core.spelling import suggestion

__all__ = [
    "Audience",
    "Family",
    "JobInputs",
    "JobLane",
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
    unit_responses.SPEC,
    concept_search.SPEC,
    knowledge_distillation.SPEC,
    adaptive_amalgamation.SPEC,
    common_feature_amalgamation.SPEC,
    dual_gan_amalgamation.SPEC,
    fine_tune.SPEC,
    linear_probe.SPEC,
    class_regularization.SPEC,
    few_shot_adaptation.SPEC,
    dynamic_instance_normalization.SPEC,
    style_baking.SPEC,
    speech_recognizer.SPEC,
    lip_by_speech.SPEC,
    cascade_seq2seq.SPEC,
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
    hint = suggestion(name, [spec.name for spec in public_methods()], kind="methods")
    raise NotFoundError(
        f"no method is called {name!r}",
        code="unknown_method",
        remedy=f"{hint}; see GET /v1/methods",
    )
