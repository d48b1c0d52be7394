"""What responses and concept searches need: a network with images, or files of responses."""

from sqlalchemy.orm import Session

from service.core.errors import ConflictError
from service.core.operations.concepts import searches
from service.core.operations.measurements import graphs
from service.core.operations.trainings import teachers
from service.core.results import ResultScope
from service.core.tables import ConceptSearchRecord, JobRecord, UnitResponsesRecord
from service.settings import Settings
from workers.worker.stage.rows import (
    StagedInputs,
    canonical_file,
    model_facts,
    program_file,
    ready_dataset_of,
    ready_model_of,
    row_of,
)

PROBES, POSITIVES, NEGATIVES = "probes", "positives", "negatives"


def classifier_and_images(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """A network with one output per class, and the images that it is shown.

    Raises:
        ConflictError: ``no_output_units``: the network has none; or ``fixed_batch_size``.
    """
    model, dataset = ready_model_of(session, job), ready_dataset_of(session, job)
    obstacle = teachers.why_no_units(model)
    if obstacle is not None:
        raise ConflictError(obstacle.detail, code=obstacle.code, remedy=obstacle.remedy)
    facts = {"model": model_facts(model), "kind": teachers.task_of(model)}
    return StagedInputs(facts, {**program_file(model), **canonical_file(dataset)})


def responses_to_search(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """Every stored response of the searched networks to the probes and to the images of the concept.

    Raises:
        ConflictError: ``reference_not_measured``: no reference network ran on the concept.
    """
    search = row_of(session, job, ConceptSearchRecord, job.inputs["search_id"])
    stored = {PROBES: searches.stored_responses(session, search, search.probe_set_id)}
    roles = (POSITIVES, NEGATIVES)
    for role, dataset in zip(roles, searches.shown(session, search), strict=False):
        stored[role] = searches.stored_responses(session, search, dataset.id)
    networks = [_network(model_id, stored) for model_id in sorted(stored[PROBES])]
    complete = {network["id"] for network in networks if network["ran"]}
    references = [name for name in search.reference_ids if name in complete]
    if not references:
        raise _not_related(session, job, search)
    files = {
        f"{model_id}.{role}": record.sha256
        for role, records in stored.items()
        for model_id, record in records.items()
        if model_id in stored[PROBES]
    }
    facts = {"networks": networks, "references": references, "own_negatives": NEGATIVES in stored}
    scope = ResultScope(model_ids=frozenset(stored[PROBES]))
    return StagedInputs(facts, files, scope)


def _network(
    model_id: str, stored: dict[str, dict[str, UnitResponsesRecord]]
) -> dict[str, str | bool]:
    """A searched network, and whether it ran on all images of the concept."""
    return {"id": model_id, "ran": all(model_id in records for records in stored.values())}


def _not_related(session: Session, job: JobRecord, search: ConceptSearchRecord) -> ConflictError:
    errors = graphs.measuring_errors(session, job_id=job.id)
    reasons = [errors[name]["detail"] for name in search.reference_ids if name in errors]
    return ConflictError(
        f"no reference network could run on the concept: {'; '.join(reasons) or 'they are gone'}",
        code="reference_not_measured",
        remedy="look at the jobs that this one waited for, or ask for more references",
    )
