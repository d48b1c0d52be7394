"""What adapting a few-shot learner or baking a style needs: a program, and images of a dataset."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog.few_shot_adaptation import FewShotAdaptationParams
from service.core.catalog.style_baking import StyleBakingParams
from service.core.counts import counted
from service.core.errors import ConflictError, NotFoundError
from service.core.operations.zoo import supports
from service.core.operations.zoo.supports import SupportOptions
from service.core.tables import JobRecord
from service.settings import Settings
from workers.worker.stage.rows import (
    StagedInputs,
    canonical_file,
    model_facts,
    program_file,
    ready_dataset_of,
    ready_model,
)

_LONGEST_NAME = 200


def learner_and_support(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """A learner with the positions and classes of its support images.

    Raises:
        ConflictError: ``not_a_learner``; or something is not ready.
        InvalidRequestError: The dataset lacks a class.
    """
    learner = ready_model(session, job, job.inputs["source_model_id"])
    dataset = ready_dataset_of(session, job)
    params = FewShotAdaptationParams.model_validate(job.params)
    if not learner.is_few_shot_learner:
        raise ConflictError(
            f"{learner.id} is no few-shot learner",
            code="not_a_learner",
            remedy="choose a model that class_regularization made",
        )
    options = SupportOptions(
        classes=params.classes or (), shots=params.shots, seed=params.seed, prior=params.prior
    )
    positions, labels = supports.drawn_positions(session, dataset=dataset, options=options)
    names = list(dict.fromkeys(labels))
    facts: dict[str, Any] = {
        "name": params.name or f"{learner.name} for {dataset.name}"[:_LONGEST_NAME],
        "model": {**model_facts(learner), "few_shot": learner.manifest["few_shot"]},
        "indices": positions,
        "classes": [names.index(label) for label in labels],
        "names": names,
    }
    return StagedInputs(facts, {**program_file(learner), **canonical_file(dataset)})


def stylizer_and_style(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """A stylizer, and the position of the style among the images of a dataset.

    Raises:
        ConflictError: ``not_a_stylizer``; or something is not ready.
        NotFoundError: The dataset has fewer images.
    """
    stylizer = ready_model(session, job, job.inputs["source_model_id"])
    dataset = ready_dataset_of(session, job)
    params = StyleBakingParams.model_validate(job.params)
    if not stylizer.is_stylizer:
        raise ConflictError(
            f"{stylizer.id} is no stylizer",
            code="not_a_stylizer",
            remedy="choose a model that dynamic_instance_normalization made",
        )
    if params.image >= (dataset.images or 0):
        raise NotFoundError(
            f"{dataset.id} has {counted(dataset.images or 0, 'image')} and none at position {params.image}",
            code="image_not_found",
        )
    facts: dict[str, Any] = {
        "name": params.name or f"{stylizer.name} in {dataset.name}"[:_LONGEST_NAME],
        "model": {**model_facts(stylizer), "stylizer": stylizer.manifest["stylizer"]},
        "image": params.image,
        "style_name": dataset.name,
        "license": dataset.manifest.get("license", ""),
    }
    return StagedInputs(facts, {**program_file(stylizer), **canonical_file(dataset)})
