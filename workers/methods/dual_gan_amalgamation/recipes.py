"""What each preset makes of the values that were not given."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from service.core.catalogue.dual_gan_amalgamation import Amalgamation, DualGanAmalgamationParams
from workers.torchkit.bn_statistics import require_batch_norm
from workers.torchkit.teachers import Teacher


@dataclass(frozen=True)
class Recipe:
    """The values in which the presets differ."""

    activation_weight: float
    discrete_weight: float
    bn_weight: float
    student_rate: float


PRESETS = {
    Amalgamation.DFKA: Recipe(0.1, 0.1, 0.0, 5e-3),
    Amalgamation.DFQ_KA: Recipe(0.0, 0.1, 10.0, 0.2),
}


def recipe_for(params: DualGanAmalgamationParams, teachers: Sequence[Teacher]) -> Recipe:
    """The preset with what was given in its place.

    Where a teacher keeps no batch statistics no preset asks for them.

    Raises:
        TeacherWithoutBatchNormError: Somebody else does.
    """
    given = {one.name: getattr(params, one.name) for one in fields(Recipe)}
    known = {name: value for name, value in given.items() if value is not None}
    start = PRESETS[params.preset]
    if not all(one.program.batch_norms for one in teachers):
        start = replace(start, bn_weight=0.0)
    found = replace(start, **known)
    if found.bn_weight > 0:
        for one in teachers:
            require_batch_norm(one.program, one.name)
    return found
