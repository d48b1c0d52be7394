"""A request and its files become the inputs of a method; runs in the child.

One loader per kind of method, in one closed table.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from service.core.catalog import MethodKind, method_named
from service.core.catalog.measurement import RankVariant
from service.core.manifest import DatasetManifest, InputSpec, ModelManifest, TaskKind
from workers.child.load.canonical_frames import canonical_frames
from workers.child.load.trainings import training_inputs
from workers.isolation.workdir import Scratch
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
from workers.programs import Program, read_program
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.similarity.all_pairs import Similarities
from workers.torchkit.similarity.graphs import GraphFile

Facts = Mapping[str, Any]
Loader = Callable[[Facts, Scratch, torch.device], Any]


def inputs_of(request: Mapping[str, Any], scratch: Scratch, *, device: str) -> Any:
    """The inputs that the request's method takes."""
    load = LOADERS[method_named(request["method"]).kind]
    return load(request, scratch, torch.device(device))


def _model_upload(facts: Facts, scratch: Scratch, _device: torch.device) -> Any:
    manifest = ModelManifest.model_validate(facts["manifest"])
    upload = scratch.inputs / "upload"
    return model_validation.ModelValidationData(
        upload, manifest, scratch.out, facts["parameter_limit"]
    )


def _dataset_upload(facts: Facts, scratch: Scratch, _device: torch.device) -> Any:
    return dataset_ingestion.DatasetIngestionData(
        file=scratch.inputs / "upload",
        manifest=DatasetManifest.model_validate(facts["manifest"]),
        limits=dataset_ingestion.Limits(**facts["limits"]),
        folder=scratch.out,
    )


def _network_and_probes(facts: Facts, scratch: Scratch, device: torch.device) -> Any:
    return depara.DeparaData(
        model_id=facts["model"]["id"],
        comparable_key=facts["comparable_key"],
        network=_program(facts, scratch, device),
        preprocessing=_preprocessing(facts),
        probes=canonical_frames(scratch.inputs / "canonical.npy"),
    )


def _networks_and_images(facts: Facts, scratch: Scratch, device: torch.device) -> Any:
    indices = tuple(facts["indices"])
    frames = canonical_frames(scratch.inputs / "canonical.npy")
    return attribution_map.AttributionMapData(
        subjects=(_subject(model, scratch, device) for model in facts["models"]),
        count=len(facts["models"]),
        images=frames[list(indices)],
        indices=indices,
    )


def _subject(model: Facts, scratch: Scratch, device: torch.device) -> attribution_map.Subject:
    return attribution_map.Subject(
        model_id=model["id"],
        name=model["name"],
        reader=_network(model, scratch.inputs / f"{model['id']}.pt2", device),
        preprocessing=_preprocessing_of(model),
    )


def _labeled_images(facts: Facts, scratch: Scratch, _device: torch.device) -> Any:
    return reference_network.ReferenceNetworkData(
        name=f"reference for {facts['name']}"[:200],
        images=canonical_frames(scratch.inputs / "canonical.npy"),
        labels=torch.tensor(facts["labels"], dtype=torch.int64),
        classes=tuple(facts["classes"]),
    )


def _network_and_labels(facts: Facts, scratch: Scratch, device: torch.device) -> Any:
    return transferability_estimators.TransferabilityEstimatorsData(
        network=_program(facts, scratch, device),
        preprocessing=_preprocessing(facts),
        logits_layer=facts["logits_layer"],
        images=canonical_frames(scratch.inputs / "canonical.npy"),
        labels=torch.tensor(facts["labels"], dtype=torch.int64),
        classes=tuple(facts["classes"]),
    )


def _graphs_to_rank(facts: Facts, scratch: Scratch, _device: torch.device) -> Any:
    return ranking.RankingData(
        target=GraphFile(scratch.inputs / facts["target"]),
        candidates=(GraphFile(scratch.inputs / name) for name in facts["candidates"]),
        count=len(facts["candidates"]),
        min_valid=facts["min_valid"],
        ranks=RankVariant(facts["ranks"]),
    )


