"""Zooscope for Python programs: rank pretrained networks for your task from Python.

Start a zoo with ``zooscope up``, set ``ZOO_KEY`` to the key that it prints, and run::

    import os
    from pathlib import Path
    from zooscope import ZooClient

    with ZooClient(key=os.environ["ZOO_KEY"]) as zoo:
        dataset = zoo.datasets.push(Path("flowers"), {"name": "flowers", "layout": "folders"})
        dataset = zoo.datasets.wait(dataset["id"])
        ranking = zoo.rank(dataset=dataset["id"])
        print([item["name"] for item in ranking["items"]])

Results are plain dictionaries; the classes below describe their keys for annotations. A refused
request raises ``ZooClientError`` with a stable ``code``, a ``detail`` and a ``remedy``. Importing
this package loads httpx only: no server, no torch.
"""

from zooscope.client import (
    LOCAL_URL,
    InvalidField,
    Prediction,
    RetryPolicy,
    UnreachableError,
    ZooClient,
    ZooClientError,
)
from zooscope.client.layers import LayerSelection
from zooscope.client.lineages import Lineage
from zooscope.client.results import (
    Accuracy,
    AddedAccuracies,
    Artifact,
    Dataset,
    IssuedKey,
    Job,
    JobEvent,
    Key,
    Layer,
    MapSnapshot,
    Method,
    Model,
    Neighbor,
    Ranking,
    RankingItem,
)

__all__ = [
    "LOCAL_URL",
    "Accuracy",
    "AddedAccuracies",
    "Artifact",
    "Dataset",
    "InvalidField",
    "IssuedKey",
    "Job",
    "JobEvent",
    "Key",
    "Layer",
    "LayerSelection",
    "Lineage",
    "MapSnapshot",
    "Method",
    "Model",
    "Neighbor",
    "Prediction",
    "Ranking",
    "RankingItem",
    "RetryPolicy",
    "UnreachableError",
    "ZooClient",
    "ZooClientError",
]
