"""What comparing graphs needs: their files, or everything that is known of the candidates."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog.depara import DeparaParams
from service.core.catalog.transferability_map import (
    SKETCHES_FILE,
    MapComparison,
    TransferabilityMapParams,
)
from service.core.errors import NotFoundError
from service.core.operations.maps import snapshot_lookup
from service.core.operations.maps.snapshot_lookup import Measured
from service.core.operations.measurements import graphs, reference_networks
from service.core.operations.rankings import by_graph, fused
from service.core.results import ResultScope
from service.core.tables import DatasetRecord, JobRecord, ModelRecord, RankingRecord
from service.settings import Settings
from workers.worker.stage.rows import (
    StagedInputs,
    graph_files,
    ready_dataset_of,
    required_file,
    row_of,
)


def graphs_to_rank(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """The target's graph, and the candidates' whose similarity to it is not known yet."""
    ranking = row_of(session, job, RankingRecord, job.inputs["ranking_id"])
    reference_networks.require_useful(
        row_of(session, job, ModelRecord, by_graph.target_of(ranking))
    )
    targets = graphs.measured(
        session,
        project=job.project,
        comparable=ranking.comparable_key,
        model_ids=[by_graph.target_of(ranking)],
    )
    if not targets:
        raise _target_missing(session, job, ranking)
    target = targets[0]
    settings = DeparaParams.model_validate(target.settings)
    candidates = by_graph.still_to_compare(session, ranking=ranking)
    facts = {
        "target": target.id,
        "candidates": [graph.id for graph in candidates],
        "min_valid": settings.min_valid,
        "ranks": settings.ranks,
        "nodes": settings.nodes,
    }
    names = frozenset(graph.model_id for graph in (target, *candidates))
    return StagedInputs(facts, graph_files([target, *candidates]), ResultScope(model_ids=names))


def evidence(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """Everything that is known of the candidates of a fused ranking; no files."""
    ranking = row_of(session, job, RankingRecord, job.inputs["ranking_id"])
    evidence = fused.take_evidence(session, ranking=ranking)
    candidates = zip(evidence["models"], evidence["candidates"], strict=True)
    names = frozenset(model_id for model_id, is_candidate in candidates if is_candidate)
    return StagedInputs({"evidence": evidence}, scope=ResultScope(model_ids=names))


def _target_missing(session: Session, job: JobRecord, ranking: RankingRecord) -> NotFoundError:
    """Why there is nothing to compare with: the reason its measurement gave, if any."""
    errors = graphs.measuring_errors(session, job_id=job.id)
    reason = errors.get(by_graph.target_of(ranking), {}).get("detail", "it has no graph")
    return NotFoundError(
        f"the target could not be measured: {reason}",
        code="target_not_measured",
        remedy="look at the jobs that this one waited for",
    )


def graphs_to_place(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """All graphs of a probe set with the same settings; or what an earlier map made of them.

    For a map from sketches, one file with all sketches stands for the graphs.
    """
    dataset = ready_dataset_of(session, job)
    params = TransferabilityMapParams.model_validate(job.params)
    comparable = graphs.comparable_key(dataset.manifest_sha256 or "", params.settings)
    measured = snapshot_lookup.measured(
        session,
        project=job.project,
        comparable=comparable,
        model_ids=job.inputs["model_ids"],
    )
    if params.comparison is MapComparison.SKETCHES:
        return _sketches_to_place(
            session, job, dataset=dataset, comparable=comparable, measured=measured
        )
    similarities = snapshot_lookup.known_similarities(
        session,
        project=job.project,
        comparable=comparable,
        models=snapshot_lookup.models_key([graph.model_id for graph in measured]),
    )
    placed = [graph for graph in measured if graph.comparable]
    if similarities is not None:
        placed.sort(key=lambda graph: similarities.models.index(graph.model_id))
        files = {snapshot_lookup.SIMILARITIES: similarities.sha256}
    else:
        files = {graph.graph_id: required_file(graph.sha256, "a graph's file") for graph in placed}
    facts = _facts_of_map(session, job, dataset=dataset, measured=measured, placed=placed)
    facts["graphs"] = [] if similarities is not None else list(files)
    return StagedInputs(facts, files, _scope_of(measured))


def _sketches_to_place(
    session: Session,
    job: JobRecord,
    *,
    dataset: DatasetRecord,
    comparable: str,
    measured: Sequence[Measured],
) -> StagedInputs:
    """The sketches of all networks that have one, in one file."""
    sketches = graphs.raw_sketches(session, project=job.project, comparable=comparable)
    placed = [graph for graph in measured if graph.graph_id in sketches]
    facts = _facts_of_map(session, job, dataset=dataset, measured=measured, placed=placed)
    facts["graphs"] = []
    rows = b"".join(sketches[graph.graph_id] for graph in placed)
    return StagedInputs(facts, scope=_scope_of(measured), contents={SKETCHES_FILE: rows})


def _scope_of(measured: Sequence[Measured]) -> ResultScope:
    return ResultScope(model_ids=frozenset(graph.model_id for graph in measured))


def _facts_of_map(
    session: Session,
    job: JobRecord,
    *,
    dataset: DatasetRecord,
    measured: Sequence[Measured],
    placed: Sequence[Measured],
) -> dict[str, Any]:
    """What the document says of the networks, and where they were on the map to continue."""
    before = job.inputs["continues"]
    points = (
        {}
        if before is None
        else snapshot_lookup.positions_in(session, project=job.project, map_id=before)
    )
    ids = {graph.graph_id for graph in placed}
    return {
        "models": [graph.model_id for graph in placed],
        "names": [graph.name for graph in placed],
        "tasks": [graph.task_kind for graph in placed],
        "parameters": [graph.parameters for graph in placed],
        "probes": dataset.name,
        "places": [points.get(graph.model_id) for graph in placed],
        "left_out": [
            [graph.model_id, graph.status] for graph in measured if graph.graph_id not in ids
        ],
    }
