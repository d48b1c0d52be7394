"""The error of an estimator without a score."""

from service.core.errors import MethodError


class NoScoreError(MethodError):
    """An estimator is not defined for these features, logits or labels."""

    code = "no_score"
