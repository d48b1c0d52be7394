"""Why a single estimator gives no score."""

from service.core.errors import MethodError


class NoScoreError(MethodError):
    """An estimator is not defined for these features, logits or labels."""

    code = "no_score"
