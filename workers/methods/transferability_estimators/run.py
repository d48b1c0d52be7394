"""Scores one network on one labeled target with every estimator."""

import time

from service.core.catalogue.transferability_estimators import TransferabilityEstimatorsParams
from workers.contract import Report
from workers.methods.transferability_estimators.estimates import Settings, estimates
from workers.methods.transferability_estimators.outcome import Inputs, Result, Timing
from workers.methods.transferability_estimators.reading import read


def run(inputs: Inputs, params: TransferabilityEstimatorsParams, report: Report) -> Result:
    """Scores of all estimators, from one pass through the network."""
    started = time.perf_counter()
    outputs = read(inputs, params.layer, report)
    read_at = time.perf_counter()
    settings = Settings(
        folds=params.folds,
        neighbors=params.neighbours,
        pair_images=params.pair_images,
        seed=params.seed,
    )
    labels = inputs.labels[inputs.labels >= 0]
    estimated = estimates(
        outputs.features, labels, outputs.logits, settings=settings, report=report
    )
    return Result(
        scores=estimated.scores,
        reasons=estimated.reasons,
        images=estimated.images,
        classes=estimated.classes,
        units=outputs.features.shape[1],
        timing=Timing(read_at - started, time.perf_counter() - read_at),
    )
