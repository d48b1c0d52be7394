"""Parameters of a training that takes a second."""

from collections.abc import Mapping

from service.core.catalog.dynamic_instance_normalization import DynamicInstanceNormalizationParams

SIDE = 32
SHORT: Mapping[str, object] = {
    "budget": {"steps": 6},
    "num_evaluations": 2,
    "checkpoint_interval_seconds": 0,
    "image_size": SIDE,
    "width": 4,
}


def params(**changes: object) -> DynamicInstanceNormalizationParams:
    return DynamicInstanceNormalizationParams.model_validate({**SHORT, **changes})
