"""One small valid result of every kind, with the scope that it belongs to."""

import base64
import struct
from typing import Any

from service.core.catalog import MethodKind
from service.core.catalog.cascade_seq2seq import CascadeSeq2SeqParams
from service.core.catalog.linear_probe import LinearProbeParams
from service.core.catalog.measurement import LABEL_SCORES
from service.core.catalog.speech_recognizer import SpeechRecognizerParams
from service.core.results import ResultScope
from service.core.sketches import SKETCH_SIZE

Example = tuple[dict[str, Any], ResultScope]

_KEY = "0" * 64
_MODELS = ("mdl_1", "mdl_2")
_MANIFEST = {
    "name": "student",
    "format": "pt2",
    "task": {"kind": "classification", "text": "leaves"},
    "input": {"channels": 3, "height": 8, "width": 8, "mean": [0.5, 0.5, 0.5]},
    "classes": ["a", "b"],
    "feature_layer": "1",
    "trained_on": "leaves",
    "license": "none",
    "tags": ["student"],
}
_NETWORK = {
    "layers": [{"name": "1", "kind": "Linear", "shape": [4]}],
    "feature_layer": "1",
    "parameters": 20,
    "flops": 40,
    "peak_bytes": 400,
    "gradient_peak_bytes": 4000,
    "latency_ms": 1.25,
    "output_kind": "vector",
    "output_shape": [2],
    "batch_norms": 0,
    "outputs": [{"name": "output", "shape": [2]}],
    "output": "output",
    "output_scale": "logits",
    "weights_sha256": "0" * 64,
    "sketch": {
        "weights": [
            {
                "shape": [2, 3],
                "digest": "0" * 16,
                "norm": 1.5,
                "excess": -2.0,
                "zeros": 0.0,
                "half": True,
                "levels": None,
                "sample": base64.b64encode(struct.pack("<6f", *[0.5] * 6)).decode(),
            }
        ],
        "others": 1,
    },
}
_POLICY = {
    "arithmetic": "float32",
    "layout": "contiguous",
    "map_cosine": 1.0,
    "feature_cosine": 1.0,
    "seconds_per_image": 0.1,
}
_SPREAD = {"node_variance": 0.1, "covariance": -0.1, "edge_variance": 0.2}
_SIMILARITIES = {
    "valid_probes": 3,
    "node_similarity": 0.5,
    "edge_similarity": -0.5,
    "spread": _SPREAD,
}


def _files(*names: str) -> dict[str, int]:
    return dict.fromkeys(names, 100)


def _estimate(model_id: str) -> dict[str, Any]:
    names = ("mean", "deviation", "low", "high", "p_best", "expected_regret", "measured")
    return {"model": model_id, **dict.fromkeys(names, 0.5)}


