"""Trains a few-shot learner on base classes and evaluates it on novel ones."""

from service.core.catalog.class_regularization import ClassRegularizationParams
from workers.methods.class_regularization.task import FewShotTask
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.task import ImageInputs, TrainingResult, complete


def run(
    inputs: ImageInputs, params: ClassRegularizationParams, report: TrainingReport
) -> TrainingResult:
    """The learner, compared with its baselines after its last training step.

    Raises:
        NotTransferableError: Too few base classes, too many features, or a source with a fixed
            batch size.
        DivergedError: Losses stopped being finite.
    """
    return complete(FewShotTask(inputs, params), inputs, params, report)
