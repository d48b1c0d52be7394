"""A request and its files become the inputs of a method; runs in the child.

One loader per kind of method, in one closed table.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from safetensors.torch import load_file

from service.core.catalog import MethodKind, method_named
from service.core.catalog.measurement import Nodes, RankVariant
from service.core.catalog.transferability_map import SKETCHES_FILE
from service.core.manifest import (
    DatasetManifest,
    FewShotHead,
    InputSpec,
    ModelManifest,
    StylizerHead,
    TaskKind,
)
from service.core.sketches import SKETCH_SIZE
from workers.child.load.canonical_frames import canonical_frames
from workers.child.load.cascades import cascade_inputs
from workers.child.load.clips import stocked_clips
from workers.child.load.programs import program_of, with_logits_of
from workers.child.load.readers import reader_inputs
from workers.child.load.trainings import training_inputs
from workers.isolation import memory
from workers.isolation.workdir import Scratch
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
from workers.programs import Program
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
    limit = facts["time_limit"]
    return model_validation.ModelValidationData(
        upload,
        manifest,
        scratch.out,
        facts["parameter_limit"],
        memory_bytes=memory.free_bytes(),
        time_limit=None if limit is None else model_validation.TimeLimit(**limit),
    )


def _dataset_upload(facts: Facts, scratch: Scratch, _device: torch.device) -> Any:
    return dataset_ingestion.DatasetIngestionData(
        file=scratch.inputs / "upload",
        filename=facts["filename"],
        manifest=DatasetManifest.model_validate(facts["manifest"]),
        limits=dataset_ingestion.Limits(**facts["limits"]),
        folder=scratch.out,
        stock=stocked_clips(scratch),
    )


def _network_and_probes(facts: Facts, scratch: Scratch, device: torch.device) -> Any:
    return depara.DeparaData(
        limit_bytes=memory.free_bytes(),
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
        limit_bytes=memory.free_bytes(),
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
    network = _program(facts, scratch, device)
    if facts["logits_layer"] is not None:
        network = with_logits_of(facts["model"], network)
    return transferability_estimators.TransferabilityEstimatorsData(
        limit_bytes=memory.free_bytes(),
        network=network,
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
        nodes=Nodes(facts["nodes"]),
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
    sketches = scratch.inputs / SKETCHES_FILE
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
        sketches=_sketches(sketches) if sketches.exists() else None,
    )


def _sketches(file: Path) -> Float32[np.ndarray, "model bucket"]:
    """Rows of half precision in network byte order, as Postgres sends them."""
    rows = np.frombuffer(file.read_bytes(), dtype=">f2").reshape(-1, SKETCH_SIZE)
    return rows.astype(np.float32)


def _networks_to_compare(facts: Facts, scratch: Scratch, device: torch.device) -> Any:
    return layer_selection.LayerSelectionData(
        limit_bytes=memory.free_bytes(),
        source=_side(facts["source"], scratch.inputs / "source.pt2", device),
        layers=tuple(facts["layers"]),
        target=_side(facts["target"], scratch.inputs / "target.pt2", device),
        target_layer=facts["target_layer"],
        probes=canonical_frames(scratch.inputs / "canonical.npy"),
    )


def _side(model: Facts, file: Path, device: torch.device) -> layer_selection.Side:
    return layer_selection.Side(_network(model, file, device), _preprocessing_of(model))


def _learner_and_support(facts: Facts, scratch: Scratch, device: torch.device) -> Any:
    model, frames = facts["model"], canonical_frames(scratch.inputs / "canonical.npy")
    return few_shot_adaptation.FewShotAdaptationData(
        name=facts["name"],
        learner=_program(facts, scratch, device),
        learner_name=model["name"],
        input=InputSpec.model_validate(model["input"]),
        head=FewShotHead.model_validate(model["few_shot"]),
        images=frames[list(facts["indices"])],
        classes=tuple(facts["classes"]),
        names=tuple(facts["names"]),
        limit_bytes=memory.free_bytes(),
    )


def _classifier_and_images(facts: Facts, scratch: Scratch, device: torch.device) -> Any:
    network = with_logits_of(facts["model"], _program(facts, scratch, device))
    return unit_responses.UnitResponsesData(
        limit_bytes=memory.free_bytes(),
        network=network,
        preprocessing=_preprocessing(facts),
        task=TaskKind(facts["kind"]),
        images=canonical_frames(scratch.inputs / "canonical.npy"),
    )


def _responses_to_search(facts: Facts, scratch: Scratch, _device: torch.device) -> Any:
    """Responses are read network by network, so that few of them are in memory at once."""

    def read(model_id: str, role: str) -> torch.Tensor:
        return load_file(scratch.inputs / f"{model_id}.{role}")["responses"]

    def network(model_id: str, *roles: str) -> concept_search.NetworkResponses:
        return concept_search.NetworkResponses(
            model_id, **{role: read(model_id, role) for role in roles}
        )

    shown = ("positives", "negatives") if facts["own_negatives"] else ("positives",)
    return concept_search.ConceptSearchData(
        networks=(
            network(entry["id"], "probes", *(shown if entry["ran"] else ()))
            for entry in facts["networks"]
        ),
        count=len(facts["networks"]),
        references=tuple(network(name, "probes", *shown) for name in facts["references"]),
    )


def _stylizer_and_style(facts: Facts, scratch: Scratch, device: torch.device) -> Any:
    frames = canonical_frames(scratch.inputs / "canonical.npy")
    return style_baking.StyleBakingData(
        name=facts["name"],
        stylizer=_program(facts, scratch, device),
        stylizer_name=facts["model"]["name"],
        head=StylizerHead.model_validate(facts["model"]["stylizer"]),
        style=frames[facts["image"]],
        style_name=facts["style_name"],
        license=facts["license"],
    )


def _program(facts: Facts, scratch: Scratch, device: torch.device) -> Program:
    return _network(facts["model"], scratch.inputs / "program.pt2", device)


def _network(model: Facts, file: Path, device: torch.device) -> Program:
    """The network on a device.

    Raises:
        NotEnoughMemoryError: Not even one image fits the memory of this job.
    """
    return program_of(model, file).to(device)


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
    MethodKind.READER_TRAINING: reader_inputs,
    MethodKind.CASCADE_TRAINING: cascade_inputs,
    MethodKind.ADAPTATION: _from_facts(_learner_and_support),
    MethodKind.UNIT_RESPONSES: _from_facts(_classifier_and_images),
    MethodKind.CONCEPT_SEARCH: _from_facts(_responses_to_search),
    MethodKind.BAKED_STYLE: _from_facts(_stylizer_and_style),
}
