"""Layer selections from values to messages, and requests the other way."""

from collections.abc import Mapping
from typing import Any

from service.rpc.from_proto import plain, struct
from service.rpc.stubs.zoo.v1 import job_pb2, layer_selection_pb2
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as wire
from service.rpc.to_proto import moment, problem

_SAME = (
    "id",
    "job_id",
    "source_model_id",
    "target_model_id",
    "target_layer",
    "probe_set_id",
    "edge_weight",
    "cache_key",
)


def selection(
    told: Mapping[str, Any], progress: Mapping[str, Any] | None
) -> layer_selection_pb2.LayerSelection:
    """A selection as it is read by an edge weight."""
    return layer_selection_pb2.LayerSelection(
        **{name: told[name] for name in _SAME},
        state=f"LAYER_SELECTION_STATE_{told['state'].upper()}",
        choice=None if told["choice"] is None else _choice(told["choice"]),
        baselines=_baselines(told["baselines"]),
        layers=[_score(layer) for layer in told["layers"]],
        error=None if told["error"] is None else problem(told["error"]),
        progress=None if progress is None else job_pb2.JobProgress(**progress),
        created_at=moment(told["created_at"]),
    )


def _choice(found: Mapping[str, Any]) -> layer_selection_pb2.LayerChoice:
    return layer_selection_pb2.LayerChoice(**_with_bounds(found))


def _baselines(found: Mapping[str, str] | None) -> layer_selection_pb2.LayerBaselines | None:
    return None if found is None else layer_selection_pb2.LayerBaselines(**found)


def _score(found: Mapping[str, Any]) -> layer_selection_pb2.LayerScore:
    known = layer_selection_pb2.LayerScore.DESCRIPTOR.fields_by_name
    values = _with_bounds(found)
    return layer_selection_pb2.LayerScore(**{k: v for k, v in values.items() if k in known})


def _with_bounds(found: Mapping[str, Any]) -> dict[str, Any]:
    """The interval as two values; a message has no pairs."""
    low, high = found["interval"] or (None, None)
    rest = {name: value for name, value in found.items() if name != "interval"}
    return {**rest, "interval_low": low, "interval_high": high}


def request_values(request: wire.SelectLayerRequest) -> dict[str, Any]:
    """The request as REST words it."""
    values = plain(request)
    values.update(values.pop("reading", {}))
    named = values.pop("named", None)
    if named is not None:
        values["layers"] = named.get("names", [])
    if values.pop("all", None) is not None:
        values["layers"] = "all"
    if request.HasField("settings"):
        values["settings"] = struct(request.settings)
    values.setdefault("target", {})
    return values
