"""Makes one network of several without any image, by the recipe that is asked for."""

from service.core.catalogue.dual_gan_amalgamation import Amalgamation, DualGanAmalgamationParams
from workers.contract import TrainingReport
from workers.methods.dual_gan_amalgamation.ground import ground_of, with_needed
from workers.methods.dual_gan_amalgamation.side_by_side import SideBySide
from workers.methods.dual_gan_amalgamation.stacked import Stacked
from workers.torchkit.outcomes import Alone, Trained, complete

Inputs = Alone
Result = Trained


def run(inputs: Inputs, params: DualGanAmalgamationParams, report: TrainingReport) -> Result:
    """Train without any image, then measure the student after its last step.

    Teachers that know no wanted label are left out, of the report as well.

    Raises:
        NotTeachableError: No teacher knows one of the student's labels, or tasks differ.
        NotPartableError: A network cannot be parted into as many blocks as the others.
        TeacherWithoutBatchNormError: Batch statistics are asked of a teacher that keeps none.
        BadStudentError: The student cannot be made so, or its maps cannot be read.
        DivergedError: Losses stopped being finite.
    """
    inputs, kept = with_needed(inputs, params)
    ground = ground_of(inputs, params)
    if params.preset is Amalgamation.DFQ_KA:
        return complete(SideBySide(ground), inputs, params, report)
    return complete(Stacked(ground, kept), inputs, params, report)
