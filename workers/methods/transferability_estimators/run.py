"""Scores one network on one labeled target with every estimator."""

import time

from service.core.catalog.transferability_estimators import TransferabilityEstimatorsParams
from workers.methods.transferability_estimators.estimates import EstimateSettings, estimates
from workers.methods.transferability_estimators.outcome import (
    EstimatorTiming,
    TransferabilityEstimatorsData,
    TransferabilityEstimatorsResult,
)
from workers.methods.transferability_estimators.reading import read
from workers.torchkit.protocols import Report


def run(
    inputs: TransferabilityEstimatorsData, params: TransferabilityEstimatorsParams, report: Report
) -> TransferabilityEstimatorsResult:
    """Scores of all estimators, from one pass through the network."""
    started = time.perf_counter()
    outputs = read(inputs, params.layer, report)
    read_at = time.perf_counter()
    settings = EstimateSettings(
        folds=params.folds,
        neighbors=params.neighbors,
        pair_images=params.pair_images,
        seed=params.seed,
    )
    labels = inputs.labels[inputs.labels >= 0]
    estimated = estimates(
        outputs.features, labels, outputs.logits, settings=settings, report=report
    )
    return TransferabilityEstimatorsResult(
        scores=estimated.scores,
        reasons=estimated.reasons,
        images=estimated.images,
        classes=estimated.classes,
        units=outputs.features.shape[1],
        timing=EstimatorTiming(read_at - started, time.perf_counter() - read_at),
    )
