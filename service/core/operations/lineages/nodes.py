"""Nodes of a lineage from rows; None stands for a deleted row."""

from collections.abc import Mapping

from service.core.lineage.graph import GONE, Kind, Node
from service.core.operations.lineages.origins import Origin
from service.core.tables import DatasetRecord, JobRecord, ModelRecord


def model_node(id_: str, model: ModelRecord | None, origin: Origin | None) -> Node:
    """A network with the measures of its job; a deleted one has the name from its job."""
    measured = {} if origin is None else origin.measured
    if model is None:
        name = "" if origin is None else origin.params.get("name") or ""
        return Node(id_, Kind.MODEL, name, GONE, measured=measured)
    return Node(
        id_,
        Kind.MODEL,
        model.name,
        model.state,
        task=model.task_kind,
        parameters=model.parameters,
        measured=measured,
    )


def job_node(origin: Origin, job: JobRecord | None) -> Node:
    """A job, under the name of its method."""
    budget: Mapping[str, float | None] = origin.params.get("budget") or {}
    return Node(
        origin.job_id,
        Kind.JOB,
        origin.method,
        GONE if job is None else job.state,
        seed=origin.params.get("seed"),
        budget={unit: length for unit, length in budget.items() if length is not None} or None,
    )


def dataset_node(id_: str, dataset: DatasetRecord | None) -> Node:
    """A set of images."""
    if dataset is None:
        return Node(id_, Kind.DATASET, "", GONE)
    return Node(id_, Kind.DATASET, dataset.name, dataset.state, images=dataset.images)
