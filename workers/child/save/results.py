"""A room's ``Result`` becomes files in ``out`` and plain data; runs in the child.

One saver per kind of result, in one closed table. Plain data are JSON: numbers that are not
finite become null.
"""

import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

from service.core.catalog.attribution_map import ARCHIVE, MAPS, SHEET, picture_name
from service.core.catalog.training import TRAININGS
from workers.child.save.students import save_student
from workers.methods import (
    attribution_map,
    dataset_ingestion,
    depara,
    fused_ranking,
    layer_selection,
    model_validation,
    ranking,
    reference_network,
    transferability_estimators,
    transferability_map,
)
from workers.methods.model_validation.judgement import output_kind_of
from workers.programs.exporting import export_network
from workers.torchkit.drawing.rendering import png
from workers.torchkit.similarity.graphs import to_metadata, to_tensors

Saver = Callable[[Any, Path], dict[str, Any]]


def save(result: Any, method: str, out: Path) -> dict[str, Any]:
    """The plain data of a method's result; its files lie in ``out`` afterwards."""
    plain: dict[str, Any] = _plain(_SAVERS[method](result, out))
    return plain


def _plain(value: Any) -> Any:
    """Values that JSON knows: tensors as lists, dataclasses as objects, NaN as null."""
    if isinstance(value, Tensor) or hasattr(value, "tolist"):
        return _plain(value.tolist())
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _plain_word(value)


def _plain_word(value: Any) -> Any:
    """A choice as its value, a file as its name, anything else as it is."""
    if isinstance(value, Enum):
        return value.value
    return value.name if isinstance(value, Path) else value


def _checked_model(result: model_validation.ModelValidationResult, out: Path) -> dict[str, Any]:
    """Problems, or what the network is; ``program`` names the file if it is not the upload."""
    file = result.program_file
    written = file is not None and file.parent == out
    return {
        "problems": result.problems,
        "program": file if written else None,
        "layers": result.layers,
        "feature_layer": result.feature_layer,
        "parameters": result.parameters,
        "flops": result.flops,
        "output_kind": result.output_kind,
        "output_shape": result.output_shape,
        "batch_norms": result.batch_norms,
    }


def _checked_dataset(
    result: dataset_ingestion.DatasetIngestionResult, _out: Path
) -> dict[str, Any]:
    """Problems and the index; both large files are in place already."""
    return {name: getattr(result, name) for name in result.__dataclass_fields__}


def _graph(result: depara.DeparaResult, out: Path) -> dict[str, Any]:
    """The graph as one file, and what an index wants to know of it."""
    tensors = {name: one.contiguous() for name, one in to_tensors(result.graph).items()}
    save_file(tensors, out / "graph.safetensors", metadata=to_metadata(result.graph))
    return {
        "comparable_key": result.graph.comparable_key,
        "status": result.graph.status,
        "detail": result.detail,
        "valid_probes": result.valid_probes,
        "probes": len(result.graph.mask),
        "grid": result.grid,
        "sketch": result.sketch,
        "policy": result.policy,
        "timing": result.timing,
    }


def _heat_maps(result: attribution_map.AttributionMapResult, out: Path) -> dict[str, Any]:
    """A PNG for each network and image, a sheet and a zip of them, all maps in one file."""
    images = []
    with zipfile.ZipFile(out / ARCHIVE, "w", zipfile.ZIP_STORED) as archive:
        for network in result.networks:
            for index, picture, status in zip(
                result.indices, network.pictures, network.statuses, strict=True
            ):
                name = picture_name(network.model_id, index)
                (out / name).write_bytes(png(picture))
                archive.writestr(zipfile.ZipInfo(name), (out / name).read_bytes())
                about = {"model_id": network.model_id, "index": index}
                images.append({**about, "picture": name, "status": status})
    (out / SHEET).write_bytes(result.sheet)
    save_file({one.model_id: one.maps.contiguous() for one in result.networks}, out / MAPS)
    return {"images": images, "numerics": {one.model_id: one.numerics for one in result.networks}}


def _learned_network(
    result: reference_network.ReferenceNetworkResult, out: Path
) -> dict[str, Any]:
    """The network as a program file, with what it is and how good."""
    spec = result.manifest.input
    shape = (spec.channels, spec.height, spec.width)
    program = export_network(result.network, shape, out / "program.pt2")
    return {
        "manifest": result.manifest.model_dump(mode="json"),
        "program": "program.pt2",
        "layers": program.layers,
        "feature_layer": program.feature_layer,
        "parameters": program.parameter_count,
        "flops": program.flops,
        "output_kind": output_kind_of(program.output_shape),
        "output_shape": program.output_shape,
        "batch_norms": len(program.batch_norms),
        "accuracy": result.accuracy,
        "chance": result.chance,
        "trained_on": result.trained_on,
        "held_out": result.held_out,
        "last_loss": result.last_loss,
        "seconds": result.seconds,
    }


def _estimates(
    result: transferability_estimators.TransferabilityEstimatorsResult, _out: Path
) -> dict[str, Any]:
    """Every estimator's score, or why it has none."""
    plain = {name: getattr(result, name) for name in ("images", "classes", "units", "timing")}
    by_name = {
        name: {estimator.value: one for estimator, one in getattr(result, name).items()}
        for name in ("scores", "reasons")
    }
    return {**plain, **by_name}


def _similarities(result: ranking.RankingResult, _out: Path) -> dict[str, Any]:
    """Parts of every score."""
    return {
        "target_id": result.target_id,
        "target_status": result.target_status,
        "items": result.items,
    }


def _layers(result: layer_selection.LayerSelectionResult, _out: Path) -> dict[str, Any]:
    """Parts of every layer's score, and how they were measured."""
    return {name: getattr(result, name) for name in result.__dataclass_fields__}


def _posterior(result: fused_ranking.FusedRankingResult, _out: Path) -> dict[str, Any]:
    """Every candidate's posterior, and what follows from all of them; baselines are the zoo's."""
    names = ("estimates", "best_set", "best_set_probability", "expected_regret")
    return {n: getattr(result, n) for n in (*names, "measure_next", "evidence")}


def _map(result: transferability_map.TransferabilityMapResult, out: Path) -> dict[str, Any]:
    """Pictures and exact matrices as files; the rest as a document."""
    for name, data in result.pictures.items():
        (out / name).write_bytes(data)
    similar = result.similarities
    matrices = {"node": similar.node, "edge": similar.edge, "valid": similar.valid}
    save_file({k: v.contiguous() for k, v in matrices.items()}, out / "similarities.safetensors")
    document = {
        "models": result.models,
        "names": result.names,
        "tree": result.tree,
        "clusters": result.groups,
        "typical": result.chosen,
        "neighbors": result.neighbors,
        "points": result.layout.points,
        "stress": result.layout.stress,
        "left_out": result.left_out,
    }
    return {"document": document}


_SAVERS: dict[str, Saver] = {
    "model_validation": _checked_model,
    "dataset_ingestion": _checked_dataset,
    "depara": _graph,
    "attribution_map": _heat_maps,
    "reference_network": _learned_network,
    "transferability_estimators": _estimates,
    "ranking": _similarities,
    "fused_ranking": _posterior,
    "transferability_map": _map,
    "layer_selection": _layers,
    **dict.fromkeys(TRAININGS, save_student),
}
