"""What a layer selection needs: two networks and the probes."""

from sqlalchemy.orm import Session

from service.core.errors import ConflictError
from service.core.results import ResultScope
from service.core.tables import (
    DatasetRecord,
    JobRecord,
    LayerSelectionRecord,
    ModelRecord,
    ModelState,
)
from service.settings import Settings
from workers.worker.stage.rows import (
    StagedInputs,
    canonical_file,
    model_facts,
    program_file,
    row_of,
)


def networks_to_compare(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """The source and its candidate layers, the target and its layer, and the probes.

    Raises:
        NotFoundError: The selection is gone, with one of its networks or its probes.
        ConflictError: ``target_not_ready``: the network that represents the target does not exist.
    """
    selection = row_of(session, job, LayerSelectionRecord, job.inputs["selection_id"])
    source = row_of(session, job, ModelRecord, selection.source_model_id)
    target = row_of(session, job, ModelRecord, selection.target_model_id)
    if target.state != ModelState.READY:
        raise ConflictError(
            f"the target's network is {target.state}",
            code="target_not_ready",
            remedy=f"see why {target.id} is not ready",
        )
    probes = row_of(session, job, DatasetRecord, selection.dataset_id)
    networks = {"source": source, "target": target}
    facts = {role: model_facts(model) for role, model in networks.items()}
    files = {f"{role}.pt2": program_file(model)["program.pt2"] for role, model in networks.items()}
    layers = {"layers": selection.candidates, "target_layer": selection.target_layer}
    scope = ResultScope(layers=frozenset(selection.candidates))
    return StagedInputs({**facts, **layers}, {**files, **canonical_file(probes)}, scope)
