"""Python client of a zoo. Its only dependency is httpx: no server, no torch."""

from zooscope.client.client import LOCAL_URL, ZooClient
from zooscope.client.errors import InvalidField, UnreachableError, ZooClientError
from zooscope.client.predictions import Prediction
from zooscope.client.transport import RetryPolicy

__all__ = [
    "LOCAL_URL",
    "InvalidField",
    "Prediction",
    "RetryPolicy",
    "UnreachableError",
    "ZooClient",
    "ZooClientError",
]