def _evidence(facts: Facts, _scratch: Scratch, _device: torch.device) -> Any:
    """Null becomes NaN."""
    evidence = facts["evidence"]
    shape = (len(evidence["models"]), len(evidence["datasets"]))
    named = ("scores", "traits", "history_scores")
    return fused_ranking.FusedRankingData(
        models=tuple(evidence["models"]),
        candidates=np.array(evidence["candidates"], dtype=bool),
        datasets=tuple(evidence["datasets"]),
        accuracies=_numbers(evidence["accuracies"]).reshape(shape),
        target=evidence["target"],
        measured=_numbers(evidence["measured"]),
        **{name: {k: _numbers(v) for k, v in evidence[name].items()} for name in named},
    )


def _numbers(values: Any) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def _graphs_to_place(facts: Facts, scratch: Scratch, _device: torch.device) -> Any:
    models, stored = tuple(facts["models"]), scratch.inputs / "similarities.safetensors"
    return transferability_map.TransferabilityMapData(
        models=models,
        names=tuple(facts["names"]),
        tasks=tuple(TaskKind(kind) for kind in facts["tasks"]),
        parameters=tuple(facts["parameters"]),
        probes=facts["probes"],
        graphs=tuple(GraphFile(scratch.inputs / name) for name in facts["graphs"]),
        similarities=Similarities(models, **load_file(stored)) if stored.exists() else None,
        coordinates=tuple(
            None if point is None else (point[0], point[1]) for point in facts["places"]
        ),
        left_out=tuple(transferability_map.LeftOut(*entry) for entry in facts["left_out"]),
    )


def _networks_to_compare(facts: Facts, scratch: Scratch, device: torch.device) -> Any:
    return layer_selection.LayerSelectionData(
        source=_side(facts["source"], scratch.inputs / "source.pt2", device),
        layers=tuple(facts["layers"]),
        target=_side(facts["target"], scratch.inputs / "target.pt2", device),
        target_layer=facts["target_layer"],
        probes=canonical_frames(scratch.inputs / "canonical.npy"),
    )


def _side(model: Facts, file: Path, device: torch.device) -> layer_selection.Side:
    return layer_selection.Side(_network(model, file, device), _preprocessing_of(model))


def _program(facts: Facts, scratch: Scratch, device: torch.device) -> Program:
    return _network(facts["model"], scratch.inputs / "program.pt2", device)


def _network(model: Facts, file: Path, device: torch.device) -> Program:
    """The network, with the feature layer that its manifest or its check chose."""
    program = read_program(file)
    layer = model["feature_layer"]
    if layer is not None:
        program = program.with_interface(feature_layer=layer)
    return program.to(device)


def _preprocessing(facts: Facts) -> Preprocessing:
    return _preprocessing_of(facts["model"])


def _preprocessing_of(model: Facts) -> Preprocessing:
    return Preprocessing.of(InputSpec.model_validate(model["input"]))


def _from_facts(load: Loader) -> Loader:
    """A loader for which the facts of a request are enough."""
    return lambda request, scratch, device: load(request["facts"], scratch, device)


LOADERS: Mapping[MethodKind, Loader] = {
    MethodKind.MODEL_CHECK: _from_facts(_model_upload),
    MethodKind.DATASET_INGESTION: _from_facts(_dataset_upload),
    MethodKind.GRAPH: _from_facts(_network_and_probes),
    MethodKind.HEAT_MAPS: _from_facts(_networks_and_images),
    MethodKind.REFERENCE_NETWORK: _from_facts(_labeled_images),
    MethodKind.ESTIMATES: _from_facts(_network_and_labels),
    MethodKind.RANKING: _from_facts(_graphs_to_rank),
    MethodKind.FUSED_RANKING: _from_facts(_evidence),
    MethodKind.MAP: _from_facts(_graphs_to_place),
    MethodKind.LAYER_SELECTION: _from_facts(_networks_to_compare),
    MethodKind.TRAINING: training_inputs,
}
