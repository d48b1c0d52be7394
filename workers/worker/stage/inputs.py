"""What a job needs, laid out in its scratch folder: files in ``in``, the rest in request.json.

The one place that turns ids into files; the child sees no id it could look up. One loader per
kind of job, in one closed table.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.catalog.depara import DeparaParams
from service.core.catalog.training import TRAININGS
from service.core.catalog.transferability_map import TransferabilityMapParams
from service.core.errors import ConflictError, NotFoundError
from service.core.operations.maps import snapshot_lookup
from service.core.operations.measurements import estimates, graphs
from service.core.operations.rankings import by_graph, fused
from service.core.operations.zoo import datasets
from service.core.tables import (
    DatasetRecord,
    DatasetState,
    GraphRecord,
    JobRecord,
    ModelRecord,
    ModelState,
    RankingRecord,
)
from service.core.tables.base import Owned
from service.settings import Settings
from workers.isolation.workdir import Scratch
from workers.worker.record.layer_selections import networks_to_compare
from workers.worker.stage.trainings import training_stage


@dataclass(frozen=True)
class StagedInputs:
    """Facts for the room, and the digests of files by the name they get in ``in``."""

    facts: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)


Row = TypeVar("Row", bound=Owned)
Loader = Callable[[Session, JobRecord, Settings], StagedInputs]


def stage(zoo: Zoo, job: JobRecord, scratch: Scratch) -> None:
    """Lay out everything the job's child may know.

    Raises:
        NotFoundError: A model, dataset, ranking or file is gone.
        ConflictError: One of them is not ready.
    """
    with zoo.transaction() as session:
        staged = _LOADERS[job.method](session, job, zoo.settings)
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


def _model_upload(session: Session, job: JobRecord, settings: Settings) -> StagedInputs:
    model = _of(session, job, ModelRecord, job.inputs["model_id"])
    facts = {"manifest": model.manifest, "parameter_limit": settings.max_parameters}
    return StagedInputs(facts, {"upload": _present(model.upload_sha256, "the uploaded file")})


def _dataset_upload(session: Session, job: JobRecord, settings: Settings) -> StagedInputs:
    dataset = _of(session, job, DatasetRecord, job.inputs["dataset_id"])
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
    model, dataset = _ready_model(session, job), _ready_dataset(session, job)
    params = DeparaParams.model_validate(job.params)
    facts = {
        "model": _facts_of(model),
        "comparable_key": graphs.comparable_key(dataset.manifest_sha256 or "", params),
    }
    return StagedInputs(facts, {**_program(model), **_canonical(dataset)})


def _networks_and_images(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """Networks and chosen images of a set."""
    models = [_ready(session, job, one) for one in job.inputs["model_ids"]]
    dataset = _ready_dataset(session, job)
    indices = job.inputs["indices"]
    if max(indices) >= (dataset.images or 0) or min(indices) < 0:
        raise NotFoundError(
            f"the dataset has images 0 to {(dataset.images or 0) - 1}", code="image_not_found"
        )
    facts = {"models": [_facts_of(model) for model in models], "indices": indices}
    programs = {f"{model.id}.pt2": _program(model)["program.pt2"] for model in models}
    return StagedInputs(facts, {**programs, **_canonical(dataset)})


def _network_and_labels(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """One network and a labelled set to judge it on."""
    model, dataset = _ready_model(session, job), _ready_dataset(session, job)
    facts = {
        "model": _facts_of(model),
        "logits_layer": "output" if estimates.is_classifier(model) else None,
        **_facts_of_labels(session, datasets.require_labeled(dataset)),
    }
    return StagedInputs(facts, {**_program(model), **_canonical(dataset)})


def _labelled_images(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """A labelled set to learn."""
    dataset = _ready_dataset(session, job)
    named = {"dataset_id": dataset.id, "name": dataset.name}
    return StagedInputs({**named, **_facts_of_labels(session, dataset)}, _canonical(dataset))


def _training(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """Teachers, images to learn from and images that judge."""
    staged = training_stage(session, job)
    return StagedInputs(staged.facts, staged.files)


def _facts_of_labels(session: Session, dataset: DatasetRecord) -> dict[str, Any]:
    """Class names, and the place of every image's class among them; -1 where it has none."""
    labels = datasets.labels_of(session, dataset=dataset)
    return {
        "classes": dataset.labels or [],
        "labels": [-1 if label is None else label for label in labels],
    }


