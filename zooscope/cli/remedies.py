"""Remedies of the service in the words of the command line."""

import re

_PHRASES = {
    "correct the fields that `errors` points at": "correct what is named above",
    "set it at the top level or inside inputs and params, not both": (
        "set it once: with its own option, or with --input or --set"
    ),
}
# The longer paths come first: each would also match a shorter one.
_COMMANDS = [
    (
        re.compile(
            r'(?:create it with )?POST /v1/jobs \{"method": "unit_responses", '
            r'"inputs": \{"model_id": "([^"]+)", "dataset_id": "([^"]+)"\}\}'
        ),
        r"measure it with `zooscope concepts measure \1 --probes \2`",
    ),
    (re.compile(r"POST /v1/accuracies(?![\w/-])"), "`zooscope accuracies import`"),
    *(
        (re.compile(rf"(?:GET|POST) /v1/{path}(?![\w/-])"), f"`zooscope {command}`")
        for path, command in (
            (r"jobs/([^/\s;,]+)/artifacts", r"jobs artifacts \1"),
            (r"maps/([^/\s;,]+)/snapshots", r"maps ls \1"),
            (r"models/([^/\s;,]+)/layers", r"models layers \1"),
            (r"models/([^/\s;,]+)/lineage", r"models lineage \1"),
            (r"models/([^/\s;,]+)/family", r"models family \1"),
            (r"models/([^/\s;,]+)/neighbors", r"models neighbors \1"),
            (r"models/([^/\s;,]+)", r"models show \1"),
            (r"datasets/([^/\s;,]+)/images", r"datasets show \1"),
            (r"datasets/([^/\s;,]+)/clips", r"datasets clips \1"),
            (r"methods/([^/\s;,]+)", r"methods show \1"),
            ("keys/self", "keys show"),
            ("models", "models ls"),
            ("datasets", "datasets ls"),
            ("jobs", "jobs ls"),
            ("methods", "methods ls"),
            ("keys", "keys ls"),
            ("quotas", "quotas show"),
            ("accuracies", "accuracies ls"),
            ("rankings", "rank"),
            ("layer-selections", "layers"),
            ("concept-searches", "concepts search"),
            ("units", "concepts units"),
            ("maps", "map"),
            ("attributions", "attributions"),
            ("uploads", "models push"),
        )
    ),
]


def in_commands(remedy: str) -> str:
    """The remedy with the command instead of each call of the API that has one."""
    remedy = _PHRASES.get(remedy, remedy)
    for call, command in _COMMANDS:
        remedy = call.sub(command, remedy)
    return remedy
