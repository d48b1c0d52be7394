"""A Python client of the zoo. It needs httpx and nothing else: no server, no torch."""

from service.client.client import LOCAL_URL, ZooClient
from service.client.errors import FieldProblem, UnreachableError, ZooClientError
from service.client.predictions import Prediction
from service.client.transport import Patience

__all__ = [
    "LOCAL_URL",
    "FieldProblem",
    "Patience",
    "Prediction",
    "UnreachableError",
    "ZooClient",
    "ZooClientError",
]
