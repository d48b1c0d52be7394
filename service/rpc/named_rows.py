"""Names in the fields of a message that are parts of the path over REST."""

import re
from collections.abc import Mapping
from typing import TypeVar

from google.protobuf.message import Message

from service.api_state import ApiState
from service.core.counts import counted
from service.core.errors import InvalidRequestError
from service.core.ids import LONGEST_REFERENCE
from service.core.operations.error_pointers import invalid_value
from service.core.operations.names import Named
from service.core.tables import DatasetRecord, ModelRecord

M = TypeVar("M", bound=Message)

_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]*")

_OF_SERVICES: Mapping[str, Mapping[str, Named]] = {
    "zoo.v1.ModelService": {"id": ModelRecord},
    "zoo.v1.DatasetService": {"id": DatasetRecord},
}
_OF_RPCS: Mapping[str, Mapping[str, Named]] = {
    "GetAttribution": {"dataset_id": DatasetRecord},
    "GetMap": {"dataset_id": DatasetRecord},
    "ListSimilarUnits": {"id": ModelRecord, "dataset_id": DatasetRecord},
    "ListMaps": {"dataset_id": DatasetRecord},
    "GetMapSnapshot": {"dataset_id": DatasetRecord},
}


def with_ids(parts: ApiState, request: M, *, project: str, method: str) -> M:
    """The message of an RPC such as ``/zoo.v1.ModelService/GetModel``, with an id for each name.

    Raises:
        InvalidRequestError: A field that names a row is too long, or has control characters.
        NotFoundError, ConflictError: As ``names.id_of``.
    """
    _require_references(request)
    service, _, name = method.removeprefix("/").partition("/")
    for field, kind in {**_OF_SERVICES.get(service, {}), **_OF_RPCS.get(name, {})}.items():
        if field in request.DESCRIPTOR.fields_by_name:
            reference = getattr(request, field)
            row_id = parts.id_of(kind, project=project, reference=reference)
            setattr(request, field, row_id)
    return request


def _require_references(request: Message) -> None:
    """Accept ids and names that a path of REST could hold. Raises InvalidRequestError."""
    for field, value in request.ListFields():
        is_reference = field.name == "id" or field.name.endswith("_id")
        if not (is_reference and isinstance(value, str)):
            continue
        if len(value) > LONGEST_REFERENCE or not _PRINTABLE.fullmatch(value):
            raise invalid_value(
                f"/{field.name}",
                f"{field.name} has {counted(len(value), 'character')}; an id or a name has at most"
                f" {LONGEST_REFERENCE}, and no control characters",
                code=InvalidRequestError.code,
                remedy="send an id, or a name that a list returned",
            )
