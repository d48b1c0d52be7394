"""Concept searches: created, run in two rounds, read.

The first round runs the reference networks on the images of the concept and finds units by their
stored responses; the second runs the networks with the best units and finds the units again.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import ARRAY, Text, any_, cast, select
from sqlalchemy.orm import Session, defer

from service.core.catalog import concept_search
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.operations import names, owned_rows, stored_answers
from service.core.operations.concepts import responses
from service.core.operations.concepts.requests import (
    ConceptParticipants,
    ConceptSearchRequest,
    resolve_participants,
)
from service.core.operations.jobs.internal_jobs import RANKING_PRIORITY, submit_for
from service.core.paging import Page
from service.core.results.concepts import FoundUnits
from service.core.tables import (
    ConceptSearchRecord,
    ConceptSearchState,
    DatasetRecord,
    ModelRecord,
    UnitResponsesRecord,
)


def create(
    session: Session, *, project: str, request: ConceptSearchRequest
) -> ConceptSearchRecord:
    """A search: that of an equal earlier request, otherwise a pending one with a job.

    Raises:
        InvalidRequestError: A model or dataset does not exist or cannot serve.
        ConflictError: A dataset is not ready; ``no_unit_responses``.
    """
    request = names.with_ids(session, request, project=project)
    participants = resolve_participants(session, project=project, request=request)
    key = _cache_key(participants, request)
    existing = stored_answers.of_equal_request(
        session, ConceptSearchRecord, project=project, key=key
    )
    if existing is not None:
        return existing
    record = ConceptSearchRecord(
        id=new_id(IdKind.CONCEPT_SEARCH),
        project=project,
        state=ConceptSearchState.PENDING,
        cache_key=key,
        dataset_id=participants.positives.id,
        negatives_id=request.negatives_id,
        probe_set_id=participants.probes.id,
        request=request.model_dump(mode="json"),
        searched=sorted(participants.models),
        unsearched=participants.unsearched,
        reference_ids=_references(participants, request.references),
        checked=None,
        ran=[],
        units=[],
    )
    session.add(record)
    session.flush()
    _run(session, record, record.reference_ids)
    return record


def _references(participants: ConceptParticipants, count: int) -> list[str]:
    """The networks whose responses to the probes span the most directions; the cheaper of equals."""

    def order(model_id: str) -> tuple[float, int, str]:
        breadth = participants.responses[model_id].breadth
        return -breadth, participants.models[model_id].flops or 0, model_id

    return sorted(participants.models, key=order)[:count]


def _run(session: Session, search: ConceptSearchRecord, model_ids: Sequence[str]) -> None:
    """Run networks on the images of the concept where they have not, then the search itself."""
    waiting: set[str] = set()
    ran = set(search.ran)
    for dataset in shown(session, search):
        missing = _without_responses(session, search, dataset, model_ids)
        waiting |= set(responses.measure(session, models=missing, dataset=dataset).values())
        ran |= {model.id for model in missing}
    search.ran = sorted(ran)
    submit_for(
        session,
        search,
        method=concept_search.SPEC.name,
        inputs={"search_id": search.id},
        params=search.request["settings"],
        depends_on=sorted(waiting),
        priority=RANKING_PRIORITY,
    )


def _without_responses(
    session: Session,
    search: ConceptSearchRecord,
    dataset: DatasetRecord,
    model_ids: Collection[str],
) -> list[ModelRecord]:
    """The networks among these that have no stored responses to the dataset."""
    models = models_of(session, search, model_ids)
    stored = responses.stored(session, dataset=dataset, models=models)
    return [model for model in models if model.id not in stored]


def models_of(
    session: Session, search: ConceptSearchRecord, model_ids: Collection[str]
) -> list[ModelRecord]:
    """The networks with these ids that still exist, by id."""
    query = select(ModelRecord).where(
        ModelRecord.project == search.project,
        ModelRecord.id == any_(cast(list(model_ids), ARRAY(Text))),
    )
    query = query.order_by(ModelRecord.id).options(defer(ModelRecord.layers))
    return list(session.scalars(query))


def shown(session: Session, search: ConceptSearchRecord) -> list[DatasetRecord]:
    """The images that networks run on: those of the concept, and what it is not unless the probes are."""
    ids = [search.dataset_id]
    if search.negatives_id not in (None, search.probe_set_id):
        ids.append(str(search.negatives_id))
    return [
        owned_rows.get(session, DatasetRecord, project=search.project, id=dataset_id)
        for dataset_id in ids
    ]


def stored_responses(
    session: Session, search: ConceptSearchRecord, dataset_id: str
) -> dict[str, UnitResponsesRecord]:
    """Stored responses of the searched networks to a dataset, by model."""
    dataset = owned_rows.get(session, DatasetRecord, project=search.project, id=dataset_id)
    models = models_of(session, search, search.searched)
    return responses.stored(session, dataset=dataset, models=models)


def advance(session: Session, search: ConceptSearchRecord, result: FoundUnits) -> None:
    """Store what a round found; the search is ready, or the best networks run and are checked."""
    search.units = [unit.model_dump(mode="json") for unit in result.units]
    search.measured = result.model_dump(mode="json", exclude={"units", "unchecked"})
    first_round = search.checked is None
    if first_round:
        search.checked = list(result.unchecked[: search.request["check"]])
    if first_round and search.checked:
        _run(session, search, search.checked)
    else:
        search.state = ConceptSearchState.READY
        search.error = None
    session.flush()


def _cache_key(participants: ConceptParticipants, request: ConceptSearchRequest) -> str:
    """Hash of everything that determines the answer."""
    negatives = participants.negatives
    return fingerprint(
        {
            "method": concept_search.SPEC.name,
            "version": concept_search.SPEC.version,
            "request": request.model_dump(mode="json", exclude={"candidates"}),
            "positives": participants.positives.manifest_sha256,
            "negatives": None if negatives is None else negatives.manifest_sha256,
            "responses": sorted(record.cache_key for record in participants.responses.values()),
        }
    )


def page(
    session: Session, *, project: str, state: str | None, after: str | None, limit: int
) -> Page[ConceptSearchRecord]:
    """Searches of the project, newest first, without the units that they result."""
    return stored_answers.page(
        session,
        ConceptSearchRecord,
        large=ConceptSearchRecord.units,
        project=project,
        state=state,
        after=after,
        limit=limit,
    )
