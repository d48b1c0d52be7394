"""Amalgamates several networks without images, by the chosen recipe."""

from service.core.catalog.dual_gan_amalgamation import DualGanAmalgamationParams, DualGanPreset
from workers.methods.dual_gan_amalgamation.setup import setup_for, with_needed
from workers.methods.dual_gan_amalgamation.side_by_side import SideBySideLearner
from workers.methods.dual_gan_amalgamation.stacked import StackedLearner
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.task import DataFreeInputs, TrainingResult, complete


def run(
    inputs: DataFreeInputs, params: DualGanAmalgamationParams, report: TrainingReport
) -> TrainingResult:
    """The student, trained without images and evaluated after its last step.

    Teachers without a requested label are not used and not reported.

    Raises:
        NotTeachableError: No teacher has one of the student's labels, or tasks differ.
        NotPartableError: A network cannot be partitioned into as many blocks as the others.
        TeacherWithoutBatchNormError: Batch statistics are requested of a teacher without them.
        BadStudentError: The student cannot be built, or has no inner maps.
        DivergedError: Losses stopped being finite.
    """
    inputs, numbers = with_needed(inputs, params)
    setup = setup_for(inputs, params)
    if params.preset is DualGanPreset.DFQ_KA:
        return complete(SideBySideLearner(setup), inputs, params, report)
    return complete(StackedLearner(setup, numbers), inputs, params, report)