EXAMPLES: dict[MethodKind, Example] = {
    MethodKind.MODEL_CHECK: (
        {"problems": [], "program": "program.pt2", "network": _NETWORK},
        ResultScope(file_sizes=_files("program.pt2")),
    ),
    MethodKind.DATASET_INGESTION: (
        {
            "problems": [{"name": "b.png", "code": "broken", "detail": "no image", "remedy": ""}],
            "notes": [{"code": "odd", "detail": "unusual", "count": 1, "names": ["a.png"]}],
            "images": [
                {
                    "name": "a.png",
                    "label": "a",
                    "sha256": _KEY,
                    "media_type": "image/png",
                    "start": 10,
                    "length": 90,
                    "width": 8,
                    "height": 8,
                    "mask": {"start": 0, "length": 10, "sha256": _KEY},
                }
            ],
            "labels": ["a"],
            "manifest_sha256": _KEY,
            "packed_file": "images.pack",
            "canonical_file": "canonical.npy",
            "canonical_side": 8,
            "masks_file": "masks.npy",
        },
        ResultScope(file_sizes=_files("images.pack", "canonical.npy", "masks.npy")),
    ),
    MethodKind.GRAPH: (
        {
            "comparable_key": _KEY,
            "status": "ok",
            "detail": "fine",
            "valid_probes": 3,
            "probes": 3,
            "grid": 8,
            "sketch": [0.01] * SKETCH_SIZE,
            "policy": _POLICY,
            "timing": {"maps": 1.0, "edges": 1.0, "sketches": 1.0},
        },
        ResultScope(comparable_key=_KEY, file_sizes=_files("graph.safetensors")),
    ),
    MethodKind.HEAT_MAPS: (
        {
            "images": [
                {"model_id": name, "index": 3, "picture": f"{name}_00003.png", "status": "valid"}
                for name in _MODELS
            ],
            "numerics": {name: {**_POLICY, "batch_size": 4} for name in _MODELS},
        },
        ResultScope(
            model_ids=frozenset(_MODELS),
            image_indices=frozenset({3}),
            file_sizes=_files(
                "mdl_1_00003.png",
                "mdl_2_00003.png",
                "sheet.png",
                "heat-maps.zip",
                "maps.safetensors",
            ),
        ),
    ),
    MethodKind.REFERENCE_NETWORK: (
        {
            "manifest": _MANIFEST,
            "program": "program.pt2",
            "network": _NETWORK,
            "accuracy": 0.5,
            "chance": 0.25,
            "trained_on": 8,
            "held_out": 2,
            "last_loss": 0.7,
            "seconds": 1.5,
        },
        ResultScope(file_sizes=_files("program.pt2")),
    ),
    MethodKind.ESTIMATES: (
        {
            "images": 8,
            "classes": 2,
            "units": 4,
            "timing": {"network": 1.0, "estimators": 1.0},
            "scores": {name.value: 0.5 for name in LABEL_SCORES} | {"leep": None},
            "reasons": {"leep": {"code": "no_logits", "detail": "it is no classifier"}},
        },
        ResultScope(),
    ),
    MethodKind.RANKING: (
        {
            "target_id": "mdl_1",
            "target_status": "ok",
            "items": [{"model_id": "mdl_2", "status": "ok", **_SIMILARITIES}],
        },
        ResultScope(model_ids=frozenset(_MODELS)),
    ),
    MethodKind.FUSED_RANKING: (
        {
            "estimates": [_estimate(name) for name in _MODELS],
            "best_set": ["mdl_1"],
            "best_set_probability": 0.9,
            "expected_regret": 0.1,
            "measure_next": ["mdl_2"],
            "evidence": {"history": 0.5, "runs": 0.5},
        },
        ResultScope(model_ids=frozenset(_MODELS)),
    ),
    MethodKind.MAP: (
        {
            "document": {
                "models": list(_MODELS),
                "names": ["hen", "fox"],
                "tasks": ["classification", "embedding"],
                "tree": {
                    "joins": [{"left": 0, "right": 1, "height": 0.5, "size": 2}],
                    "order": [1, 0],
                },
                "clusters": [0, 0],
                "typical": [1],
                "neighbors": [
                    [{"index": 1, "similarity": 0.5}],
                    [{"index": 0, "similarity": 0.5}],
                ],
                "points": [[0.0, 1.0], [1.0, 0.0]],
                "stress": 0.1,
                "left_out": [{"model_id": "mdl_3", "status": "degenerate"}],
            },
            "pictures": ["tree.svg", "matrix.png"],
        },
        ResultScope(
            model_ids=frozenset({*_MODELS, "mdl_3"}),
            file_sizes=_files("tree.svg", "matrix.png", "similarities.safetensors"),
        ),
    ),
    MethodKind.LAYER_SELECTION: (
        {
            "items": [
                {
                    "layer": "features.1",
                    "shape": [4, 2, 2],
                    "depth": 0.5,
                    "operations_share": 0.5,
                    "status": "ok",
                    "detail": "fine",
                    **_SIMILARITIES,
                }
            ],
            "remade": ["features.1"],
            "batch_size": 4,
            "grid": 8,
            "timing": {"maps": 1.0, "edges": 1.0},
        },
        ResultScope(layers=frozenset({"features.1"})),
    ),
    MethodKind.UNIT_RESPONSES: (
        {"images": 4, "units": 2, "breadth": 1.5, "seconds": 0.1},
        ResultScope(file_sizes=_files("responses.safetensors")),
    ),
    MethodKind.CONCEPT_SEARCH: (
        {
            "units": [
                {
                    "model_id": "mdl_1",
                    "unit": 1,
                    "expected_auc": 0.75,
                    "expected_interval": [0.5, 0.9],
                    "auc": 0.8,
                    "auc_interval": [0.6, 0.9],
                }
            ],
            "unchecked": ["mdl_2"],
            "searched_units": 4,
            "positives": 5,
            "seconds": 0.1,
        },
        ResultScope(model_ids=frozenset(_MODELS)),
    ),
    MethodKind.TRAINING: (
        {
            "manifest": _MANIFEST,
            "program": "program.pt2",
            "network": _NETWORK,
            "quality": {"accuracy": 0.5},
            "teachers": {"parameters": 100, "flops": 200},
            "trained_on": 8,
            "held_out": 2,
            "seconds": 1.5,
            "versions": {"torch": "2.9"},
            "pictures": ["curve.png"],
            "params": LinearProbeParams(name="probe", layer="1", penalty=2.0).model_dump(
                mode="json"
            ),
            "warnings": [{"code": "near_chance", "detail": "it learned little"}],
        },
        ResultScope(
            file_sizes=_files("program.pt2", "curve.png", "report.json", "report.md"),
            params=LinearProbeParams,
        ),
    ),
    MethodKind.READER_TRAINING: (
        {
            "manifest": {
                "name": "recognizer",
                "format": "safetensors",
                "task": {"kind": "transcription", "text": "reads audio"},
                "reader": {
                    "features": {"modality": "audio", "mels": 80},
                    "size": {"width": 8, "layers": 1, "dropout": 0.3},
                    "vocabulary": ["a", "b"],
                    "tokens_per_frame": 0.5,
                },
                "tags": ["reader"],
            },
            "weights": "reader.safetensors",
            "parameters": 100,
            "quality": {"held_out_error": 0.5},
            "trained_on": 8,
            "held_out": 2,
            "seconds": 1.5,
            "versions": {"torch": "2.9"},
            "pictures": ["curve.png"],
            "params": SpeechRecognizerParams(name="recognizer").model_dump(mode="json"),
            "warnings": [{"code": "near_chance", "detail": "it learned little"}],
        },
        ResultScope(
            file_sizes=_files("reader.safetensors", "curve.png", "report.json", "report.md"),
            params=SpeechRecognizerParams,
        ),
    ),
    MethodKind.CASCADE_TRAINING: (
        {
            "manifest": {
                "name": "cascade",
                "format": "safetensors",
                "task": {"kind": "transcription", "text": "reads video"},
                "reader": {
                    "kind": "cascade",
                    "features": {
                        "modality": "video",
                        "height": 6,
                        "width": 8,
                        "rate": 25.0,
                        "components": 4,
                    },
                    "size": {"width": 8, "layers": 1, "dropout": 0.3},
                    "stages": [
                        {"stage": "pinyin", "vocabulary": ["hao", "ni"]},
                        {"stage": "character", "vocabulary": ["你", "好"]},
                    ],
                    "tokens_per_frame": 0.5,
                    "video_in": "all",
                    "passed": "posterior",
                    "pinyin_from": "pypinyin 0.55.0",
                },
                "tags": ["reader"],
            },
            "weights": "reader.safetensors",
            "parameters": 100,
            "quality": {"held_out_character_error": 0.5},
            "trained_on": 8,
            "held_out": 2,
            "seconds": 1.5,
            "versions": {"torch": "2.9"},
            "pictures": ["curve.png"],
            "params": CascadeSeq2SeqParams(name="cascade").model_dump(mode="json"),
            "warnings": [{"code": "near_chance", "detail": "it learned little"}],
        },
        ResultScope(
            file_sizes=_files("reader.safetensors", "curve.png", "report.json", "report.md"),
            params=CascadeSeq2SeqParams,
        ),
    ),
    MethodKind.BAKED_STYLE: (
        {"manifest": _MANIFEST, "program": "program.pt2", "network": _NETWORK},
        ResultScope(file_sizes=_files("program.pt2")),
    ),
    MethodKind.ADAPTATION: (
        {
            "manifest": _MANIFEST,
            "program": "program.pt2",
            "network": _NETWORK,
            "distinct": [1, 2],
            "notes": ["support image 2 equals image 0 and counts once"],
        },
        ResultScope(file_sizes=_files("program.pt2")),
    ),
}
