"""Trains a stylizer on contents and styles and compares it on held-out ones."""

from service.core.catalog.dynamic_instance_normalization import DynamicInstanceNormalizationParams
from workers.methods.dynamic_instance_normalization.task import StylizationTask
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.task import PictureInputs, TrainingResult, complete


def run(
    inputs: PictureInputs, params: DynamicInstanceNormalizationParams, report: TrainingReport
) -> TrainingResult:
    """The stylizer, measured on held-out contents and styles after its last training step.

    Raises:
        UnfitLossNetworkError: The loss network has no colors, or fewer than two suitable layers.
        DivergedError: Losses stopped being finite.
    """
    return complete(StylizationTask(inputs, params), inputs, params, report)
