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

Results are dictionaries; the classes below describe their keys for annotations. Rankings, maps and
layer selections also have ``to_pandas()`` and ``plot()``, images ``to_pil()`` (extra ``notebook``).
``AsyncZooClient`` has the same methods to await. A refused request raises ``ZooClientError`` with a
stable ``code``, a ``detail`` and a ``remedy``. Importing this package loads httpx only: no server, no
torch.
"""

from importlib.metadata import PackageNotFoundError, version

from zooscope.client import (
    LOCAL_URL,
    AsyncZooClient,
    Clips,
    FewShotSupport,
    ImageBytes,
    InvalidField,
    LayerTable,
    MapTable,
    Prediction,
    RankingTable,
    Retry,
    RetryPolicy,
    Styles,
    UnreachableError,
    ZooClient,
    ZooClientError,
)
from zooscope.client.results import (
    Accuracy,
    AddedAccuracies,
    Artifact,
    AuditEvent,
    Clip,
    Dataset,
    Facet,
    FacetValue,
    IssuedKey,
    Job,
    JobEvent,
    Key,
    Layer,
    LayerSelection,
    LayerSelectionSummary,
    Lineage,
    MapSnapshot,
    Method,
    Model,
    Neighbor,
    OwnKey,
    Quota,
    Quotas,
    Ranking,
    RankingEstimate,
    RankingItem,
    RankingSummary,
)

try:
    __version__ = version("zooscope")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "unknown"

__all__ = [
    "LOCAL_URL",
    "Accuracy",
    "AddedAccuracies",
    "Artifact",
    "AsyncZooClient",
    "AuditEvent",
    "Clip",
    "Clips",
    "Dataset",
    "Facet",
    "FacetValue",
    "FewShotSupport",
    "ImageBytes",
    "InvalidField",
    "IssuedKey",
    "Job",
    "JobEvent",
    "Key",
    "Layer",
    "LayerSelection",
    "LayerSelectionSummary",
    "LayerTable",
    "Lineage",
    "MapSnapshot",
    "MapTable",
    "Method",
    "Model",
    "Neighbor",
    "OwnKey",
    "Prediction",
    "Quota",
    "Quotas",
    "Ranking",
    "RankingEstimate",
    "RankingItem",
    "RankingSummary",
    "RankingTable",
    "Retry",
    "RetryPolicy",
    "Styles",
    "UnreachableError",
    "ZooClient",
    "ZooClientError",
    "__version__",
]
