"""A method's result becomes files in ``out`` and one of the typed results; runs in the child.

One saver per kind of method, in one closed table. Numbers that are not finite become null.
"""

import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from safetensors.torch import save_file
from torch import Tensor

from service.core.catalog import MethodKind, method_named
from service.core.catalog.attribution_map import ARCHIVE, MAPS, SHEET, picture_name
from service.core.results import RESULTS, JobResult
from service.core.results.concepts import RESPONSES_FILE
from service.core.results.maps import SIMILARITIES
from service.core.results.measurements import GRAPH_FILE
from service.core.results.networks import NetworkFacts
from workers.child.save.cascades import save_cascade
from workers.child.save.networks import PROGRAM, export
from workers.child.save.readers import save_reader
from workers.child.save.students import save_student
from workers.methods import (
    attribution_map,
    concept_search,
    dataset_ingestion,
    depara,
    few_shot_adaptation,
    fused_ranking,
    layer_selection,
    model_validation,
    ranking,
    reference_network,
    style_baking,
    transferability_estimators,
    transferability_map,
    unit_responses,
)
from workers.torchkit.drawing.rendering import png
from workers.torchkit.similarity.graphs import to_metadata, to_tensors

Saver = Callable[[Any, Path], dict[str, Any]]


def save(result: Any, method: str, out: Path) -> JobResult:
    """The typed result of a method; its files lie in ``out`` afterwards."""
    kind = method_named(method).kind
    return RESULTS[kind].model_validate(_plain(SAVERS[kind](result, out)), strict=False)


def _plain(value: Any) -> Any:
    """Values that JSON knows: tensors as lists, dataclasses as objects, NaN as null."""
    match value:
        case BaseModel():
            return value.model_dump(mode="json")
        case Mapping():
            return {str(key): _plain(element) for key, element in value.items()}
        case list() | tuple():
            return [_plain(element) for element in value]
        case float() if not math.isfinite(value):
            return None
    return _plain_object(value)


