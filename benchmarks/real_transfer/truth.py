"""What a linear probe reaches with all labels of a target."""

import numpy as np
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.real_transfer.passes import NetworkOutputs
from benchmarks.real_transfer.targets import LabeledTarget, split_of

SPLITS = 5
PENALTIES = np.logspace(0, 4, 5)


def probe_accuracies(outcome: NetworkOutputs, target: LabeledTarget) -> list[float]:
    """Test accuracy of a ridge classifier, split by split."""
    return [_accuracy(outcome, target, seed) for seed in range(SPLITS)]


def _accuracy(outcome: NetworkOutputs, target: LabeledTarget, seed: int) -> float:
    split = split_of(target.labels, seed)
    features = np.nan_to_num(outcome.pooled.numpy().astype(np.float64))
    labels = target.labels.numpy()
    probe = make_pipeline(StandardScaler(), RidgeClassifierCV(alphas=PENALTIES))
    probe.fit(features[split.train], labels[split.train])
    return float(probe.score(features[split.test], labels[split.test]))
