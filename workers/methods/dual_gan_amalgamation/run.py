"""Amalgamates several networks without images, by the chosen recipe."""

from service.core.catalogue.dual_gan_amalgamation import Amalgamation, DualGanAmalgamationParams
from workers.contract import TrainingReport
from workers.methods.dual_gan_amalgamation.ground import ground_of, with_needed
from workers.methods.dual_gan_amalgamation.side_by_side import SideBySide
from workers.methods.dual_gan_amalgamation.stacked import Stacked
from workers.torchkit.outcomes import Alone, Trained, complete

Inputs = Alone
Result = Trained


def run(inputs: Inputs, params: DualGanAmalgamationParams, report: TrainingReport) -> Result:
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
    ground = ground_of(inputs, params)
    if params.preset is Amalgamation.DFQ_KA:
        return complete(SideBySide(ground), inputs, params, report)
    return complete(Stacked(ground, numbers), inputs, params, report)
