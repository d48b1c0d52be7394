"""Published presets, and the recipe of a job."""

from dataclasses import dataclass, fields, replace
from typing import Any

from service.core.catalog.adversarial_distillation import (
    AdversarialDistillationParams,
    AdversarialForm,
    AdversarialImages,
    Match,
    MetaGradient,
    Preset,
)
from service.core.manifest import TaskKind
from workers.torchkit.training.bn_statistics import require_batch_norm
from workers.torchkit.training.loop import Schedule, cosine, drops
from workers.torchkit.training.teachers import NotTeachableError, Teacher

SECOND_MOMENT = 0.999
_STEPS_DOWN = drops(0.5, 0.8)


def _constant(_progress: float) -> float:
    return 1.0


@dataclass(frozen=True)
class AdversarialRecipe:
    """All settings of the method, and constants that are not parameters.

    Attributes:
        first_moment: β₁ of the generator's Adam; β₂ is always ``SECOND_MOMENT``.
    """

    imitations: int
    match: Match
    temperature: float
    generator_temperature: float
    adversarial_weight: float
    adversarial_form: AdversarialForm
    adversarial_images: AdversarialImages
    one_hot_weight: float
    balance_weight: float
    batch_norm_weight: float
    batch_norm_memory: float
    student_learning_rate: float
    weight_decay: float
    generator_learning_rate: float
    generator_average: float
    pool_images: int
    crop_and_flip: bool
    inner_steps: int
    noise_learning_rate: float
    meta_gradient: MetaGradient
    warm_up: float
    first_moment: float
    student_schedule: Schedule
    generator_schedule: Schedule


_DFAD = AdversarialRecipe(
    imitations=5,
    match=Match.ABSOLUTE,
    temperature=1.0,
    generator_temperature=1.0,
    adversarial_weight=1.0,
    adversarial_form=AdversarialForm.LINEAR,
    adversarial_images=AdversarialImages.ALL,
    one_hot_weight=0.0,
    balance_weight=0.0,
    batch_norm_weight=0.0,
    batch_norm_memory=0.0,
    student_learning_rate=0.05,
    weight_decay=5e-4,
    generator_learning_rate=1e-3,
    generator_average=0.0,
    pool_images=0,
    crop_and_flip=False,
    inner_steps=0,
    noise_learning_rate=0.0,
    meta_gradient=MetaGradient.FIRST_ORDER,
    warm_up=0.0,
    first_moment=0.9,
    student_schedule=_STEPS_DOWN,
    generator_schedule=_STEPS_DOWN,
)
_DFQ = replace(
    _DFAD,
    imitations=10,
    match=Match.DIVERGENCE,
    temperature=20.0,
    one_hot_weight=1.0,
    balance_weight=20.0,
    batch_norm_weight=1.0,
    student_learning_rate=0.1,
    first_moment=0.5,
)
_FAST_META = replace(
    _DFQ,
    adversarial_images=AdversarialImages.AGREED,
    one_hot_weight=0.5,
    balance_weight=0.0,
    batch_norm_weight=10.0,
    batch_norm_memory=0.9,
    student_learning_rate=0.2,
    weight_decay=1e-4,
    generator_learning_rate=3e-3,
    pool_images=2048,
    inner_steps=5,
    noise_learning_rate=0.01,
    warm_up=0.1,
    student_schedule=cosine,
    generator_schedule=_constant,
)
PRESETS = {Preset.DFAD: _DFAD, Preset.DFQ: _DFQ, Preset.FAST_META: _FAST_META}


def preset_for(params: AdversarialDistillationParams, teacher: Teacher) -> Preset:
    """The requested preset, or else the one for this kind of teacher."""
    if params.preset is not None:
        return params.preset
    dense = teacher.task is TaskKind.SEGMENTATION
    return Preset.DFQ if teacher.program.batch_norms and not dense else Preset.DFAD


def recipe_for(params: AdversarialDistillationParams, teacher: Teacher) -> AdversarialRecipe:
    """The preset, overridden by the explicit parameters.

    For a dense teacher the adversarial loss is logarithmic by default, as in Fang et al. 2019.

    Raises:
        NotTeachableError: Inner steps are requested and all weights are 0.
        TeacherWithoutBatchNormError: Batch statistics are requested of a teacher without them.
    """
    preset = PRESETS[preset_for(params, teacher)]
    if teacher.task is TaskKind.SEGMENTATION:
        preset = replace(preset, adversarial_form=AdversarialForm.LOGARITHMIC)
    overrides = {
        setting.name: getattr(params, setting.name, None) for setting in fields(AdversarialRecipe)
    }
    recipe = replace(
        preset, **{name: value for name, value in overrides.items() if value is not None}
    )
    if recipe.inner_steps > 0 and not _has_warm_up_loss(recipe):
        raise NotTeachableError(
            "inner steps of the generator have no loss to minimize",
            remedy="set one of the generator's weights, or leave inner_steps at 0",
        )
    if recipe.batch_norm_weight > 0:
        require_batch_norm(teacher.program, teacher.name)
    return recipe


def stated(recipe: AdversarialRecipe) -> dict[str, Any]:
    """The settings that are parameters, by their names."""
    names = {setting.name for setting in fields(recipe)}
    return {
        name: getattr(recipe, name)
        for name in AdversarialDistillationParams.model_fields
        if name in names
    }


def _has_warm_up_loss(recipe: AdversarialRecipe) -> bool:
    """Whether the generator has a loss even during warm-up."""
    return max(recipe.one_hot_weight, recipe.balance_weight, recipe.batch_norm_weight) > 0
