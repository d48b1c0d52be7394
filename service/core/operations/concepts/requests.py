"""Requests for concept searches, and the rows that they name."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import Field
from sqlalchemy.orm import Session

from service.core.catalog import unit_responses
from service.core.catalog.concept_search import ConceptSearchParams
from service.core.counts import counted
from service.core.errors import ConflictError, FieldProblem, InvalidRequestError
from service.core.ids import DatasetId
from service.core.manifest import Strict
from service.core.operations import owned_rows
from service.core.operations.concepts import responses
from service.core.operations.error_pointers import error_pointer
from service.core.operations.measurements.effective_probes import effective_probes
from service.core.operations.rankings.participants import candidates_of
from service.core.operations.rankings.schemas import Candidates
from service.core.operations.remedies import post
from service.core.operations.trainings import teachers
from service.core.tables import DatasetRecord, ModelRecord, UnitResponsesRecord

FEWEST_IMAGES = 5
MOST_IMAGES = 1000
MOST_REFERENCES = 5
MOST_CHECKED = 50


class ConceptSearchRequest(Strict):
    """A search to create: which output units recognize what ``dataset_id`` shows?

    ``negatives_id`` holds images of what the concept is not; without it, the probes stand for that.
    ``probe_set_id`` names the images to which the networks' responses are stored. ``references``
    networks run on the images of the concept to relate it to the probes, and the ``check`` networks
    with the best units run to check them exactly. Without ``candidates``, every ready model is searched.
    """

    dataset_id: DatasetId
    negatives_id: DatasetId | None = None
    probe_set_id: DatasetId
    candidates: Candidates | None = None
    references: int = Field(2, ge=1, le=MOST_REFERENCES)
    check: int = Field(3, ge=0, le=MOST_CHECKED)
    settings: ConceptSearchParams = ConceptSearchParams()


@dataclass(frozen=True)
class ConceptParticipants:
    """The images of a search, the networks with stored responses to the probes, and the others."""

    positives: DatasetRecord
    negatives: DatasetRecord | None
    probes: DatasetRecord
    models: dict[str, ModelRecord]
    responses: dict[str, UnitResponsesRecord]
    unsearched: list[dict[str, Any]] = field(default_factory=list)

    @property
    def shown(self) -> list[DatasetRecord]:
        """The datasets that the networks of the search must be shown: all but the probes."""
        if self.negatives is None or self.negatives.id == self.probes.id:
            return [self.positives]
        return [self.positives, self.negatives]


def resolve_participants(
    session: Session, *, project: str, request: ConceptSearchRequest
) -> ConceptParticipants:
    """Look up everything that a request names.

    Raises:
        InvalidRequestError: A model or dataset does not exist; ``too_few_images``,
            ``too_many_images``; ``no_contrast``; ``no_output_units``: no candidate is a classifier.
        ConflictError: A dataset is not ready; ``no_unit_responses``: no candidate has any on the probes.
    """
    positives = _images(session, project, request.dataset_id, "/dataset_id")
    negatives = (
        None
        if request.negatives_id is None
        else _images(session, project, request.negatives_id, "/negatives_id")
    )
    with error_pointer("/probe_set_id"):
        probes = owned_rows.get_ready(
            session, DatasetRecord, project=project, id=request.probe_set_id
        )
    candidates, unsearched = candidates_of(session, project, request.candidates)
    obstacles = {model.id: teachers.why_no_units(model) for model in candidates}
    usable = [model for model in candidates if obstacles[model.id] is None]
    unsearched += [
        {"model_id": model_id, "code": obstacle.code, "detail": obstacle.detail}
        for model_id, obstacle in obstacles.items()
        if obstacle is not None
    ]
    _require_contrast(positives, request)
    _require_units(usable, unsearched)
    stored = responses.stored(session, dataset=probes, models=usable)
    _require_responses(usable, stored, probes)
    unsearched += [_not_measured(model, probes) for model in usable if model.id not in stored]
    models = {model.id: model for model in usable if model.id in stored}
    return ConceptParticipants(positives, negatives, probes, models, stored, unsearched)


def _images(session: Session, project: str, dataset_id: str, pointer: str) -> DatasetRecord:
    """The images of a concept or of what it is not."""
    with error_pointer(pointer):
        dataset = owned_rows.get_ready(session, DatasetRecord, project=project, id=dataset_id)
    number = effective_probes(session, dataset)
    if number < FEWEST_IMAGES:
        raise InvalidRequestError(
            f"{dataset.id} has {counted(dataset.images or 0, 'image')} that count as {number:.1f} different ones;"
            f" a concept needs at least {FEWEST_IMAGES}",
            code="too_few_images",
            remedy="add different images of it; 10 to 50 give narrower intervals",
            errors=[FieldProblem(pointer, "too few different images")],
        )
    if (dataset.images or 0) > MOST_IMAGES or dataset.canonical_sha256 is None:
        raise InvalidRequestError(
            f"{dataset.id} has {dataset.images} images; the limit for a concept is {MOST_IMAGES}",
            code="too_many_images",
            remedy="upload a sample of 50 images as its own dataset",
            errors=[FieldProblem(pointer, "too many images")],
        )
    return dataset


def _require_contrast(positives: DatasetRecord, request: ConceptSearchRequest) -> None:
    others = request.negatives_id or request.probe_set_id
    if others != positives.id:
        return
    raise InvalidRequestError(
        f"{positives.id} cannot show both the concept and what it is not",
        code="no_contrast",
        remedy="use another dataset for what the concept is not, or another probe set",
        errors=[FieldProblem("/dataset_id", "the same images as what the concept is not")],
    )


def _require_units(usable: list[ModelRecord], unsearched: list[dict[str, Any]]) -> None:
    if usable:
        return
    first = unsearched[0]["detail"] if unsearched else "the project has no ready model"
    raise InvalidRequestError(
        f"no candidate has one output per class: {first}",
        code="no_output_units",
        remedy="search among networks for classification or multi_label",
        errors=[FieldProblem("/candidates", "no classifier among them")],
    )


def _require_responses(
    usable: list[ModelRecord], stored: dict[str, UnitResponsesRecord], probes: DatasetRecord
) -> None:
    if stored:
        return
    inputs = {"model_id": usable[0].id, "dataset_id": probes.id}
    raise ConflictError(
        f"none of the {len(usable)} networks has stored responses to {probes.id}",
        code="no_unit_responses",
        remedy=f"for each network, {_measuring(inputs)}",
    )


def _not_measured(model: ModelRecord, probes: DatasetRecord) -> dict[str, Any]:
    inputs = {"model_id": model.id, "dataset_id": probes.id}
    detail = f"it has no stored responses to {probes.id}; {_measuring(inputs)}"
    return {"model_id": model.id, "code": "responses_not_measured", "detail": detail}


def _measuring(inputs: dict[str, str]) -> str:
    return post("/v1/jobs", {"method": unit_responses.SPEC.name, "inputs": inputs})