def _graphs_to_rank(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """The target's graph, and the candidates' whose similarity to it is not known yet."""
    ranking = _of(session, job, RankingRecord, job.inputs["ranking_id"])
    targets = graphs.measured(
        session,
        project=job.project,
        comparable=ranking.comparable_key,
        model_ids=[by_graph.target_of(ranking)],
    )
    if not targets:
        raise _target_missing(session, job, ranking)
    target = targets[0]
    candidates = by_graph.still_to_compare(session, ranking=ranking)
    facts = {
        "target": target.id,
        "candidates": [graph.id for graph in candidates],
        "min_valid": target.settings["min_valid"],
        "ranks": target.settings["ranks"],
    }
    return StagedInputs(facts, _graph_files([target, *candidates]))


def _evidence(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """Everything that is known of the candidates of a fused ranking; no files."""
    ranking = _of(session, job, RankingRecord, job.inputs["ranking_id"])
    return StagedInputs({"evidence": fused.take(session, ranking=ranking)})


def _target_missing(session: Session, job: JobRecord, ranking: RankingRecord) -> NotFoundError:
    """Why there is nothing to compare with: the reason its measurement gave, if any."""
    errors = graphs.measuring_errors(session, job_id=job.id)
    reason = errors.get(by_graph.target_of(ranking), {}).get("detail", "it has no graph")
    return NotFoundError(
        f"the target could not be measured: {reason}",
        code="target_not_measured",
        remedy="look at the jobs that this one waited for",
    )


def _networks_to_compare(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """The source and its candidate layers, the target and its layer, and the probes."""
    asked = networks_to_compare(session, job)
    sides = {"source": asked.source, "target": asked.target}
    facts = {side: _facts_of(model) for side, model in sides.items()}
    files = {f"{side}.pt2": _program(model)["program.pt2"] for side, model in sides.items()}
    layers = {"layers": asked.layers, "target_layer": asked.target_layer}
    return StagedInputs({**facts, **layers}, {**files, **_canonical(asked.probes)})


def _graphs_to_place(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """All graphs of a probe set with the same settings; or what an earlier map made of them."""
    dataset = _ready_dataset(session, job)
    params = TransferabilityMapParams.model_validate(job.params)
    comparable = graphs.comparable_key(dataset.manifest_sha256 or "", params.settings)
    found = snapshot_lookup.measured(
        session,
        project=job.project,
        comparable=comparable,
        model_ids=job.inputs["model_ids"],
    )
    known = snapshot_lookup.known_similarities(
        session,
        project=job.project,
        comparable=comparable,
        models=snapshot_lookup.models_key([one.model_id for one in found]),
    )
    placed = [one for one in found if one.comparable]
    if known is not None:
        placed.sort(key=lambda one: known.models.index(one.model_id))
        files = {snapshot_lookup.SIMILARITIES: known.sha256}
    else:
        files = {one.graph_id: _present(one.sha256, "a graph's file") for one in placed}
    before = job.inputs["continues"]
    places = (
        {}
        if before is None
        else snapshot_lookup.places_in(session, project=job.project, map_id=before)
    )
    facts = {
        "models": [one.model_id for one in placed],
        "names": [one.name for one in placed],
        "tasks": [one.task_kind for one in placed],
        "parameters": [one.parameters for one in placed],
        "probes": dataset.name,
        "graphs": [] if known is not None else list(files),
        "places": [places.get(one.model_id) for one in placed],
        "left_out": [[one.model_id, one.status] for one in found if not one.comparable],
    }
    return StagedInputs(facts, files)


def _graph_files(found: Sequence[GraphRecord]) -> dict[str, str]:
    """Graph files by the id of their record."""
    return {graph.id: _present(graph.sha256, "a graph's file") for graph in found}


def _facts_of(model: ModelRecord) -> dict[str, Any]:
    """What a reader of programs needs beside the file."""
    return {
        "id": model.id,
        "name": model.name,
        "input": model.manifest["input"],
        "feature_layer": model.feature_layer,
    }


def _program(model: ModelRecord) -> dict[str, str]:
    return {"program.pt2": _present(model.program_sha256, "the program")}


def _canonical(dataset: DatasetRecord) -> dict[str, str]:
    """The canonical frames, which only sets small enough to be probe sets have."""
    if dataset.canonical_sha256 is None:
        raise ConflictError(
            f"{dataset.id} has too many images to be a probe set or a target",
            code="dataset_too_large",
            remedy="upload a sample of it as a dataset of its own",
        )
    return {"canonical.npy": dataset.canonical_sha256}


def _ready_model(session: Session, job: JobRecord) -> ModelRecord:
    return _ready(session, job, job.inputs["model_id"])


def _ready(session: Session, job: JobRecord, model_id: str) -> ModelRecord:
    model = _of(session, job, ModelRecord, model_id)
    if model.state != ModelState.READY:
        raise ConflictError(f"{model.id} is {model.state}", code="model_not_ready")
    return model


def _ready_dataset(session: Session, job: JobRecord) -> DatasetRecord:
    dataset = _of(session, job, DatasetRecord, job.inputs["dataset_id"])
    if dataset.state != DatasetState.READY:
        raise ConflictError(f"{dataset.id} is {dataset.state}", code="dataset_not_ready")
    return dataset


def _of(session: Session, job: JobRecord, kind: type[Row], identity: str) -> Row:
    """A row of the job's project by id, or NotFoundError."""
    found = session.get(kind, identity)
    if found is None or found.project != job.project:
        raise NotFoundError(f"{identity} is gone", code="input_deleted")
    return found


def _present(sha256: str | None, what: str) -> str:
    if sha256 is None:
        raise NotFoundError(f"{what} was never stored", code="blob_not_found")
    return sha256


_LOADERS: dict[str, Loader] = {
    "model_validation": _model_upload,
    "dataset_ingestion": _dataset_upload,
    "depara": _network_and_probes,
    "attribution_map": _networks_and_images,
    "reference_network": _labelled_images,
    "transferability_estimators": _network_and_labels,
    "ranking": _graphs_to_rank,
    "fused_ranking": _evidence,
    "transferability_map": _graphs_to_place,
    "layer_selection": _networks_to_compare,
    **dict.fromkeys(TRAININGS, _training),
}
