"""The tags of the OpenAPI document: what each group of calls is about."""

from collections.abc import Mapping

_TEXTS: Mapping[str, str] = {
    "operation": "Whether this process runs and serves, and its figures for Prometheus.",
    "models": "Networks: upload, search, change, delete, download, predict, and what is near them.",
    "uploads": "Files that are sent in parts and resumed after interruptions, also by tus 1.0.",
    "datasets": "Sets of images: upload, search, delete, and read image by image.",
    "attributions": "Heat maps of what networks look at, on images of a dataset.",
    "rankings": "Which network to start from, for a target network or a target dataset.",
    "layer selections": "Which layer of a network to build on, for a target.",
    "concept searches": "Which output units recognize what a few images show.",
    "accuracies": "Measured accuracies that fused rankings learn from.",
    "maps": "How all networks that are measured on a probe set relate.",
    "methods": "The methods that jobs can run, with the schemas of their inputs and parameters.",
    "jobs": "Asynchronous runs of methods: submit, search, watch, cancel, retry.",
    "events": "What changes in the project, as it happens.",
    "artifacts": "Files that jobs produced.",
    "keys": "API keys, their scopes and their expiry.",
    "sessions": "Browsers that sign in with a key or a link, and who sends a request.",
    "quotas": "What a project may use, and what it uses.",
    "audit": "Who did what: the log of changes, downloads and refusals.",
}

TAGS = [{"name": name, "description": text} for name, text in _TEXTS.items()]
