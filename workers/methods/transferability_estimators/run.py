"""Judges one network on one labeled target by every estimator."""

import time

from service.core.catalogue.transferability_estimators import TransferabilityEstimatorsParams
from workers.contract import Report
from workers.methods.transferability_estimators.estimates import Settings, estimates
from workers.methods.transferability_estimators.outcome import Inputs, Result, Timing
from workers.methods.transferability_estimators.reading import read


def run(inputs: Inputs, params: TransferabilityEstimatorsParams, report: Report) -> Result:
    """One pass through the network, then all estimators on what it gave."""
    started = time.perf_counter()
    seen = read(inputs, params.layer, report)
    passed = time.perf_counter()
    settings = Settings(
        folds=params.folds,
        neighbors=params.neighbours,
        pair_images=params.pair_images,
        seed=params.seed,
    )
    labels = inputs.labels[inputs.labels >= 0]
    found = estimates(seen.features, labels, seen.logits, settings=settings, report=report)
    return Result(
        scores=found.scores,
        reasons=found.reasons,
        images=found.images,
        classes=found.classes,
        units=seen.features.shape[1],
        timing=Timing(passed - started, time.perf_counter() - passed),
    )
