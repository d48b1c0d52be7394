"""Method ``transferability_estimators``: scores of a network on a labeled target.

One pass gives features and class logits. The principal axes of the features are computed once and
serve every linear estimator. Each estimator is one pure function; ``estimates`` calls all of them.

Sources: You et al., LogME, ICML 2021; Bao et al., H-score, ICIP 2019; Nguyen et al., LEEP, ICML
2020; Tran et al., NCE, ICCV 2019; Li et al., N-LEEP, CVPR 2021; Huang et al., TransRate, ICML
2022; Bolya et al., PARC, NeurIPS 2021; Pándy et al., GBC, CVPR 2022; Kornblith et al., CKA, 2019.

Axes: ``image`` one labeled image, ``unit`` one number of the feature, ``axis`` one principal
axis, ``label`` one class of the target, ``source`` one class of the network.
"""

from workers.methods.transferability_estimators.estimates import (
    Estimates,
    EstimateSettings,
    estimates,
)
from workers.methods.transferability_estimators.outcome import (
    NoScoreReason,
    TransferabilityEstimatorsData,
    TransferabilityEstimatorsResult,
)
from workers.methods.transferability_estimators.run import run

__all__ = [
    "EstimateSettings",
    "Estimates",
    "NoScoreReason",
    "TransferabilityEstimatorsData",
    "TransferabilityEstimatorsResult",
    "estimates",
    "run",
]
