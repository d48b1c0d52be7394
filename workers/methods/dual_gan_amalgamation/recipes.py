"""Presets for values that are not set."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from service.core.catalog.dual_gan_amalgamation import DualGanAmalgamationParams, DualGanPreset
from workers.torchkit.training.bn_statistics import require_batch_norm
from workers.torchkit.training.teachers import Teacher


@dataclass(frozen=True)
class DualGanRecipe:
    """The values in which the presets differ."""

    activation_weight: float
    discrete_weight: float
    bn_weight: float
    student_learning_rate: float


PRESETS = {
    DualGanPreset.DFKA: DualGanRecipe(0.1, 0.1, 0.0, 5e-3),
    DualGanPreset.DFQ_KA: DualGanRecipe(0.0, 0.1, 10.0, 0.2),
}


def recipe_for(params: DualGanAmalgamationParams, teachers: Sequence[Teacher]) -> DualGanRecipe:
    """The preset, overridden by the explicit parameters.

    If a teacher has no batch statistics, presets do not use them.

    Raises:
        TeacherWithoutBatchNormError: The parameters request batch statistics that a teacher lacks.
    """
    overrides = {setting.name: getattr(params, setting.name) for setting in fields(DualGanRecipe)}
    set_values = {name: value for name, value in overrides.items() if value is not None}
    preset = PRESETS[params.preset]
    if not all(teacher.program.batch_norms for teacher in teachers):
        preset = replace(preset, bn_weight=0.0)
    recipe = replace(preset, **set_values)
    if recipe.bn_weight > 0:
        for teacher in teachers:
            require_batch_norm(teacher.program, teacher.name)
    return recipe