def _plain_object(value: Any) -> Any:
    """A choice as its value, a file as its name; a value that JSON knows as it is."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return value.name
    if isinstance(value, Tensor) or hasattr(value, "tolist"):
        return _plain(value.tolist())
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    return value


def _checked_model(result: model_validation.ModelValidationResult, out: Path) -> dict[str, Any]:
    """Problems, or what the network is; ``program`` names the file if it is not the upload."""
    if result.problems:
        return {"problems": result.problems, "program": None, "network": None}
    file = result.program_file
    written = file is not None and file.parent == out
    network = {name: getattr(result, name) for name in NetworkFacts.model_fields}
    return {"problems": (), "program": file if written else None, "network": network}


def _checked_dataset(
    result: dataset_ingestion.DatasetIngestionResult, _out: Path
) -> dict[str, Any]:
    """Problems and the index; both large files are in place already."""
    index = {name: getattr(result, name) for name in result.__dataclass_fields__}
    return {**index, "manifest_sha256": result.manifest_sha256 or None}


def _graph(result: depara.DeparaResult, out: Path) -> dict[str, Any]:
    """The graph as a file, and what the index must know of it."""
    tensors = {name: tensor.contiguous() for name, tensor in to_tensors(result.graph).items()}
    save_file(tensors, out / GRAPH_FILE, metadata=to_metadata(result.graph))
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
    save_file({maps.model_id: maps.maps.contiguous() for maps in result.networks}, out / MAPS)
    return {"images": images, "numerics": {m.model_id: m.numerics for m in result.networks}}


def _learned_network(
    result: reference_network.ReferenceNetworkResult, out: Path
) -> dict[str, Any]:
    """The network as a program file, with what it is and how good."""
    measured = ("manifest", "accuracy", "chance", "trained_on", "held_out", "last_loss", "seconds")
    return {
        **{name: getattr(result, name) for name in measured},
        "program": PROGRAM,
        "network": export(result.network, result.manifest, out),
    }


def _adapted_learner(
    result: few_shot_adaptation.FewShotAdaptationResult, out: Path
) -> dict[str, Any]:
    """The classifier as a program file, with what it is."""
    return {
        "manifest": result.manifest,
        "program": PROGRAM,
        "network": export(result.network, result.manifest, out),
        "distinct": result.distinct,
        "notes": result.notes,
    }


def _baked_style(result: style_baking.StyleBakingResult, out: Path) -> dict[str, Any]:
    """The network as a program file, with what it is."""
    return {
        "manifest": result.manifest,
        "program": PROGRAM,
        "network": export(result.network, result.manifest, out),
    }


def _estimates(
    result: transferability_estimators.TransferabilityEstimatorsResult, _out: Path
) -> dict[str, Any]:
    """Every estimator's score, or why it has none."""
    plain = {name: getattr(result, name) for name in ("images", "classes", "units", "timing")}
    by_name = {
        name: {estimator.value: value for estimator, value in getattr(result, name).items()}
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
    return {name: getattr(result, name) for name in (*names, "measure_next", "evidence")}


def _map(
    result: transferability_map.TransferabilityMapResult | transferability_map.SketchedMapResult,
    out: Path,
) -> dict[str, Any]:
    """A document; of an exact map also pictures and matrices as files."""
    document = {
        "models": result.models,
        "names": result.names,
        "tasks": result.tasks,
        "clusters": result.groups,
        "typical": result.chosen,
        "points": result.layout.points,
        "stress": result.layout.stress,
        "left_out": result.left_out,
    }
    if isinstance(result, transferability_map.SketchedMapResult):
        facts = {"landmarks": result.landmarks, "largest_error": result.largest_error}
        estimated = {"tree": None, "neighbors": [()] * len(result.models), "sketches": facts}
        return {"document": document | estimated, "pictures": []}
    _save_matrices(result, out)
    exact = {"tree": result.tree, "neighbors": result.neighbors}
    return {"document": document | exact, "pictures": sorted(result.pictures)}


def _save_matrices(result: transferability_map.TransferabilityMapResult, out: Path) -> None:
    """Pictures and exact matrices as files."""
    for name, data in result.pictures.items():
        (out / name).write_bytes(data)
    similar = result.similarities
    matrices = {"node": similar.node, "edge": similar.edge, "valid": similar.valid}
    save_file({k: v.contiguous() for k, v in matrices.items()}, out / SIMILARITIES)


def _responses(result: unit_responses.UnitResponsesResult, out: Path) -> dict[str, Any]:
    """The responses as a file, and what the zoo must know of them."""
    save_file({"responses": result.responses.contiguous()}, out / RESPONSES_FILE)
    images, units = result.responses.shape
    return {
        "images": images,
        "units": units,
        "breadth": result.breadth,
        "seconds": result.seconds,
    }


def _found_units(result: concept_search.ConceptSearchResult, _out: Path) -> dict[str, Any]:
    """The best units, and the networks to check next."""
    return {name: getattr(result, name) for name in result.__dataclass_fields__}


SAVERS: Mapping[MethodKind, Saver] = {
    MethodKind.MODEL_CHECK: _checked_model,
    MethodKind.DATASET_INGESTION: _checked_dataset,
    MethodKind.GRAPH: _graph,
    MethodKind.HEAT_MAPS: _heat_maps,
    MethodKind.REFERENCE_NETWORK: _learned_network,
    MethodKind.ESTIMATES: _estimates,
    MethodKind.RANKING: _similarities,
    MethodKind.FUSED_RANKING: _posterior,
    MethodKind.MAP: _map,
    MethodKind.LAYER_SELECTION: _layers,
    MethodKind.TRAINING: save_student,
    MethodKind.READER_TRAINING: save_reader,
    MethodKind.CASCADE_TRAINING: save_cascade,
    MethodKind.ADAPTATION: _adapted_learner,
    MethodKind.UNIT_RESPONSES: _responses,
    MethodKind.CONCEPT_SEARCH: _found_units,
    MethodKind.BAKED_STYLE: _baked_style,
}
