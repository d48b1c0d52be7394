"""What a job needs, laid out in its scratch folder: files in ``in``, the rest in request.json.

The one place that turns ids into files; the job's process sees no id it could look up. One stager
per kind of method, in one closed table.
"""

import json
from collections.abc import Callable, Mapping

import structlog
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.catalog import MethodKind, method_named
from service.core.catalog.depara import DeparaParams
from service.core.errors import BlobDamagedError, NotFoundError
from service.core.operations import dataset_labels
from service.core.operations.measurements import estimates, graphs
from service.core.results import ResultScope
from service.core.tables import DatasetRecord, JobRecord, ModelRecord
from service.machine_speed import stored_speed
from service.settings import Settings
from workers.isolation.training_files import CLIPS_FILE, STOCKED_CLIPS
from workers.isolation.workdir import Scratch
from workers.worker.stage.adaptations import learner_and_support, stylizer_and_style
from workers.worker.stage.cascades import clips_and_first_stage
from workers.worker.stage.clips import stocked_clips
from workers.worker.stage.concepts import classifier_and_images, responses_to_search
from workers.worker.stage.graphs import evidence, graphs_to_place, graphs_to_rank
from workers.worker.stage.layer_selections import networks_to_compare
from workers.worker.stage.readers import reader_stage
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

log = structlog.get_logger(__name__)

Stager = Callable[[Session, JobRecord, Settings], StagedInputs]


def stage(zoo: Zoo, job: JobRecord, scratch: Scratch) -> ResultScope:
    """What the result may name; everything that the job's process may know is laid out.

    Raises:
        NotFoundError: A model, dataset, ranking or file is gone.
        ConflictError: One of them is not ready, or ``blob_damaged``.
    """
    with zoo.transaction() as session:
        staged = STAGERS[method_named(job.method).kind](session, job, zoo.settings)
    scratch.make()
    for name, sha256 in staged.files.items():
        zoo.blobs.fetch(sha256, scratch.inputs / name)
    for name, data in staged.contents.items():
        (scratch.inputs / name).write_bytes(data)
    if job.checkpoint_sha256 is not None:
        _stage_checkpoint(zoo, job.checkpoint_sha256, scratch)
    request = {
        "method": job.method,
        "params": job.params,
        "facts": staged.facts,
        "origin": {"job": job.id, "version": job.method_version},
    }
    scratch.request.write_text(json.dumps(request))
    return staged.scope


def _stage_checkpoint(zoo: Zoo, sha256: str, scratch: Scratch) -> None:
    """Lay out the checkpoint; without it, or if it is damaged, the job starts over."""
    try:
        zoo.blobs.fetch(sha256, scratch.checkpoint)
    except (NotFoundError, BlobDamagedError) as error:
        log.warning("the job starts without its checkpoint", reason=error.detail)


def _model_upload(session: Session, job: JobRecord, settings: Settings) -> StagedInputs:
    model = row_of(session, job, ModelRecord, job.inputs["model_id"])
    facts = {
        "manifest": model.manifest,
        "parameter_limit": settings.max_parameters,
        "time_limit": _time_limit(settings),
    }
    return StagedInputs(facts, {"upload": required_file(model.upload_sha256, "the uploaded file")})


def _time_limit(settings: Settings) -> dict[str, float] | None:
    """What an image may take on this machine; None if its speed was not measured."""
    speed = stored_speed(settings)
    if speed is None:
        return None
    return {"seconds": settings.predict_timeout_seconds, **speed.model_dump()}


def _dataset_upload(session: Session, job: JobRecord, settings: Settings) -> StagedInputs:
    dataset = row_of(session, job, DatasetRecord, job.inputs["dataset_id"])
    limits = {
        "image_bytes": settings.max_image_bytes,
        "image_pixels": settings.max_image_pixels,
        "images": settings.max_dataset_images,
        "probe_images": settings.max_probe_images,
        "clips": settings.max_dataset_clips,
        "clip_bytes": settings.max_clip_bytes,
        "clip_seconds": settings.max_clip_seconds,
        "total_bytes": settings.max_dataset_bytes,
    }
    facts = {"manifest": dataset.manifest, "filename": dataset.filename, "limits": limits}
    files = {"upload": dataset.upload_sha256}
    stocked = dataset.manifest.get("clips_of")
    if stocked is None:
        return StagedInputs(facts, files)
    packed, stocked_facts = stocked_clips(session, job, stocked)
    contents = {STOCKED_CLIPS: stocked_facts}
    return StagedInputs(facts, {**files, CLIPS_FILE: packed}, contents=contents)


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
        **label_facts(session, dataset_labels.require_labeled(dataset)),
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


def _reader_training(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """Clips to learn from and clips that evaluate."""
    return reader_stage(session, job)


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
    MethodKind.READER_TRAINING: _reader_training,
    MethodKind.CASCADE_TRAINING: clips_and_first_stage,
    MethodKind.ADAPTATION: learner_and_support,
    MethodKind.UNIT_RESPONSES: classifier_and_images,
    MethodKind.CONCEPT_SEARCH: responses_to_search,
    MethodKind.BAKED_STYLE: stylizer_and_style,
}
