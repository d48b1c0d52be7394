"""The parts of every layer's score become the rows of a layer selection."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from service.core.operations.layers import selections
from service.core.results.measurements import ComparedLayerFacts, ComparedLayers
from service.core.tables import JobRecord, LayerSelectionRecord, ModelRecord
from workers.worker.outputs import JobOutput
from workers.worker.record.rankings import spread_columns
from workers.worker.record.rows import existing_row, locked_row

_POSITION = ("layer", "shape", "depth", "operations_share", "status", "detail", "valid_probes")


def record_layers(
    session: Session, job: JobRecord, output: JobOutput[ComparedLayers]
) -> dict[str, Any]:
    """Store the parts of every layer beside the kind of the layer."""
    selection = locked_row(session, job, LayerSelectionRecord, job.inputs["selection_id"])
    source = existing_row(session, job, ModelRecord, selection.source_model_id)
    kinds = {layer["name"]: layer["kind"] for layer in source.layers}
    layers = [_columns(item, kinds) for item in output.result.items]
    measured = output.result.model_dump(mode="json", exclude={"items"})
    selections.finish(selection, layers=layers, measured=measured)
    session.flush()
    return {"layer_selection_id": selection.id, "layers": len(layers), **measured}


def _columns(item: ComparedLayerFacts, kinds: Mapping[str, str]) -> dict[str, Any]:
    """A layer as the selection stores it: its position, and what any score follows from."""
    return {
        **item.model_dump(mode="json", include=set(_POSITION)),
        "kind": kinds.get(item.layer, "output"),
        "node_similarity": item.node_similarity,
        "edge_similarity": item.edge_similarity,
        **spread_columns(item.spread),
    }
