"""Requests for jobs on pages, and whether their method takes them."""

import json
from typing import Any

from service.core.catalog import method_named
from service.core.operations.jobs.requests import JobRequest
from tests.docs.shell_words import with_ids
from zooscope.cli.jobs import _budget, _pairs


def submitted(options: dict[str, Any]) -> dict[str, Any]:
    """The body of the request that ``zooscope jobs submit`` sends for these options."""
    fields = {
        "method": options["method"],
        "inputs": _pairs(options["inputs"], "--input"),
        "params": _pairs(options["params"], "--set"),
        "teachers": options["teacher"],
        "source_model_id": options["source"],
        "dataset_id": options["dataset"],
        "eval_dataset_id": options["eval_dataset"],
        "student": _pairs(options["student"], "--student") or None,
        "seed": options["seed"],
        "device": options["device"],
        "budget": _budget(options["budget"]),
    }
    return {name: value for name, value in fields.items() if value}


def require_fitting(body: dict[str, Any]) -> None:
    """Raise ValidationError where the method does not take these inputs and parameters."""
    body = json.loads(with_ids(json.dumps(body)))
    request = JobRequest.model_validate(body)
    spec = method_named(request.method)
    inputs = {name for name in request.top_level if name in spec.inputs.model_fields}
    spec.inputs.model_validate(request.inputs | {name: body[name] for name in inputs})
    params = request.top_level.keys() - inputs
    spec.params.model_validate(request.params | {name: body[name] for name in params})
