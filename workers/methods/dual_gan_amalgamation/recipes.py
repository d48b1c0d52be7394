"""What each preset makes of the values that were not given."""

from dataclasses import dataclass, fields, replace

from service.core.catalogue.dual_gan_amalgamation import Amalgamation, DualGanAmalgamationParams


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


def recipe_for(params: DualGanAmalgamationParams) -> Recipe:
    """The preset with what was given in its place."""
    given = {one.name: getattr(params, one.name) for one in fields(Recipe)}
    known = {name: value for name, value in given.items() if value is not None}
    return replace(PRESETS[params.preset], **known)
