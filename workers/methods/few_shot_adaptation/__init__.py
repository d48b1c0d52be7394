"""Method ``few_shot_adaptation``: a few-shot learner and its support become a classifier.

The descriptors of the classes are computed once. The classifier's logits are the negative squared
distances of an image's features to them, scaled as the learner scales them; nothing is trained.

Axes: ``image``; ``side`` of the canonical frame; ``way`` a class; ``unit`` of a feature vector;
``twice`` the output of a learner: features, then decoded features.
"""

from workers.methods.few_shot_adaptation.run import (
    FewShotAdaptationData,
    FewShotAdaptationResult,
    run,
)

__all__ = ["FewShotAdaptationData", "FewShotAdaptationResult", "run"]
