"""What a job needs, laid out in its scratch folder: files in ``in``, the rest in request.json.

The one place that turns ids into files; the job's process sees no id it could look up. One stager
per kind of method, in one closed table.
"""

import json
from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.catalog import MethodKind, method_named
from service.core.catalog.depara import DeparaParams
from service.core.errors import NotFoundError
from service.core.operations.measurements import estimates, graphs
from service.core.operations.zoo import datasets
from service.core.results import ResultScope
from service.core.tables import DatasetRecord, JobRecord, ModelRecord
from service.settings import Settings
from workers.isolation.workdir import Scratch
from workers.worker.stage.graphs import evidence, graphs_to_place, graphs_to_rank
from workers.worker.stage.layer_selections import networks_to_compare
from workers.worker.stage.rows import (
    StagedInputs,
    canonical_file,
    label_facts,
    model_facts,
    program_file,
    ready_dataset_of,
    ready_model,
    ready_model_of,
    required_file,
    row_of,
)
from workers.worker.stage.trainings import training_stage

Stager = Callable[[Session, JobRecord, Settings], StagedInputs]


def stage(zoo: Zoo, job: JobRecord, scratch: Scratch) -> ResultScope:
    """What the result may name; everything that the job's process may know is laid out.

    Raises:
        NotFoundError: A model, dataset, ranking or file is gone.
        ConflictError: One of them is not ready.
    """
    with zoo.transaction() as session:
        staged = STAGERS[method_named(job.method).kind](session, job, zoo.settings)
    scratch.make()
    for name, sha256 in staged.files.items():
        zoo.blobs.fetch(sha256, scratch.inputs / name)
    if job.checkpoint_sha256 is not None and zoo.blobs.exists(job.checkpoint_sha256):
        zoo.blobs.fetch(job.checkpoint_sha256, scratch.checkpoint)
    request = {
        "method": job.method,
        "params": job.params,
        "facts": staged.facts,
        "origin": {"job": job.id, "version": job.method_version},
    }
    scratch.request.write_text(json.dumps(request))
    return staged.scope


def _model_upload(session: Session, job: JobRecord, settings: Settings) -> StagedInputs:
    model = row_of(session, job, ModelRecord, job.inputs["model_id"])
    facts = {"manifest": model.manifest, "parameter_limit": settings.max_parameters}
    return StagedInputs(facts, {"upload": required_file(model.upload_sha256, "the uploaded file")})


def _dataset_upload(session: Session, job: JobRecord, settings: Settings) -> StagedInputs:
    dataset = row_of(session, job, DatasetRecord, job.inputs["dataset_id"])
    limits = {
        "image_bytes": settings.max_image_bytes,
        "image_pixels": settings.max_image_pixels,
        "images": settings.max_dataset_images,
        "probe_images": settings.max_probe_images,
        "total_bytes": settings.max_dataset_bytes,
    }
    facts = {"manifest": dataset.manifest, "filename": dataset.filename, "limits": limits}
    return StagedInputs(facts, {"upload": dataset.upload_sha256})


def _network_and_probes(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """A measurement of one network on a probe set."""
    model, dataset = ready_model_of(session, job), ready_dataset_of(session, job)
    params = DeparaParams.model_validate(job.params)
    key = graphs.comparable_key(dataset.manifest_sha256 or "", params)
    facts = {"model": model_facts(model), "comparable_key": key}
    files = {**program_file(model), **canonical_file(dataset)}
    return StagedInputs(facts, files, ResultScope(comparable_key=key))


def _networks_and_images(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """Networks and chosen images of a set."""
    models = [ready_model(session, job, model_id) for model_id in job.inputs["model_ids"]]
    dataset = ready_dataset_of(session, job)
    indices = job.inputs["indices"]
    if max(indices) >= (dataset.images or 0) or min(indices) < 0:
        raise NotFoundError(
            f"the dataset has images 0 to {(dataset.images or 0) - 1}", code="image_not_found"
        )
    facts = {"models": [model_facts(model) for model in models], "indices": indices}
    programs = {f"{model.id}.pt2": program_file(model)["program.pt2"] for model in models}
    scope = ResultScope(
        model_ids=frozenset(job.inputs["model_ids"]), image_indices=frozenset(indices)
    )
    return StagedInputs(facts, {**programs, **canonical_file(dataset)}, scope)


def _network_and_labels(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """One network and a labeled set to estimate its transferability to."""
    model, dataset = ready_model_of(session, job), ready_dataset_of(session, job)
    facts = {
        "model": model_facts(model),
        "logits_layer": "output" if estimates.is_classifier(model) else None,
        **label_facts(session, datasets.require_labeled(dataset)),
    }
    return StagedInputs(facts, {**program_file(model), **canonical_file(dataset)})


def _labeled_images(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """A labeled set to learn."""
    dataset = ready_dataset_of(session, job)
    named = {"dataset_id": dataset.id, "name": dataset.name}
    return StagedInputs({**named, **label_facts(session, dataset)}, canonical_file(dataset))


def _training(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """Teachers, images to learn from and images that evaluate."""
    return training_stage(session, job)


STAGERS: Mapping[MethodKind, Stager] = {
    MethodKind.MODEL_CHECK: _model_upload,
    MethodKind.DATASET_INGESTION: _dataset_upload,
    MethodKind.GRAPH: _network_and_probes,
    MethodKind.HEAT_MAPS: _networks_and_images,
    MethodKind.REFERENCE_NETWORK: _labeled_images,
    MethodKind.ESTIMATES: _network_and_labels,
    MethodKind.RANKING: graphs_to_rank,
    MethodKind.FUSED_RANKING: evidence,
    MethodKind.MAP: graphs_to_place,
    MethodKind.LAYER_SELECTION: networks_to_compare,
    MethodKind.TRAINING: _training,
}
