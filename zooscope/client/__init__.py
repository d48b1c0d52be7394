"""Python client of a zoo. Its only dependency is httpx: no server, no torch."""

from zooscope.client.async_client import AsyncZooClient
from zooscope.client.client import LOCAL_URL, ZooClient
from zooscope.client.errors import InvalidField, UnreachableError, ZooClientError
from zooscope.client.layer_table import LayerTable
from zooscope.client.map_table import MapTable
from zooscope.client.pictures import ImageBytes
from zooscope.client.predictions import Clips, FewShotSupport, Prediction, Styles
from zooscope.client.ranking_table import RankingTable
from zooscope.client.transport import Retry, RetryPolicy

__all__ = [
    "LOCAL_URL",
    "AsyncZooClient",
    "Clips",
    "FewShotSupport",
    "ImageBytes",
    "InvalidField",
    "LayerTable",
    "MapTable",
    "Prediction",
    "RankingTable",
    "Retry",
    "RetryPolicy",
    "Styles",
    "UnreachableError",
    "ZooClient",
    "ZooClientError",
]
