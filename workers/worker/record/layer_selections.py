"""What a layer selection needs, and what becomes of what it found."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.core.errors import ConflictError, NotFoundError
from service.core.operations.layers import selections
from service.core.tables import (
    DatasetRecord,
    JobRecord,
    LayerSelectionRecord,
    ModelRecord,
    ModelState,
)
from workers.worker.outputs import JobOutput

_PLACE = ("layer", "shape", "depth", "operations_share", "status", "detail", "valid_probes")
_SPREAD = ("node_variance", "edge_variance", "covariance")


@dataclass(frozen=True)
class Asked:
    """Who is compared: two ready networks, which layers of them, on which probes."""

    source: ModelRecord
    target: ModelRecord
    probes: DatasetRecord
    layers: list[str]
    target_layer: str


def networks_to_compare(session: Session, job: JobRecord) -> Asked:
    """What the job's selection names.

    Raises:
        NotFoundError: The selection is gone, with one of its networks or its probes.
        ConflictError: ``target_not_ready``: the network that stands for the target was not learnt.
    """
    selection = _selection(session, job)
    source = session.get_one(ModelRecord, selection.source_model_id)
    target = session.get_one(ModelRecord, selection.target_model_id)
    if target.state != ModelState.READY:
        raise ConflictError(
            f"the target's network is {target.state}",
            code="target_not_ready",
            remedy=f"see what became of {target.id}",
        )
    probes = session.get_one(DatasetRecord, selection.dataset_id)
    return Asked(source, target, probes, selection.candidates, selection.target_layer)


def record_layers(session: Session, job: JobRecord, output: JobOutput) -> dict[str, Any]:
    """Store the parts of every layer beside what kind of layer it is."""
    selection = _selection(session, job)
    source = session.get_one(ModelRecord, selection.source_model_id)
    kinds = {layer["name"]: layer["kind"] for layer in source.layers}
    layers = [_parts(item, kinds) for item in output.data["items"]]
    measured = {name: output.data[name] for name in ("remade", "batch_size", "grid", "timing")}
    selections.finish(selection, layers=layers, measured=measured)
    session.flush()
    return {"layer_selection_id": selection.id, "layers": len(layers), **measured}


def _selection(session: Session, job: JobRecord) -> LayerSelectionRecord:
    """The job's selection, locked; a network that is removed takes it along."""
    found = session.get(LayerSelectionRecord, job.inputs["selection_id"], with_for_update=True)
    if found is None:
        raise NotFoundError("the layer selection was removed meanwhile", code="input_deleted")
    return found


def _parts(item: dict[str, Any], kinds: dict[str, str]) -> dict[str, Any]:
    """A layer as the selection keeps it: where it is, and from what any score follows."""
    spread = item["spread"] or {}
    return {
        **{name: item[name] for name in _PLACE},
        "kind": kinds.get(item["layer"], "output"),
        "node_similarity": item["node_similarity"],
        "edge_similarity": item["edge_similarity"],
        **{name: spread.get(name) for name in _SPREAD},
    }
